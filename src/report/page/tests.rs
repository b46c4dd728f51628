use super::*;
use crate::compare::fixture::{compared, judgement};
use crate::compare::{SideTimes, Verdict};
use crate::record::fixture::case;
use crate::record::{Bound, Trace, TracedRun, WorkerUsage};
use crate::report::tests::{report, varied};

/// The page of these cases.
fn page(cases: impl IntoIterator<Item = crate::record::fixture::Builder>) -> Page {
    Page::of_report(&report(cases))
}

/// The sentence that closes a view.
fn closing<'a>(page: &'a Page, view: &str) -> Option<&'a str> {
    Some(&page.questions.get(view)?.closing)
}

#[test]
fn the_first_view_has_a_cell_per_family_and_the_limit_never_wins() {
    let page = page([
        case("empty", "serial", 1).around_us(1000),
        case("empty", "static", 2).around_us(500),
        case("empty", "static", 1).around_us(990),
    ]);
    let keys: Vec<&str> = page.families.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["serial", "limit"]);
    let cells: Vec<_> = page.groups[0]
        .cells
        .iter()
        .map(|cell| (cell.is_best, cell.is_limit, cell.ratio))
        .collect();
    assert_eq!(cells, [(true, false, Some(1.0)), (false, true, Some(0.5))]);
    assert_eq!(
        closing(&page, "families"),
        Some("Best or tied with the best, of 1 workload: One thread on 1.")
    );
}

#[test]
fn a_row_holds_every_sample_in_the_order_of_the_run() {
    let mut record = case("empty", "rayon", 2)
        .walls_us(&[3, 1, 2, 7, 5, 9])
        .record();
    record.samples[3].is_degraded = true;
    record.samples[4].invocation = 1;
    record.samples[5].invocation = 1;
    record.samples[0].foreign_cpu_ns = Some(600);
    let page = Page::of_report(&Report::new(&[record]).unwrap());
    let row = &page.groups[0].rows[0];
    assert_eq!(row.samples_ns, [3000, 1000, 2000, 7000, 5000, 9000]);
    assert_eq!(row.degraded, [3]);
    assert_eq!(row.invocation_starts, [4]);
    // 600 ns of 3 µs on two cores.
    assert_eq!(row.foreign_permille.as_ref().unwrap()[0], Some(100));
    assert_eq!(row.sample_count, 5);
    assert_eq!(row.tails[0].max_ns, 9000);
}

#[test]
fn speed_up_is_over_the_plain_loop_and_the_law_needs_three_numbers_of_workers() {
    let law = |workers: u64| 1200 / workers + 100;
    let rayon = |workers: u32| case("empty", "rayon", workers).around_us(law(u64::from(workers)));
    let two = page([
        case("empty", "serial", 1).around_us(1000),
        rayon(1),
        rayon(2),
    ]);
    let curve = &two.groups[0].scaling[0];
    assert_eq!((curve.label.as_str(), curve.points.len()), ("rayon", 2));
    assert!(curve.usl.is_none());
    assert_eq!(closing(&two, "scaling"), None, "hidden below three");
    assert!((curve.points[1].speed_up - 1000.0 / 700.0).abs() < 1e-3);
    let three = page([
        case("empty", "serial", 1).around_us(1000),
        rayon(1),
        rayon(2),
        rayon(4),
    ]);
    let usl = three.groups[0].scaling[0].usl.as_ref().unwrap();
    // 1,300 µs with one worker, of which 100 µs remain with any number of workers.
    assert!((usl.sigma - 100.0 / 1300.0).abs() < 1e-3, "{usl:?}");
    assert!((usl.lambda - 1000.0 / 1300.0).abs() < 1e-3, "{usl:?}");
    assert!(
        closing(&three, "scaling")
            .unwrap()
            .contains("`rayon` with 4 workers")
    );
    // Without the loop there is nothing to compare with.
    assert!(
        page([rayon(1), rayon(2), rayon(4)]).groups[0]
            .scaling
            .is_empty()
    );
}

#[test]
fn cost_is_per_task_and_idle_time_is_beyond_the_plain_loop() {
    let page = page([
        case("empty", "serial", 1).around_us(1000),
        case("empty", "rayon", 2).around_us(800),
    ]);
    let rows = &page.groups[0].rows;
    let row = rows.iter().find(|row| row.label == "rayon").unwrap();
    // All workers are busy throughout: 1,600 µs of CPU time for a thousand tasks.
    assert_eq!(row.cost.cpu_ns, Some(1_600_000.0));
    assert_eq!(row.cost.cpu_per_task_ns, Some(1600.0));
    assert_eq!(row.cost.idle_cpu_ns, Some(600_000.0));
    assert_eq!(row.cost.voluntary_per_task, Some(0.0));
}

#[test]
fn what_the_doctor_found_and_what_could_not_run_is_on_the_page() {
    let mut first = case("empty", "serial", 1).record();
    first.host.findings = vec!["warning: busy".into()];
    let reason = |count: u64| BTreeMap::from([("too few".to_owned(), count)]);
    first.not_applicable = reason(2);
    // A run that was continued.
    let mut second = case("empty", "rayon", 2).record();
    second.not_applicable = reason(3);
    let page = Page::of_report(&Report::new(&[first, second]).unwrap());
    assert_eq!(page.heading.unwrap().findings, ["warning: busy"]);
    assert_eq!(page.not_applicable, reason(3));
}

#[test]
fn a_percentile_needs_ten_times_above_it() {
    let times: Vec<u64> = (1..=100).collect();
    let page = page([case("empty", "rayon", 2).walls_us(&times)]);
    let tail = &page.groups[0].rows[0].tails[0];
    assert_eq!((tail.name.as_str(), tail.count), ("run", 100));
    assert!(tail.p50_ns.is_some() && tail.p90_ns.is_some() && tail.p99_ns.is_none());
    let short = self::page([case("empty", "rayon", 2).walls_us(&times[..19])]);
    assert_eq!(short.groups[0].rows[0].tails[0].p50_ns, None);
}

#[test]
fn the_median_is_split_where_durations_are_known() {
    let mut record = case("sleep-io", "rayon", 2).around_us(1000).record();
    record.bound = Some(Bound {
        work_ns: 1_600_000,
        span_ns: 700_000,
        parallelism: Some(2),
        lower_bound_ns: 800_000,
        certified_optimum_ns: None,
    });
    record.trace = Some(Trace {
        alone_task_count: 7,
        alone_work_ns: 1_000_000,
        runs: vec![TracedRun {
            wall_ns: 1_100_000,
            work_ns: 1_700_000,
            alone_task_work_ns: 1_200_000,
            greedy_makespan_ns: 900_000,
        }],
    });
    let page = Page::of_report(&Report::new(&[record]).unwrap());
    let schedule = page.groups[0].rows[0].schedule.as_ref().unwrap();
    assert_eq!(schedule.bound_ns, 800_000);
    assert_eq!(
        (schedule.loss_ns, schedule.overhead_ns),
        (Some(100_000.0), Some(100_000.0))
    );
    assert!(closing(&page, "lost").unwrap().contains("80%"));
}

#[test]
fn failures_are_rows_with_their_reason() {
    let page = Page::of_report(&varied());
    let failed: Vec<_> = page.groups[0]
        .rows
        .iter()
        .filter(|row| row.error.is_some())
        .collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].samples_ns.is_empty() && failed[0].median_ns.is_none());
    assert_eq!(page.failures[0].row, failed[0].id);
    assert!(page.failures[0].message.contains("no answer for 30 s"));
    assert!(closing(&page, "trust").unwrap().contains("1 case failed"));
    let only = self::page([case("a", "fork", 1).error("killed", "signal 9")]);
    assert_eq!(
        only.groups[0].cells[0].failure.as_deref(),
        Some("failed: killed")
    );
    assert_eq!(only.groups[0].closing, "every case failed.");
}

#[test]
fn anchors_are_unique_and_safe() {
    let page = page([
        case("a b", "x/y", 1),
        case("a b", "x y", 1),
        case("a-b", "x y", 1),
        case("…", "…", 1),
    ]);
    let ids: Vec<&str> = page
        .groups
        .iter()
        .flat_map(|group| &group.rows)
        .map(|row| row.id.as_str())
        .collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), 4, "{ids:?}");
    let is_safe = |id: &&str| id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    assert!(ids.iter().all(is_safe), "{ids:?}");
}

#[test]
fn the_load_names_the_case_that_ran() {
    let mut record = case("empty", "serial", 1).load(0, &[[1.0, 0.5]]).record();
    record.samples[0].foreign_cpu_ns = Some(u64::MAX);
    let page = Page::of_report(&Report::new(&[record]).unwrap());
    let load = page.load.as_ref().unwrap();
    assert_eq!(load.stretches[0].2, [1000, 500]);
    assert_eq!(load.cases[0].name, "empty/serial/1");
    assert_eq!(load.cases[0].row.as_deref(), Some("empty-serial-1"));
    assert!(load.cases[0].is_disturbed);
}

#[test]
fn a_comparison_shows_the_times_before_and_after() {
    let slower = crate::compare::ComparedCase {
        times: Some(SideTimes {
            base_ns: 5_100_000.0,
            head_ns: 5_500_000.0,
        }),
        ..compared("slow", Some(judgement(Verdict::Regressed, 1.078)))
    };
    let same = compared("same", Some(judgement(Verdict::Unchanged, 1.0)));
    let comparison = Comparison {
        cases: vec![same, slower],
        missing: Vec::new(),
        ..crate::report::verdict::tests::varied()
    };
    let page = Page::of_comparison(&comparison);
    let shown = page.comparison.as_ref().unwrap();
    // The worst comes first.
    assert_eq!(shown.cases[0].verdict, "regressed");
    assert_eq!(
        (shown.cases[0].before_ns, shown.cases[0].after_ns),
        (Some(5_100_000), Some(5_500_000))
    );
    assert!(closing(&page, "worse").unwrap().contains("got slower"));
    assert_eq!(page.questions.len(), 1);
    let terms: Vec<&str> = page.glossary.iter().map(|one| one.term.as_str()).collect();
    assert_eq!(terms, ["change", "pair"]);
}

#[test]
fn a_page_without_records_has_no_views_and_no_words() {
    let page = page([]);
    assert!(page.heading.is_none() && page.questions.is_empty() && page.glossary.is_empty());
}

#[test]
fn the_same_records_make_the_same_page() {
    let once = || serde_json::to_string(&Page::of_report(&varied())).unwrap();
    assert_eq!(once(), once());
}

#[test]
fn numbers_keep_five_digits() {
    use super::round::{figure, whole};
    assert_eq!(figure(1.234_567), 1.2346);
    assert_eq!(figure(-123_456_789.0), -123_460_000.0);
    assert_eq!(
        (figure(0.0), figure(f64::NAN), figure(f64::INFINITY)),
        (0.0, 0.0, 0.0)
    );
    assert_eq!((whole(1.5), whole(-1.0), whole(f64::NAN)), (2, 0, 0));
}

#[test]
fn worker_usage_of_any_size_is_no_reason_to_fail() {
    let mut record = case("empty", "rayon", 2).record();
    record.worker_usage = vec![
        WorkerUsage {
            cpu_ns: u64::MAX,
            peak_memory_bytes: None,
        };
        2
    ];
    record
        .samples
        .iter_mut()
        .for_each(|one| one.run_count = u64::MAX);
    let page = Page::of_report(&Report::new(&[record]).unwrap());
    assert!(serde_json::to_string(&page).unwrap().contains("\"rank\":1"));
}
