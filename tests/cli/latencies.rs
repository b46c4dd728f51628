//! Latencies on their way from the tasks of a kernel, on threads and on processes, to records and reports.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use taskdyno_core::latency::Histogram;
use tempfile::TempDir;

use crate::program::{example, program, records, stdout, taskdyno};

const TASK_COUNT: u64 = 50;

/// Runs a workload of `examples/stopwatch.rs`. Returns the folder of its results, and what it printed.
fn run(workload: &str) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{workload}.toml"));
    let output = program(example("stopwatch"))
        .args(["run", workload, "--exact", "--details", "--workloads"])
        .arg(file)
        .args(["--backends", "serial,rayon,fork", "--workers", "1,2"])
        .args([
            "--runs",
            "3",
            "--invocations",
            "2",
            "--warmup",
            "0",
            "--out",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown = stdout(&output);
    (folder, shown)
}

/// The latencies of `record` by name.
fn latencies(record: &Value) -> BTreeMap<String, Histogram> {
    serde_json::from_value(record["latencies"].clone()).unwrap()
}

/// The latencies of this many runs, if every task records its number times `step_ns`.
fn of_runs(run_count: u64, step_ns: u64) -> Histogram {
    let tasks = (0..run_count).flat_map(|_| 0..TASK_COUNT);
    tasks.map(|task| task * step_ns).collect()
}

fn run_count(record: &Value) -> u64 {
    let samples = record["samples"].as_array().unwrap().iter();
    samples
        .map(|sample| sample["run_count"].as_u64().unwrap())
        .sum()
}

#[test]
fn latencies_come_from_runs_of_their_own() {
    let (folder, _) = run("stopwatch");
    let records = records(folder.path());
    assert_eq!(records.len(), 5);
    for record in records {
        let latencies = latencies(&record);
        let names: Vec<&String> = latencies.keys().collect();
        assert_eq!(names, ["lap", "split"], "{}", record["case"]);
        // How many runs there were is not recorded, but each run recorded every task once.
        let count = latencies["lap"].count();
        assert!(
            count > 0 && count.is_multiple_of(TASK_COUNT),
            "{}",
            record["case"]
        );
        assert_eq!(latencies["lap"], of_runs(count / TASK_COUNT, 1000));
        assert_eq!(latencies["split"], of_runs(count / TASK_COUNT, 100));
        assert_eq!(record["samples"].as_array().unwrap().len(), 6);
    }
}

#[test]
fn if_timing_is_the_work_latencies_come_from_the_samples() {
    let (folder, _) = run("timekeeper");
    for record in records(folder.path()) {
        let latencies = latencies(&record);
        assert_eq!(latencies["lap"], of_runs(run_count(&record), 1000));
        assert_eq!(latencies["split"], of_runs(run_count(&record), 100));
    }
}

#[test]
fn latencies_are_shown_below_the_table_and_in_every_format() {
    let (folder, shown) = run("timekeeper");
    let (_, table) = shown.split_once("latency").unwrap();
    for backend in ["serial", "rayon", "fork"] {
        let mut lines = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        let line = lines
            .find(|words| words.starts_with(&["lap", backend]))
            .unwrap();
        assert_eq!(line[line.len() - 2..], ["49.0", "µs"], "{line:?}");
    }
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains(r#""name":"lap""#));
    for (format, wanted) in [
        ("markdown", "| latency | count | p50 |"),
        ("bmf", "\"lap-max\""),
        ("github-action-benchmark", "(lap-max)"),
        ("openmetrics", "taskdyno_latency_seconds_count{"),
    ] {
        let output = taskdyno()
            .args(["export", "--format", format])
            .arg(folder.path())
            .output()
            .unwrap();
        let text = stdout(&output);
        assert!(text.contains(wanted), "{format}: {text}");
    }
}
