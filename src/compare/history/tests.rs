use serde_json::json;

use super::*;
use crate::record::fixture::{Builder, case};

fn hash_case() -> Builder {
    case("hash", "rayon", 2).calibrated_us(200)
}

/// One session per commit, `c0`, `c1` and so on, with these wall times.
fn series(case: &Builder, walls_us: &[u64]) -> Vec<Placed> {
    let session = |(number, wall_us): (usize, &u64)| {
        let record = case.clone().commit(&format!("c{number}"));
        let place = format!("{number}.jsonl:1");
        (place, record.near_us(*wall_us).record())
    };
    walls_us.iter().enumerate().map(session).collect()
}

fn only(records: &[Placed]) -> Series {
    let history = history(records, &HistoryPlan::default()).unwrap();
    assert_eq!(history.series.len(), 1);
    history.series.into_iter().next().unwrap()
}

const LEVELS: [u64; 16] = [
    10_000, 10_030, 9_980, 10_010, 9_990, 10_020, 10_000, 9_970, //
    12_000, 12_040, 11_980, 12_010, 11_990, 12_020, 12_000, 11_970,
];

#[test]
fn a_change_is_attributed_to_its_commit() {
    let found = only(&series(&hash_case(), &LEVELS));
    assert_eq!(found.points.len(), 16);
    assert!(found.is_calibrated);
    assert_eq!(found.notes, [""; 0]);
    assert_eq!(found.changes.len(), 1);
    let change = &found.changes[0];
    let hash = |commit: &Option<Commit>| commit.clone().unwrap().hash;
    assert_eq!(change.index, 8);
    assert_eq!(
        (hash(&change.previous_commit), hash(&change.commit)),
        ("c7".into(), "c8".into())
    );
    assert!((change.ratio - 1.2).abs() < 1e-9, "{change:?}");
    assert!((change.before_ns - 10e6).abs() < 1e4, "{change:?}");
    assert!(change.p_value <= 0.01);
}

#[test]
fn noise_has_no_change() {
    let mut walls = LEVELS;
    walls[8..].copy_from_slice(&LEVELS[..8]);
    assert_eq!(only(&series(&hash_case(), &walls)).changes, []);
}

#[test]
fn a_slower_machine_is_a_change_only_in_raw_times() {
    let mut records = series(&hash_case(), &LEVELS);
    for (_, record) in &mut records[8..] {
        let slower = hash_case().calibrated_us(240).record();
        record.calibrations = slower.calibrations;
    }
    let found = only(&records);
    assert_eq!(found.changes, []);
    // In nanoseconds, as on a typical machine.
    assert!(
        (found.points[0].median_ns - 11e6).abs() < 5e4,
        "{:?}",
        found.points[0]
    );
    let raw_plan = HistoryPlan {
        is_raw: true,
        ..HistoryPlan::default()
    };
    let raw = history(&records, &raw_plan).unwrap();
    assert_eq!(raw.series[0].changes.len(), 1);
    assert!(!raw.series[0].is_calibrated);
}

#[test]
fn a_note_says_why_a_case_cannot_be_calibrated() {
    let mut records = series(&hash_case(), &LEVELS);
    records[3].1.calibrations.clear();
    insta::assert_snapshot!(only(&records).notes.join("\n"), @"a drift of the machine may look like a change: 3.jsonl:1 has no times of the control loop");
    let counter = hash_case().kernel(json!({ "kind": "counter" }));
    insta::assert_snapshot!(only(&series(&counter, &LEVELS)).notes.join("\n"), @"a drift of the machine may look like a change: workers contend with each other, so their times do not follow the control loop");
}

#[test]
fn sessions_of_another_case_definition_are_left_out_and_named() {
    let mut records = series(&hash_case(), &LEVELS);
    records[0].1.digest = Some("ff".into());
    records[1].1 = hash_case().error("panic", "out of cheese").record();
    let found = only(&records);
    assert_eq!(found.points.len(), 14);
    assert_eq!(found.changes[0].index, 6);
    assert_eq!(found.changes[0].commit.as_ref().unwrap().hash, "c8");
    insta::assert_snapshot!(found.notes.join("\n"), @r"
    0.jsonl:1 is left out: its parameters, options, file system or digest differ from those of 15.jsonl:1
    1.jsonl:1 is left out: it has no valid times
    ");
}

#[test]
fn a_session_that_took_no_time_is_left_out_and_the_change_is_still_found() {
    let mut records = series(&hash_case(), &LEVELS);
    for sample in &mut records[4].1.samples {
        sample.wall_ns = 0;
    }
    let found = only(&records);
    assert_eq!(
        found.notes,
        ["4.jsonl:1 is left out: it has no valid times"]
    );
    assert!(found.points.iter().all(|point| point.median_ns.is_finite()));
    assert_eq!(found.changes[0].commit.as_ref().unwrap().hash, "c8");
}

#[test]
fn one_sentence_covers_all_sessions_that_are_left_out() {
    let mut records = series(&hash_case(), &LEVELS);
    for (_, record) in &mut records[..4] {
        record.digest = Some("ff".into());
    }
    insta::assert_snapshot!(only(&records).notes.join("\n"), @"4 sessions are left out: their parameters, options, file system or digest differ from those of 15.jsonl:1 (0.jsonl:1, 1.jsonl:1 and 2 more)");
}

#[test]
fn a_repeated_session_is_refused() {
    let mut records = series(&hash_case(), &LEVELS);
    records.push(("copy.jsonl:1".into(), records[3].1.clone()));
    let NotComparable(reasons) = history(&records, &HistoryPlan::default()).unwrap_err();
    insta::assert_snapshot!(reasons.join("\n"), @"copy.jsonl:1 is the same session as 3.jsonl:1, and a session counts once, because a repeated session does not show how much sessions differ");
}

#[test]
fn cases_have_their_own_series() {
    let other = case("other", "serial", 1).calibrated_us(100);
    let records = [series(&hash_case(), &LEVELS), series(&other, &LEVELS[..4])].concat();
    let found = history(&records, &HistoryPlan::default()).unwrap();
    let lens: Vec<_> = found
        .series
        .iter()
        .map(|series| (series.case.as_str(), series.points.len()))
        .collect();
    assert_eq!(lens, [("hash/rayon/2", 16), ("other/serial/1", 4)]);
    assert_eq!(found.series[1].changes, []);
}

#[test]
fn two_machines_are_refused() {
    let mut records = series(&hash_case(), &LEVELS);
    records[4].1.host.core_count = 8;
    let NotComparable(reasons) = history(&records, &HistoryPlan::default()).unwrap_err();
    insta::assert_snapshot!(reasons.join("\n"), @"0.jsonl:1 and 4.jsonl:1 were measured on different machines: Example CPU with 2 cores and Example CPU with 8 cores");
}

#[test]
fn a_case_that_always_failed_has_no_points() {
    let record = hash_case().error("panic", "out of cheese").record();
    let found = only(&[("0.jsonl:1".into(), record)]);
    assert_eq!((found.points.len(), found.changes.len()), (0, 0));
    assert_eq!(found.notes, ["no session has valid times"]);
}

#[test]
fn a_workload_that_is_ranked_by_cpu_time_has_a_history_of_it() {
    let sessions = |cpus_us: &[u64]| {
        let session = |(number, cpu_us): (usize, &u64)| {
            let record = case("periodic", "rayon", 2).near_us(100_000);
            let record = record
                .ranked_by_cpu_us(*cpu_us)
                .commit(&format!("c{number}"));
            (format!("{number}.jsonl:1"), record.record())
        };
        cpus_us.iter().enumerate().map(session).collect::<Vec<_>>()
    };
    let mut records = sessions(&LEVELS);
    let found = only(&records);
    assert_eq!(found.judged, Channel::Cpu);
    assert_eq!(found.changes.len(), 1);
    assert!((found.changes[0].ratio - 1.2).abs() < 1e-9);
    // A session whose CPU time is not known is left out.
    for sample in &mut records[3].1.samples {
        sample.cpu_ns = None;
    }
    let found = only(&records);
    assert_eq!(found.points.len(), LEVELS.len() - 1);
    assert!(
        found.notes[0].starts_with("3.jsonl:1 is left out"),
        "{:?}",
        found.notes
    );
}

/// Sixteen sessions, of which the last eight take this much longer, in 0.1%.
fn step(per_mille: u64) -> Vec<Placed> {
    let wall = |(index, wall): (usize, &u64)| match index {
        0..8 => *wall,
        _ => LEVELS[index - 8] * (1000 + per_mille) / 1000,
    };
    let walls: Vec<u64> = LEVELS.iter().enumerate().map(wall).collect();
    series(&hash_case(), &walls)
}

#[test]
fn a_change_below_the_threshold_is_ignored() {
    let found = |records: &[Placed], threshold_ratio| {
        let plan = HistoryPlan {
            threshold_ratio,
            ..HistoryPlan::default()
        };
        let found = history(records, &plan).unwrap();
        let changes = found.series[0].changes.iter();
        changes.map(|change| change.index).collect::<Vec<_>>()
    };
    let small = step(20);
    assert_eq!(found(&small, 0.0), [8]);
    assert_eq!(found(&small, 0.019), [8]);
    assert_eq!(found(&small, 0.021), [0; 0]);

    // Two steps are both below the threshold. The smaller is dropped, and the other is then larger than by itself.
    let walls: Vec<u64> = (0..24)
        .map(|index| LEVELS[index % 8] * [1000, 1030, 1070][index / 8] / 1000)
        .collect();
    let stairs = series(&hash_case(), &walls);
    assert_eq!(found(&stairs, 0.0), [8, 16]);
    assert_eq!(found(&stairs, 0.039), [16]);
}

#[test]
fn a_short_stretch_is_no_segment() {
    let mut walls = [LEVELS, LEVELS].concat();
    walls[8..].copy_from_slice(&[&LEVELS[..8], &LEVELS[..8], &LEVELS[..8]].concat());
    walls[28..].copy_from_slice(&LEVELS[8..12]);
    let records = series(&hash_case(), &walls);
    let found = |min_len| {
        let plan = HistoryPlan {
            search: Divisive {
                min_len,
                ..Divisive::default()
            },
            ..HistoryPlan::default()
        };
        let found = history(&records, &plan).unwrap();
        assert_eq!(found.fewest_between_count, min_len as u64);
        let changes = found.series[0].changes.iter();
        changes.map(|change| change.index).collect::<Vec<_>>()
    };
    assert_eq!(found(4), [28]);
    assert!(!found(5).contains(&28));
}

#[test]
fn only_a_recent_slow_down_that_still_is_there_counts() {
    let slower = |records: &[Placed], within| {
        let plan = HistoryPlan {
            threshold_ratio: 0.01,
            ..HistoryPlan::default()
        };
        let found = history(records, &plan).unwrap();
        !found.slower_within(within).is_empty()
    };
    let records = step(200);
    assert!(slower(&records, 8) && slower(&records, 100));
    assert!(!slower(&records, 7), "it is too long ago");
    let mut faster = step(200);
    faster.reverse();
    assert!(!slower(&faster, 16));
    // It was reverted.
    let walls = [&LEVELS[..], &LEVELS[..8]].concat();
    let reverted = series(&hash_case(), &walls);
    assert!(!slower(&reverted, 16));
    // The same commit on both sides: the machine got slower.
    let mut machine = step(200);
    machine[8].1.commit = machine[7].1.commit.clone();
    assert!(!slower(&machine, 16));
}
