use super::*;
use crate::compare::{
    Allowed, Build, COMPARISON_VERSION, Course, Judgement, MissingCase, SideError, Verdict, fixture,
};
use crate::record::fixture::case;
use crate::record::{CaseError, ErrorKind};

/// A judgement with this verdict. Its interval extends half a percent to each side of the ratio.
fn judgement(verdict: Verdict, ratio: f64) -> Judgement {
    Judgement {
        interval: Some(RatioInterval {
            low: ratio - 0.005,
            high: ratio + 0.005,
        }),
        more_pair_count: (verdict == Verdict::Inconclusive).then_some(45),
        ..fixture::judgement(verdict, ratio)
    }
}

fn compared(workload: &str, wall: Option<Judgement>) -> ComparedCase {
    ComparedCase {
        cpu: wall
            .as_ref()
            .map(|wall| judgement(Verdict::Unchanged, wall.ratio)),
        times: wall.as_ref().map(|wall| SideTimes {
            base_ns: 5_100_000.0,
            head_ns: 5_100_000.0 * wall.ratio,
        }),
        elapsed_ns: 4_500_000_000,
        ..fixture::compared(workload, wall)
    }
}

/// A comparison with every outcome once, unsorted, and with a name that every format has to escape.
pub(in crate::report) fn varied() -> Comparison {
    let mut failed = compared("crash", None);
    failed.error = Some(SideError {
        side: Some(Side::Head),
        error: CaseError::new(
            ErrorKind::Panic,
            "out of <cheese> & \"wine\"\nin | `task` 3",
        ),
    });
    let mut apart = compared("counter", Some(judgement(Verdict::Inconclusive, 1.3)));
    apart.not_judged = Some("sessions of one build lie 5.9% apart".into());
    let mut costly = compared("costly", Some(judgement(Verdict::Unchanged, 1.001)));
    costly.cpu = Some(judgement(Verdict::Regressed, 1.25));
    let mut odd = compared("a,b|\"c\"<d>&e", Some(judgement(Verdict::Improved, 0.4)));
    odd.cpu = None;
    let host = case("x", "rayon", 2).record().host;
    let build = |name: &str, commit: &str| Build {
        name: name.into(),
        commit: Some(commit.into()),
        dirty: false,
        sha256: None,
    };
    Comparison {
        comparison_version: COMPARISON_VERSION,
        source: ComparisonSource::Gate,
        base: build("main", "0ff1ce0123456789"),
        head: build("c0ffee0", "c0ffee0123456789"),
        alpha: 0.01,
        seed: 7,
        pin: Some(true),
        course: Some(Course {
            planned_pair_count: None,
            max_time_ns: Some(160_000_000_000),
            is_out_of_time: true,
            pair_correlation: Some(0.04),
            pair_correlation_low: Some(-0.08),
        }),
        host,
        started_at: "2026-11-02T12:00:00Z".into(),
        elapsed_ns: 31_500_000_000,
        foreign_load_ratio: Some(0.12),
        calibration_spread_ratio: Some(1.4),
        cases: vec![
            compared("same", Some(judgement(Verdict::Unchanged, 0.9969))),
            compared("slow", Some(judgement(Verdict::Regressed, 1.052))),
            apart,
            compared("near", Some(judgement(Verdict::Inconclusive, 1.01))),
            costly,
            compared("slowest", Some(judgement(Verdict::Regressed, 2.5))),
            odd,
            failed,
        ],
        control: Some(compared("same", Some(judgement(Verdict::Unchanged, 1.0)))),
        missing: vec![
            MissingCase {
                id: "gone/rayon/2".into(),
                side: Side::Head,
                error: None,
            },
            MissingCase {
                id: "fresh/rayon/2".into(),
                side: Side::Base,
                error: None,
            },
        ],
        advisory: Vec::new(),
        allowed: Allowed::default(),
    }
}

#[test]
fn the_table_has_the_worst_first() {
    let text = styled_verdicts(&varied());
    insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
}

#[test]
fn a_comparison_without_cases_says_so() {
    let mut empty = varied();
    empty.cases.clear();
    empty.missing.clear();
    assert!(styled_verdicts(&empty).ends_with("no cases\n"));
}

#[test]
fn times_share_a_unit_if_they_have_the_same() {
    let times = |base_ns, head_ns| before_and_after(SideTimes { base_ns, head_ns });
    assert_eq!(times(5_100_000.0, 5_500_000.0), "5.10 → 5.50 ms");
    assert_eq!(times(980_000.0, 1_020_000.0), "980 µs → 1.02 ms");
}

#[test]
fn an_inconclusive_control_is_explained() {
    let mut comparison = varied();
    let explained = |comparison: &Comparison| {
        fitness(comparison)
            .join(" ")
            .contains("no fault of the gate")
    };
    assert!(!explained(&comparison));
    comparison.control = Some(compared(
        "same",
        Some(judgement(Verdict::Inconclusive, 1.0)),
    ));
    assert!(explained(&comparison));
}

#[test]
fn a_changed_working_tree_shows_in_the_title() {
    let mut changed = varied();
    changed.head.dirty = true;
    assert_eq!(
        title(&changed),
        "c0ffee0 (c0ffee012345 (dirty)) against main (0ff1ce012345)"
    );
}

#[test]
fn changes_are_in_per_cent_up_to_a_doubling() {
    for (ratio, expected) in [
        (1.0, "+0.00%"),
        (1.0031, "+0.31%"),
        (0.9969, "−0.31%"),
        (1.052, "+5.2%"),
        (0.5, "−50.0%"),
        (1.999, "+99.9%"),
        (2.5, "× 2.50"),
        (0.25, "× 0.25"),
    ] {
        assert_eq!(change(ratio), expected);
    }
}

#[test]
fn a_failed_control_and_advisory_verdicts_are_reported() {
    let mut comparison = varied();
    comparison.advisory = vec!["the control failed".into()];
    comparison.control = Some(compared("same", Some(judgement(Verdict::Regressed, 1.1))));
    let sentences = fitness(&comparison).join("\n");
    assert!(sentences.contains("The verdicts are advisory: the control failed."));
    assert!(
        sentences.contains("The control failed: same/rayon/2, compared with itself, came out as regressed (+9.5% … +10.5%).")
    );
}

#[test]
fn records_speak_of_sessions() {
    let mut comparison = varied();
    comparison.source = ComparisonSource::Records;
    let near = lines(&comparison)
        .into_iter()
        .find(|line| line.id == "near/rayon/2");
    assert_eq!(
        near.unwrap().note,
        "about 45 more sessions per build would settle it"
    );
}

#[test]
fn the_time_that_decides_is_named_if_it_is_not_wall_time() {
    let mut case = compared("periodic", Some(judgement(Verdict::Unchanged, 1.0)));
    case.judged = Channel::Cpu;
    case.cpu = Some(judgement(Verdict::Regressed, 1.2));
    let comparison = Comparison {
        cases: vec![case],
        missing: Vec::new(),
        ..varied()
    };
    let line = &lines(&comparison)[0];
    assert_eq!(line.kind, LineKind::Verdict(Verdict::Regressed));
    assert_eq!(
        (line.change(), &*line.note),
        ("+20.0%", "judged by CPU time")
    );
    assert_eq!(line.interval, "+19.5% … +20.5%");
}

#[test]
fn latencies_that_no_verdict_is_about_are_mentioned() {
    let mut comparison = varied();
    let said = |comparison: &Comparison| {
        fitness(comparison)
            .join(" ")
            .contains("latencies are not judged")
    };
    assert!(!said(&comparison));
    comparison.cases[0].has_latencies = true;
    assert!(said(&comparison));
}
