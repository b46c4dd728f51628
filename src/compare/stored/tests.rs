use serde_json::json;

use super::*;
use crate::compare::MissingCase;
use crate::record::fixture::{Builder, case};

const PLAN: StoredPlan = StoredPlan {
    threshold_ratio: 0.01,
    alpha: 0.01,
    seed: 7,
    advisory: false,
};

fn hash_case() -> Builder {
    case("hash", "rayon", 2)
        .kernel(json!({ "kind": "hash", "times": 1 }))
        .calibrated_us(200)
}

/// One session of a case per wall time, all of one commit.
fn sessions(case: &Builder, walls_us: &[u64]) -> Vec<Placed> {
    let session = |(line, wall_us): (usize, &u64)| {
        let record = case.clone().near_us(*wall_us).record();
        (format!("r.jsonl:{}", line + 1), record)
    };
    walls_us.iter().enumerate().map(session).collect()
}

fn compared(base: &[Placed], head: &[Placed]) -> Comparison {
    compare(base, head, &PLAN).unwrap()
}

fn compare(
    base: &[Placed],
    head: &[Placed],
    plan: &StoredPlan,
) -> Result<Comparison, NotComparable> {
    let stored = |name, records| Stored { name, records };
    compare_records(
        stored("main", base),
        stored("head", &a_day_later(head)),
        plan,
    )
}

/// The same figures, measured a day later.
fn a_day_later(records: &[Placed]) -> Vec<Placed> {
    let mut records = records.to_vec();
    for (_, record) in &mut records {
        record.started_at = "2026-11-03T12:00:00Z".into();
    }
    records
}

/// The verdict on the only case, and why it was not judged.
fn only(comparison: &Comparison) -> (Verdict, Option<&str>) {
    assert_eq!(comparison.cases.len(), 1);
    let case = &comparison.cases[0];
    (case.verdict(), case.not_judged.as_deref())
}

const STEADY: [u64; 5] = [10_000, 10_010, 9_990, 10_005, 9_995];

fn times(factor: f64) -> Vec<u64> {
    STEADY
        .iter()
        .map(|wall| (*wall as f64 * factor) as u64)
        .collect()
}

#[test]
fn a_fifth_slower_is_a_regression_and_a_fifth_faster_is_an_improvement() {
    let base = sessions(&hash_case(), &STEADY);
    let slower = compared(&base, &sessions(&hash_case(), &times(1.2)));
    assert_eq!(only(&slower), (Verdict::Regressed, None));
    let wall = slower.cases[0].wall.as_ref().unwrap();
    assert!((wall.ratio - 1.2).abs() < 1e-3, "{wall:?}");
    let interval = wall.interval.unwrap();
    assert!(interval.low > 1.19 && interval.high < 1.21, "{interval:?}");
    assert_eq!(wall.pair_count, 10);
    let faster = compared(&base, &sessions(&hash_case(), &times(0.8)));
    assert_eq!(only(&faster), (Verdict::Improved, None));
}

#[test]
fn equal_sessions_are_unchanged() {
    let base = sessions(&hash_case(), &STEADY);
    let same = compared(&base, &base);
    assert_eq!(only(&same), (Verdict::Unchanged, None));
    assert_eq!(same.outcome(), super::super::Outcome::Fine);
    assert_eq!(same.source, ComparisonSource::Records);
}

#[test]
fn one_session_is_judged_by_the_spread_of_the_baseline() {
    let base = sessions(&hash_case(), &STEADY);
    let slower = compared(&base, &sessions(&hash_case(), &[12_000]));
    assert_eq!(only(&slower), (Verdict::Regressed, None));
    // A difference of half a per cent lies between "unchanged" and "changed", so it is inconclusive.
    let near = compared(&base, &sessions(&hash_case(), &[10_090]));
    assert_eq!(only(&near), (Verdict::Inconclusive, None));
    assert!(
        near.cases[0]
            .wall
            .as_ref()
            .unwrap()
            .more_pair_count
            .unwrap()
            > 0
    );
}

#[test]
fn calibration_removes_a_slower_machine() {
    let base = sessions(&hash_case(), &STEADY);
    let drifted = hash_case().calibrated_us(240);
    let same = compared(&base, &sessions(&drifted, &times(1.2)));
    assert_eq!(only(&same), (Verdict::Unchanged, None));
    // Waiting is not faster on a faster machine.
    let sleeper = |control| {
        case("sleep", "rayon", 2)
            .kernel(json!({ "kind": "sleep" }))
            .calibrated_us(control)
    };
    let base = sessions(&sleeper(200), &STEADY);
    let head = sessions(&sleeper(240), &STEADY);
    assert_eq!(only(&compared(&base, &head)), (Verdict::Unchanged, None));
}

#[test]
fn a_foreign_kernel_is_calibrated_as_it_declares() {
    let own = |pace: &str, control| {
        case("own", "rayon", 2)
            .kernel(json!({ "kind": "mine" }))
            .pace(pace)
            .calibrated_us(control)
    };
    // On a machine that got slower, tasks that last for a known time take as long as before.
    let clock = |control| sessions(&own("clock", control), &STEADY);
    let same = compared(&clock(200), &clock(240));
    assert_eq!(only(&same), (Verdict::Unchanged, None));
    let drifted = sessions(&own("machine", 240), &times(1.2));
    let same = compared(&sessions(&own("machine", 200), &STEADY), &drifted);
    assert_eq!(only(&same), (Verdict::Unchanged, None));
    insta::assert_snapshot!(reason(&own("contention", 200), &STEADY, &STEADY), @"workers contend with each other, so their times do not follow the control loop");
    // Records without a pace are judged by the pace of the others.
    let silent = case("own", "rayon", 2)
        .kernel(json!({ "kind": "mine" }))
        .calibrated_us(200);
    let same = compared(&sessions(&silent, &STEADY), &clock(240));
    assert_eq!(only(&same), (Verdict::Unchanged, None));
}

/// Why a case with these sessions on either side is not judged.
fn reason(case: &Builder, base: &[u64], head: &[u64]) -> String {
    let comparison = compared(&sessions(case, base), &sessions(case, head));
    let (verdict, reason) = only(&comparison);
    assert_eq!(verdict, Verdict::Inconclusive);
    // The figures are still shown.
    assert!(comparison.cases[0].wall.is_some());
    reason.unwrap().to_owned()
}

#[test]
fn a_case_that_cannot_be_judged_says_why() {
    insta::assert_snapshot!(reason(&hash_case(), &[10_000], &[12_000]), @"too few sessions: 1 of the base and 1 of the head; at least 6 in all are needed to know how much sessions differ");
    let apart = [10_000, 10_800, 9_300, 10_500, 9_700];
    insta::assert_snapshot!(reason(&hash_case(), &apart, &[14_000, 14_900]), @"sessions of one build differ by 5.7% (standard deviation), more than 2%");
    let counter = hash_case().kernel(json!({ "kind": "counter", "variant": "atomic" }));
    insta::assert_snapshot!(reason(&counter, &STEADY, &STEADY), @"workers contend with each other, so their times do not follow the control loop");
    let bare = case("hash", "rayon", 2);
    insta::assert_snapshot!(reason(&bare, &STEADY, &STEADY), @"a session has no times of the control loop (calibrations), so a drift of the machine cannot be distinguished from a change");
}

#[test]
fn a_counter_without_contention_is_judged() {
    for (workers, variant) in [(1, "atomic"), (2, "sharded")] {
        let counter = case("counter", "rayon", workers)
            .kernel(json!({ "kind": "counter", "variant": variant }))
            .calibrated_us(200);
        let base = sessions(&counter, &STEADY);
        assert_eq!(only(&compared(&base, &base)), (Verdict::Unchanged, None));
    }
}

/// Returns why these are not compared, and checks that advisory figures can still be had.
fn refusal(base: &[Placed], head: &[Placed]) -> String {
    let NotComparable(reasons) = compare(base, head, &PLAN).unwrap_err();
    let advisory = StoredPlan {
        advisory: true,
        ..PLAN
    };
    let advice = compare(base, head, &advisory).unwrap();
    assert_eq!(advice.advisory, reasons);
    assert_eq!(advice.outcome(), super::super::Outcome::Inconclusive);
    reasons.join("\n")
}

#[test]
fn records_that_must_not_be_compared_are_refused() {
    let base = || sessions(&hash_case(), &STEADY);
    let changed = |change: fn(&mut Record)| {
        let mut head = sessions(&hash_case(), &[10_000]);
        head[0].0 = "head.jsonl:1".into();
        change(&mut head[0].1);
        refusal(&base(), &head)
    };
    insta::assert_snapshot!(changed(|record| record.host.core_count = 64), @"r.jsonl:1 and head.jsonl:1 were measured on different machines: Example CPU with 2 cores and Example CPU with 64 cores");
    insta::assert_snapshot!(changed(|record| record.host.processor = "Other".into()), @"r.jsonl:1 and head.jsonl:1 were measured on different machines: Example CPU with 2 cores and Other with 2 cores");
    insta::assert_snapshot!(changed(|record| record.host.cpu_limit_millicores = Some(500)), @"r.jsonl:1 and head.jsonl:1 were measured on different machines: Example CPU with 2 cores and Example CPU with 0.5 of 2 cores");
    insta::assert_snapshot!(changed(|record| record.digest = Some("ff".into())), @"`hash/rayon/2` differs in digest (it computes something else) between r.jsonl:1 and head.jsonl:1");
    insta::assert_snapshot!(changed(|record| record.plan.min_time_ns = 1), @"`hash/rayon/2` differs in plan between r.jsonl:1 and head.jsonl:1");
    insta::assert_snapshot!(changed(|record| record.case.parameters["kernel"]["times"] = 2.into()), @"`hash/rayon/2` differs in parameters between r.jsonl:1 and head.jsonl:1");
    insta::assert_snapshot!(changed(|record| drop(record.case.options.insert("window".into(), 4.into()))), @"`hash/rayon/2` differs in options between r.jsonl:1 and head.jsonl:1");
    let mut mixed = base();
    mixed[1].1.commit = None;
    insta::assert_snapshot!(refusal(&mixed, &base()), @"r.jsonl:1 and r.jsonl:2 have different commits, but one side of a comparison must have one commit: c0ffee0123456789c0ffee0123456789c0ffee01 and none");
}

#[test]
fn machines_of_one_class_may_be_compared() {
    let mut head = sessions(&hash_case(), &STEADY);
    for (_, record) in &mut head {
        record.host.processor = "Example  CPU".into();
    }
    let base = sessions(&hash_case(), &STEADY);
    assert_eq!(head[0].1.host.class(), base[0].1.host.class());
    assert!(compare(&base, &head, &PLAN).is_ok());
}

#[test]
fn one_sentence_covers_all_records_with_another_plan() {
    let base = sessions(&hash_case(), &STEADY);
    let mut head = sessions(&hash_case(), &STEADY);
    for (_, record) in &mut head {
        record.plan.min_time_ns = 1;
    }
    insta::assert_snapshot!(refusal(&base, &head), @"5 records differ in plan from the first record of their case: `hash/rayon/2` in r.jsonl:1 (first in r.jsonl:1), `hash/rayon/2` in r.jsonl:2 (first in r.jsonl:1) and 3 more");
}

#[test]
fn a_session_is_not_compared_with_itself() {
    let base = sessions(&hash_case(), &STEADY);
    let side = Stored {
        name: "main",
        records: &base,
    };
    let NotComparable(reasons) = compare_records(side, side, &PLAN).unwrap_err();
    insta::assert_snapshot!(reasons.join("\n"), @"5 records repeat sessions: r.jsonl:1 (first in r.jsonl:1), r.jsonl:2 (first in r.jsonl:2) and 3 more, and a session counts once, because a repeated session does not show how much sessions differ");
}

#[test]
fn another_seed_or_order_is_not_another_plan() {
    let mut head = sessions(&hash_case(), &STEADY);
    for (_, record) in &mut head {
        record.plan.seed = 99;
        record.plan.order_index = 5;
        record.plan.timeout_ns = 1;
    }
    let base = sessions(&hash_case(), &STEADY);
    assert_eq!(only(&compared(&base, &head)), (Verdict::Unchanged, None));
}

#[test]
fn a_case_of_one_side_is_missing_and_a_failed_one_is_an_error() {
    let other = case("other", "rayon", 2).calibrated_us(200);
    let base = [sessions(&hash_case(), &STEADY), sessions(&other, &STEADY)].concat();
    let mut head = sessions(&hash_case(), &STEADY);
    let comparison = compared(&base, &head);
    let missing = |id: &str, side| MissingCase {
        id: id.into(),
        side,
        error: None,
    };
    assert_eq!(comparison.missing, [missing("other/rayon/2", Side::Head)]);
    assert_eq!(compared(&head, &base).missing[0].side, Side::Base);

    head[0].1 = hash_case().error("panic", "out of cheese").record();
    let comparison = compared(&base[..5], &head);
    let error = comparison.cases[0].error.as_ref().unwrap();
    assert_eq!(error.side, Some(Side::Head));
    assert_eq!(error.error.kind.name(), "panic");
    assert_eq!(comparison.cases[0].verdict(), Verdict::Inconclusive);
    assert_eq!(comparison.outcome(), super::super::Outcome::Failed);
}

#[test]
fn many_cases_together_are_judged_more_strictly() {
    let mut base = Vec::new();
    let mut head = Vec::new();
    for index in 0..40 {
        let case = case(&format!("hash-{index}"), "rayon", 2).calibrated_us(200);
        let head_times = if index == 0 {
            times(1.012)
        } else {
            STEADY.to_vec()
        };
        base.extend(sessions(&case, &STEADY));
        head.extend(sessions(&case, &head_times));
    }
    let alone = compared(&base[..5], &head[..5]);
    let wall = |comparison: &Comparison| comparison.cases[0].wall.clone().unwrap();
    let together = compared(&base, &head);
    assert!(wall(&together).p_regressed > 30.0 * wall(&alone).p_regressed);
}

#[test]
fn the_seed_determines_every_figure() {
    let (base, head) = (
        sessions(&hash_case(), &STEADY),
        sessions(&hash_case(), &times(1.015)),
    );
    assert_eq!(compared(&base, &head), compared(&base, &head));
}

/// Sessions of a workload whose wall time the clock decides, with these CPU times.
fn waiting(cpus_us: &[u64]) -> Vec<Placed> {
    let waits = case("periodic", "rayon", 2)
        .pace("clock")
        .calibrated_us(200);
    let session = |(line, cpu_us): (usize, &u64)| {
        let record = waits.clone().near_us(100_000).ranked_by_cpu_us(*cpu_us);
        (format!("r.jsonl:{}", line + 1), record.record())
    };
    cpus_us.iter().enumerate().map(session).collect()
}

#[test]
fn a_workload_that_is_ranked_by_cpu_time_is_judged_by_it() {
    let base = waiting(&STEADY);
    let worse = compared(&base, &waiting(&times(1.2)));
    assert_eq!(only(&worse), (Verdict::Regressed, None));
    assert_eq!(worse.outcome(), super::super::Outcome::Regressed);
    let case = &worse.cases[0];
    assert_eq!(case.judged, Channel::Cpu);
    assert!((case.cpu.as_ref().unwrap().ratio - 1.2).abs() < 1e-3);
    let better = compared(&base, &waiting(&times(0.8)));
    assert_eq!(only(&better), (Verdict::Improved, None));
    // A baseline from before records said so.
    let mut old = base.clone();
    for (_, record) in &mut old {
        record.is_ranked_by_cpu = false;
    }
    let worse = compared(&old, &waiting(&times(1.2)));
    assert_eq!(only(&worse), (Verdict::Regressed, None));
}

#[test]
fn cpu_time_is_calibrated_although_the_clock_decides_the_wall_time() {
    let mut head = waiting(&times(1.2));
    for (_, record) in &mut head {
        for calibration in &mut record.calibrations {
            *calibration = crate::record::Calibration {
                single_ns: 240_000,
                parallel_ns: Some(240_000),
            };
        }
    }
    let same = compared(&waiting(&STEADY), &head);
    assert_eq!(only(&same), (Verdict::Unchanged, None));
}

#[test]
fn other_file_systems_are_refused() {
    let on = |name: &str| sessions(&hash_case().file_system(name), &STEADY);
    let NotComparable(reasons) = compare(&on("ext4"), &on("tmpfs"), &PLAN).unwrap_err();
    assert!(reasons[0].contains("differ in file system"), "{reasons:?}");
    assert_eq!(
        only(&compared(&on("ext4"), &on("ext4"))).0,
        Verdict::Unchanged
    );
}

#[test]
fn a_session_without_the_judged_time_gives_no_verdict() {
    let mut head = waiting(&STEADY);
    for sample in &mut head[1].1.samples {
        sample.cpu_ns = None;
    }
    let why = "a session has no CPU time, by which the case is judged";
    let found = compared(&waiting(&STEADY), &head);
    assert_eq!(only(&found), (Verdict::Inconclusive, Some(why)));
}
