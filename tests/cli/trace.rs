//! Traced runs: their files on every family of backends, what has none, and their export.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{assert_complains, quick_run, records, said, taskdyno};

/// A workload of a chain and of independent tasks, with tasks that compute and tasks that wait.
const WORKLOAD: &str = r#"
name = "traced"
why = "is each task timed?"
pattern = [{ kind = "chain", steps = 30 }, { kind = "trivial", width = 40 }]
kernel = [{ kind = "hash" }, { kind = "sleep", duration_ms = 0.2 }]
"#;

/// One or more backends of each family, which start threads and processes in different ways.
const BACKENDS: &str = "serial,threads,static,crossbeam,rayon,tokio,tokio-current-thread,fork,fork-threads,fork-per-task";

/// A task of an exported trace, in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Task {
    thread: u64,
    start: i64,
    end: i64,
    is_complete: bool,
}

fn nanoseconds(event: &Value, key: &str) -> i64 {
    (event[key].as_f64().unwrap() * 1000.0).round() as i64
}

/// The tasks of the trace at `path`, by their id, after an export.
fn tasks(path: &Path) -> BTreeMap<u64, Task> {
    let output = export(path);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let trace: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut tasks = BTreeMap::new();
    for event in trace["traceEvents"].as_array().unwrap() {
        let name = event["name"].as_str().unwrap();
        let Some(id) = name.strip_prefix("task ") else {
            continue;
        };
        let id: u64 = id.parse().unwrap();
        let start = nanoseconds(event, "ts");
        let thread = event["tid"].as_u64().unwrap();
        match event["ph"].as_str().unwrap() {
            "X" => {
                let task = Task {
                    thread,
                    start,
                    end: start + nanoseconds(event, "dur"),
                    is_complete: true,
                };
                assert!(tasks.insert(id, task).is_none(), "task {id} twice");
            }
            "b" => {
                let task = Task {
                    thread,
                    start,
                    end: -1,
                    is_complete: false,
                };
                assert!(tasks.insert(id, task).is_none(), "task {id} twice");
            }
            "e" => tasks.get_mut(&id).unwrap().end = start,
            other => panic!("{other}"),
        }
    }
    tasks
}

fn export(path: &Path) -> Output {
    let mut command = taskdyno();
    command.arg("export").arg(path);
    command.args(["--format", "chrome-trace"]).output().unwrap()
}

fn traced_run(folder: &Path) -> Command {
    let workload = folder.join("traced.toml");
    fs::write(&workload, WORKLOAD).unwrap();
    let mut command = taskdyno();
    command
        .args(["run", "traced", "--trace", "--runs", "1", "--warmup", "0"])
        .args(["--backends", BACKENDS, "--workers", "2", "--quiet"])
        .arg("--workloads")
        .arg(&workload)
        .arg("--out")
        .arg(folder);
    command
}

#[test]
fn every_family_is_traced_task_by_task() {
    let folder = TempDir::new().unwrap();
    let output = traced_run(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let records = records(folder.path());
    assert_eq!(records.len(), 4 * BACKENDS.split(',').count());
    for record in &records {
        let (case, family) = (&record["case"], record["family"].as_str().unwrap());
        let name = record["trace_file"].as_str();
        let name = name.unwrap_or_else(|| panic!("{}", record["no_trace_file"]));
        let tasks = tasks(&folder.path().join(name));
        let is_chain = case["variant"].as_str().unwrap().contains("chain");
        let ids: Vec<u64> = tasks.keys().copied().collect();
        let task_count = if is_chain { 30 } else { 40 };
        assert_eq!(ids, (0..task_count).collect::<Vec<_>>(), "{case}");
        for (id, task) in &tasks {
            assert!(
                0 <= task.start && task.start <= task.end,
                "{case} {id} {task:?}"
            );
        }
        if is_chain {
            for (id, task) in tasks.iter().skip(1) {
                let before = tasks[&(id - 1)];
                assert!(before.end <= task.start, "{case} {id} {before:?} {task:?}");
            }
        }
        let may_overlap = family == "async";
        let mut by_thread: BTreeMap<u64, Vec<Task>> = BTreeMap::new();
        for task in tasks.values() {
            by_thread.entry(task.thread).or_default().push(*task);
        }
        if !may_overlap {
            // A backend has two workers, or its main thread takes part, or it starts a process per task on two at once.
            assert!(by_thread.len() <= 4, "{case} {by_thread:?}");
            for tasks in by_thread.values_mut() {
                tasks.sort_by_key(|task| (task.start, task.end));
                assert!(
                    tasks.iter().all(|task| task.is_complete),
                    "{case} {tasks:?}"
                );
                for pair in tasks.windows(2) {
                    assert!(pair[0].end <= pair[1].start, "{case} {pair:?}");
                }
            }
        }
        let waits = case["variant"].as_str().unwrap().contains("sleep");
        if waits {
            // The clock that times a task may differ from the one that it waits by in the fourth digit.
            let shortest = tasks.values().map(|task| task.end - task.start).min();
            assert!(shortest.unwrap() >= 199_500, "{case} {shortest:?}");
        }
    }
}

#[test]
fn what_cannot_be_traced_says_why_and_is_measured_all_the_same() {
    let folder = TempDir::new().unwrap();
    let mut command = taskdyno();
    command
        .args([
            "run",
            "tree-sum/levels=10",
            "--trace",
            "--runs",
            "1",
            "--warmup",
            "0",
        ])
        .args(["--backends", "rayon", "--workers", "2", "--quiet", "--out"])
        .arg(folder.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for record in records(folder.path()) {
        assert_eq!(record["error"], Value::Null);
        assert_eq!(record["trace_file"], Value::Null);
        let why = record["no_trace_file"].as_str().unwrap();
        assert!(why.contains("a recursive program is one task"), "{why}");
    }
}

#[test]
fn a_resumed_run_traces_what_is_left_and_says_what_has_no_trace() {
    let folder = TempDir::new().unwrap();
    quick_run(folder.path()).output().unwrap();
    let path = folder.path().join("records.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let first = text.lines().next().unwrap();
    fs::write(&path, format!("{first}\n")).unwrap();
    let mut command = quick_run(folder.path());
    let output = command.args(["--resume", "--trace"]).output().unwrap();
    let words = ["1 of them were measured without --trace and keep no trace"];
    assert_complains(&output, 0, &words);
    let records = records(folder.path());
    assert_eq!(records.len(), 3);
    for record in &records[1..] {
        let name = record["trace_file"].as_str().unwrap();
        assert!(folder.path().join(name).is_file());
    }
    assert_eq!(records[0]["trace_file"], Value::Null);
}

#[test]
fn a_trace_that_cannot_be_written_costs_no_samples() {
    let folder = TempDir::new().unwrap();
    // A file where the folder should be stands for a full disk.
    fs::write(folder.path().join("records.traces"), "").unwrap();
    let output = quick_run(folder.path()).arg("--trace").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for record in records(folder.path()) {
        assert_eq!(record["error"], Value::Null);
        assert_eq!(record["samples"].as_array().unwrap().len(), 2);
        let why = record["no_trace_file"].as_str().unwrap();
        assert!(why.starts_with("cannot write "), "{why}");
    }
}

#[test]
fn an_export_refuses_what_is_no_trace_and_a_report_says_what_is_missing() {
    let folder = TempDir::new().unwrap();
    let output = quick_run(folder.path()).arg("--trace").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let records = records(folder.path());
    let path = folder
        .path()
        .join(records[0]["trace_file"].as_str().unwrap());
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    let words = [
        ".trace, byte ",
        "the file ends",
        "`taskdyno run --trace` writes it again",
    ];
    assert_complains(&export(&path), 2, &words);
    let words = ["records.jsonl, byte 0: expected the file of a traced run"];
    assert_complains(&export(&folder.path().join("records.jsonl")), 2, &words);

    fs::remove_dir_all(folder.path().join("records.traces")).unwrap();
    let output = taskdyno()
        .arg("report")
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}
