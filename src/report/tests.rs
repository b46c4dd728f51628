use std::collections::BTreeMap;

use super::model::{Group, Measured, RowOutcome};
use super::schedule::Schedule;
use super::table::tables;
use super::*;
use crate::record::fixture::{Builder, case};
use crate::record::{Bound, Record, Runtime, SliceUsage, Trace, TracedRun, UsageSource};
use crate::stats::{Interval, Ratio};

pub(super) fn report(cases: impl IntoIterator<Item = Builder>) -> Report {
    let records: Vec<Record> = cases.into_iter().map(Builder::record).collect();
    Report::new(&records).unwrap()
}

fn measured<'a>(report: &'a Report, backend: &str, workers: u32) -> &'a Measured {
    let groups = report.groups.iter();
    let mut rows = groups.flat_map(Group::measured);
    rows.find(|(row, _)| row.backend == backend && row.workers == workers)
        .unwrap()
        .1
}

/// Records with one of everything: ties, the practical limit, a failure, a finding, a case with one sample.
pub(super) fn varied() -> Report {
    report([
        case("empty", "serial", 1).around_us(1000),
        case("empty", "static", 1).around_us(1010),
        case("empty", "static", 2).around_us(695),
        case("empty", "rayon", 1).around_us(1200),
        case("empty", "rayon", 2).around_us(700),
        case("empty", "tokio", 1).around_us(8000),
        case("empty", "tokio", 2)
            .around_us(705)
            .finding("lost_updates_count", 12_345),
        case("empty", "fork", 1).walls_us(&[900]),
        case("empty", "fork", 2).error("timeout", "no answer for 30 s\nand <killed>"),
    ])
}

#[test]
fn no_records_make_an_empty_report() {
    let report = report([]);
    assert_eq!(report.heading, None);
    assert_eq!(report.groups, []);
    assert_eq!(tables(&report), "no records, so there is nothing to show\n");
}

#[test]
fn the_figures_of_a_case() {
    let report = report([
        case("empty", "serial", 1).around_us(1000),
        case("empty", "rayon", 1).around_us(1500),
        case("empty", "rayon", 2).around_us(800),
    ]);
    let expected = Measured {
        rank: Some(1),
        is_tied: false,
        times_ns: [808e3, 800e3, 792e3, 800e3, 792e3, 808e3].into(),
        median_ns: 800_000.0,
        interval: Some(Interval {
            low: 792_000.0,
            high: 808_000.0,
        }),
        ratio: Some(Ratio {
            ratio: 1.0,
            interval: None,
        }),
        utilisation: Some(1.0),
        worker_cpu: None,
        task_ns: Some(800.0),
        // (800 µs × 2 - 1000 µs) / 1000 tasks
        overhead_ns: Some(600.0),
        speed_up: Some(1.875),
        start_ns: Some(100_000),
        peak_memory_bytes: Some(4 << 20),
        schedule: None,
        foreign_ratio: None,
        has_slice_cpu: false,
        not_steady: None,
        findings: Default::default(),
        latencies: Vec::new(),
        remarks: Vec::new(),
    };
    assert_eq!(measured(&report, "rayon", 2), &expected);
    assert_eq!(measured(&report, "serial", 1).overhead_ns, Some(0.0));
    assert_eq!(measured(&report, "rayon", 1).ratio.unwrap().ratio, 1.875);
}

#[test]
fn samples_of_several_runs_count_for_one() {
    let mut record = case("empty", "serial", 1).record();
    for sample in &mut record.samples {
        sample.run_count = 50;
        sample.foreign_cpu_ns = Some(500_000);
    }
    let report = Report::new(&[record]).unwrap();
    let measured = measured(&report, "serial", 1);
    assert_eq!(measured.median_ns, 20_000.0);
    assert_eq!(measured.task_ns, Some(20.0));
    assert_eq!(measured.utilisation, Some(1.0));
    // Other programs used half a millisecond of CPU time while a millisecond passed on two cores.
    assert_eq!(measured.foreign_ratio, Some(0.25));
}

#[test]
fn a_case_that_is_not_steady_says_so_in_its_notes() {
    let walls = [1000; 20];
    let mut drifting = walls;
    drifting[..8].fill(3000);
    let report = report([
        case("empty", "a", 1).walls_us(&walls),
        case("empty", "b", 1).walls_us(&drifting),
    ]);
    let notes = report.groups[0].rows.iter().map(words::notes);
    let notes: Vec<String> = notes.map(|notes| notes.join(", ")).collect();
    let mark = "not steady: of 20 samples, the last 12 take 0.33 times as long as the first 8";
    assert!(!notes[0].contains("not steady"), "{notes:?}");
    assert!(notes[1].contains(mark), "{notes:?}");
    assert!(tables(&report).contains(mark));
}

#[test]
fn cpu_time_that_is_not_measured_is_a_dash_or_that_of_whole_slices() {
    let mut record = case("empty", "python-threads", 2).record();
    for sample in &mut record.samples {
        sample.cpu_ns = None;
    }
    let shown = |record: &Record| {
        let report = Report::new(std::slice::from_ref(record)).unwrap();
        measured(&report, "python-threads", 2).clone()
    };
    assert_eq!(shown(&record).utilisation, None);
    assert!(!shown(&record).has_slice_cpu);
    // Six samples of 1 ms on two workers.
    record.usage = vec![SliceUsage {
        invocation: 0,
        cpu_ns: Some(9_000_000),
        voluntary_switch_count: None,
        involuntary_switch_count: None,
        wall_ns: 6_000_000,
        source: UsageSource::Clock,
    }];
    assert_eq!(shown(&record).utilisation, Some(0.75));
    assert!(shown(&record).has_slice_cpu);
    record.usage[0].cpu_ns = None;
    assert_eq!(shown(&record).utilisation, None);
}

#[test]
fn what_was_wrong_with_the_end_of_a_case_is_among_its_notes() {
    let mut record = case("empty", "a", 1).record();
    let remark = "it left 2 processes behind, which were killed";
    record.remarks = vec![remark.into()];
    let text = tables(&Report::new(&[record]).unwrap());
    assert!(text.contains(remark), "{text}");
}

#[test]
fn cases_that_overlap_the_best_are_tied_with_it() {
    let report = report([
        case("empty", "a", 1).walls_us(&[100, 101, 102, 103, 104, 105]),
        case("empty", "b", 1).walls_us(&[105, 106, 107, 108, 109, 110]),
        // The median of d is above that of c, but only the interval of d overlaps that of the best.
        case("empty", "c", 1).walls_us(&[106, 107, 108, 109, 110, 111]),
        case("empty", "d", 1).walls_us(&[104, 109, 110, 111, 112, 113]),
        case("empty", "e", 1).walls_us(&[200]),
    ]);
    let places = ["a", "b", "c", "d", "e"].map(|name| {
        let measured = measured(&report, name, 1);
        (measured.rank, measured.is_tied)
    });
    let expected = [(1, true), (1, true), (4, false), (1, true), (5, false)];
    let expected = expected.map(|(rank, is_tied)| (Some(rank), is_tied));
    assert_eq!(places, expected);
}

#[test]
fn waiting_that_overlaps_makes_the_overhead_negative() {
    let report = report([
        case("sleep", "serial", 1).around_us(1000),
        case("sleep", "tokio", 1).around_us(100),
    ]);
    assert_eq!(measured(&report, "tokio", 1).overhead_ns, Some(-900.0));
}

#[test]
fn the_overhead_is_that_beyond_a_plain_loop_of_the_same_language() {
    let of_python = |backend: &str, family: &str, wall_us| {
        let mut record = case("empty", backend, 1).around_us(wall_us).record();
        record.family = Some(family.into());
        record.runtime = Some(Runtime {
            protocol_version: 2,
            language: "python".into(),
            runtime: "CPython".into(),
            version: "3.11".into(),
            details: BTreeMap::new(),
        });
        record
    };
    let records = [
        case("empty", "serial", 1).around_us(100).record(),
        of_python("python-loop", "serial", 1000),
        of_python("python-pool", "threads", 3000),
    ];
    let report = Report::new(&records).unwrap();
    // (3000 µs - 1000 µs) / 1000 tasks
    assert_eq!(
        measured(&report, "python-pool", 1).overhead_ns,
        Some(2000.0)
    );
    assert_eq!(measured(&report, "python-loop", 1).overhead_ns, Some(0.0));
    let without = Report::new(&[records[0].clone(), records[2].clone()]).unwrap();
    assert_eq!(measured(&without, "python-pool", 1).overhead_ns, None);
}

#[test]
fn without_serial_there_is_no_overhead() {
    let report = report([case("empty", "rayon", 2)]);
    let measured = measured(&report, "rayon", 2);
    assert_eq!((measured.overhead_ns, measured.speed_up), (None, None));
}

#[test]
fn an_error_enters_no_statistic() {
    let mut failed = case("empty", "serial", 1)
        .walls_us(&[1, 1, 1, 1, 1, 1])
        .record();
    failed.error = case("", "", 1)
        .error("wrong-digest", "expected 1")
        .record()
        .error;
    let mut empty = case("empty", "tokio", 1).record();
    empty.samples.clear();
    let records = [failed, empty, case("empty", "rayon", 1).record()];
    let report = Report::new(&records).unwrap();
    let rayon = measured(&report, "rayon", 1);
    assert_eq!((rayon.rank, rayon.overhead_ns), (Some(1), None));
    assert_eq!(rayon.ratio.unwrap().ratio, 1.0);
    let failures = report.groups[0].rows.iter().filter_map(|row| {
        let RowOutcome::Failed(error) = &row.outcome else {
            return None;
        };
        Some((row.backend.as_str(), error.kind.name()))
    });
    let failures: Vec<_> = failures.collect();
    assert_eq!(
        failures,
        [("serial", "wrong-digest"), ("tokio", "protocol")]
    );
}

#[test]
fn only_errors_still_make_a_table() {
    let report = report([case("empty", "fork", 2).error("killed", "signal 9")]);
    insta::assert_snapshot!(tables(&report));
}

#[test]
fn options_are_named_where_they_differ() {
    let mut pinned = case("empty", "static", 1).record();
    pinned.case.pin = true;
    let records = [
        case("empty", "rayon", 1).continuation("queue").record(),
        case("empty", "rayon", 1).continuation("inline").record(),
        case("empty", "tokio", 1).continuation("inline").record(),
        case("empty", "static", 1).record(),
        pinned,
    ];
    let report = Report::new(&records).unwrap();
    let labels: Vec<&str> = report.groups[0]
        .rows
        .iter()
        .map(|row| row.label.as_str())
        .collect();
    assert_eq!(
        labels,
        [
            "rayon inline",
            "rayon queue",
            "static",
            "static pinned",
            "tokio"
        ]
    );
}

#[test]
fn groups_sort_by_number_and_have_slugs_of_their_own() {
    let report = report([
        case("w", "a", 1).variant("width=64"),
        case("w", "a", 1).variant("width=8"),
        case("../../W", "a", 1).variant("width 8"),
        case("…", "a", 1),
    ]);
    let names: Vec<_> = report
        .groups
        .iter()
        .map(|group| (group.title(), group.slug.as_str()))
        .collect();
    let expected = [
        ("../../W · width 8", "w-width-8"),
        ("w · width=8", "w-width-8-2"),
        ("w · width=64", "w-width-64"),
        ("…", "group"),
    ];
    assert_eq!(
        names,
        expected.map(|(title, slug)| (title.to_owned(), slug))
    );
}

#[test]
fn waiting_hashing_and_sharing_come_first() {
    let kernel = |workload: &str, kind: &str, variant: &str| {
        let mut record = case(workload, "rayon", 2).record();
        let kernel = serde_json::json!({ "kind": kind, "variant": variant });
        record.case.parameters = serde_json::json!({ "kernel": kernel });
        record
    };
    let records = [
        kernel("a", "empty", ""),
        kernel("b", "counter", "atomic"),
        kernel("c", "counter", "mutex"),
        kernel("d", "hash", ""),
        kernel("f", "sleep", ""),
        kernel("e", "sleep", ""),
    ];
    let report = Report::new(&records).unwrap();
    let titles: Vec<_> = report.groups.iter().map(Group::title).collect();
    assert_eq!(titles, ["e", "f", "d", "c", "b", "a"]);
}

#[test]
fn the_tables_of_varied_records() {
    insta::assert_snapshot!(tables(&varied()));
}

#[test]
fn names_cannot_steer_the_terminal() {
    let report = report([case("a\x1b[2Jb\nc", "\x1b]0;x\x07", 1).error("panic", "\r\x1b[1A gone")]);
    let text = tables(&report);
    let is_harmless = |c: char| c == '\n' || !c.is_control();
    assert!(text.chars().all(is_harmless), "{text:?}");
    assert!(text.contains("gone"), "{text:?}");
}

#[test]
fn a_median_consists_of_bound_schedule_loss_and_overhead() {
    let mut record = case("sleep-io", "rayon", 2).around_us(1000).record();
    record.bound = Some(Bound {
        work_ns: 1_600_000,
        span_ns: 700_000,
        parallelism: Some(2),
        lower_bound_ns: 800_000,
        certified_optimum_ns: None,
    });
    let traced = |greedy_makespan_ns| TracedRun {
        wall_ns: 1_100_000,
        work_ns: 1_700_000,
        alone_task_work_ns: 1_200_000,
        greedy_makespan_ns,
    };
    record.trace = Some(Trace {
        alone_task_count: 7,
        alone_work_ns: 1_000_000,
        runs: vec![traced(900_000), traced(5_000_000), traced(850_000)],
    });
    let schedule = |record: &Record| {
        let report = Report::new(std::slice::from_ref(record)).unwrap();
        measured(&report, "rayon", 2).schedule.unwrap()
    };
    let expected = Schedule {
        parallelism: Some(2),
        best_ns: 800_000.0,
        is_certified: false,
        closeness: 0.8,
        lower_bound_ns: 800_000.0,
        schedule_loss_ns: Some(100_000.0),
        overhead_ns: Some(100_000.0),
        inflation: Some(1.2),
    };
    assert_eq!(schedule(&record), expected);

    record.bound.as_mut().unwrap().certified_optimum_ns = Some(900_000);
    assert_eq!(schedule(&record).closeness, 0.9);
    assert!(schedule(&record).is_certified);
    let report = Report::new(&[record]).unwrap();
    assert!(tables(&report).contains(" 90%* "), "{}", tables(&report));
}
