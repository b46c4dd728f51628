use super::*;
use crate::compare::fixture::{compared, judgement};
use crate::record::ErrorKind;
use crate::record::fixture;

fn case(wall: Option<Verdict>, cpu: Option<Verdict>) -> ComparedCase {
    let judged = |verdict| judgement(verdict, 1.0);
    ComparedCase {
        cpu: cpu.map(judged),
        ..compared("x", wall.map(judged))
    }
}

fn comparison(cases: Vec<ComparedCase>) -> Comparison {
    let build = Build {
        name: "x".into(),
        commit: None,
        dirty: false,
        sha256: None,
    };
    Comparison {
        comparison_version: COMPARISON_VERSION,
        pin: None,
        course: None,
        source: ComparisonSource::Gate,
        base: build.clone(),
        head: build,
        alpha: 0.01,
        seed: 0,
        host: fixture::case("x", "rayon", 2).record().host,
        started_at: String::new(),
        elapsed_ns: 0,
        foreign_load_ratio: None,
        calibration_spread_ratio: None,
        cases,
        control: None,
        missing: Vec::new(),
        advisory: Vec::new(),
        allowed: Allowed::default(),
    }
}

fn outcome(walls: &[Verdict]) -> Outcome {
    let cases = walls.iter().map(|wall| case(Some(*wall), None));
    comparison(cases.collect()).outcome()
}

#[test]
fn the_worst_verdict_is_the_outcome() {
    use Verdict::{Improved, Inconclusive, Regressed, Unchanged};
    assert_eq!(outcome(&[]), Outcome::Fine);
    assert_eq!(outcome(&[Unchanged, Improved]), Outcome::Fine);
    assert_eq!(outcome(&[Unchanged, Inconclusive]), Outcome::Inconclusive);
    assert_eq!(outcome(&[Inconclusive, Regressed]), Outcome::Regressed);
}

#[test]
fn an_error_or_a_missing_case_is_worse_than_a_regression() {
    let mut failed = comparison(vec![case(Some(Verdict::Regressed), None), case(None, None)]);
    assert_eq!(failed.outcome(), Outcome::Regressed);
    failed.cases[1].error = Some(SideError {
        side: Some(Side::Head),
        error: CaseError::new(ErrorKind::Killed, "died"),
    });
    assert_eq!(failed.outcome(), Outcome::Failed);
    let mut lacking = comparison(vec![case(Some(Verdict::Unchanged), None)]);
    lacking.missing.push(MissingCase {
        id: "y".into(),
        side: Side::Head,
        error: None,
    });
    assert_eq!(lacking.outcome(), Outcome::Failed);
    lacking.allowed.missing = true;
    assert_eq!(lacking.outcome(), Outcome::Fine, "the case may be missing");
    lacking.missing[0].side = Side::Base;
    assert_eq!(lacking.outcome(), Outcome::Fine, "the case is new");
    lacking.allowed.new = false;
    assert_eq!(lacking.outcome(), Outcome::Failed, "no case may be new");
    lacking.allowed.new = true;
    lacking.missing[0].error = Some(CaseError::new(ErrorKind::Killed, "died"));
    assert_eq!(
        lacking.outcome(),
        Outcome::Failed,
        "the case is new and failed"
    );
}

#[test]
fn neither_advisory_verdicts_nor_cpu_time_fail_a_build() {
    let mut advisory = comparison(vec![case(Some(Verdict::Regressed), None)]);
    advisory.advisory.push("the control failed".into());
    assert_eq!(advisory.outcome(), Outcome::Inconclusive);
    let burning = case(Some(Verdict::Unchanged), Some(Verdict::Regressed));
    assert_eq!(comparison(vec![burning]).outcome(), Outcome::Fine);
}

#[test]
fn two_binaries_are_the_same_only_if_both_are_known() {
    let mut both = comparison(Vec::new());
    assert!(!both.is_identical());
    both.base.sha256 = Some("00".into());
    both.head.sha256 = Some("00".into());
    assert!(both.is_identical());
    both.head.sha256 = Some("01".into());
    assert!(!both.is_identical());
}
