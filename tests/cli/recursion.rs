//! Recursive programs from the command line: their records, where they cannot run, and a stack that overflows.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{records, stderr, stdout, taskdyno};

/// Every backend that runs recursive programs, in every build.
const ALL: &str =
    "serial,threads,thread-pool,crossbeam,rayon,chili,tokio,tokio-current-thread,fork,fork-threads";

fn run(filter: &str, backends: &str, workloads: Option<&Path>, out: &Path) -> Output {
    let mut command = taskdyno();
    command
        .args(["run", filter, "--runs", "1", "--warmup", "0", "--quiet"])
        .args(["--backends", backends, "--workers", "2", "--out"])
        .arg(out);
    if let Some(path) = workloads {
        command.arg("--workloads").arg(path);
    }
    command.output().unwrap()
}

#[test]
fn records_have_the_number_of_tasks_that_were_spawned() {
    let folder = TempDir::new().unwrap();
    let output = run(
        "tree-sum/levels=10",
        &format!("{ALL},static"),
        None,
        folder.path(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(
        said.contains(
            "`static` runs no recursive programs: each worker has a fixed part of the graph"
        ),
        "{said}"
    );
    let records = records(folder.path());
    assert_eq!(records.len(), ALL.split(',').count());
    for record in &records {
        assert_eq!(record["error"], Value::Null);
        assert_eq!(record["graph"]["task_count"], 1023);
        assert_eq!(record["digest"], records[0]["digest"]);
        let sample = &record["samples"][0];
        assert!(sample["cpu_ns"].is_u64(), "{record}");
        assert!(record["peak_memory_bytes"].is_u64(), "{record}");
        assert_worker_usage(record);
    }
}

/// Pools whose workers outlive a run say what each of them has used, and nothing about their other threads.
fn assert_worker_usage(record: &Value) {
    let usage = record["worker_usage"].as_array().unwrap();
    let backend = record["case"]["backend"].as_str().unwrap();
    let count = match backend {
        "threads" => 0,
        // `fork-threads` has two threads per process.
        "serial" | "tokio-current-thread" | "fork-threads" => 1,
        _ => 2,
    };
    assert_eq!(usage.len(), count, "{record}");
    let is_memory_known = backend.starts_with("fork");
    for worker in usage {
        assert!(worker["cpu_ns"].as_u64() > Some(0), "{record}");
        assert_eq!(worker["peak_memory_bytes"].is_u64(), is_memory_known);
    }
}

fn workload(folder: &Path, pattern: &str, kernel: &str) {
    let text = format!(
        "name = \"mine\"\nwhy = \"a test\"\npattern = {{ {pattern} }}\nkernel = {{ {kernel} }}\n"
    );
    fs::write(folder.join("mine.toml"), text).unwrap();
}

#[test]
fn a_recursive_program_is_one_task() {
    let folder = TempDir::new().unwrap();
    workload(
        folder.path(),
        r#"kind = "chain", steps = 2"#,
        r#"kind = "fib""#,
    );
    let path = folder.path().join("mine.toml");
    let output = run("mine", "serial,crossbeam", Some(&path), folder.path());
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(
        said.contains("use the pattern `trivial` with `width = 1`"),
        "{said}"
    );
}

/// A chain of 189,015 tasks. Only the process that computes the expected digest has a stack for it.
#[test]
fn a_stack_that_overflows_is_an_error_that_says_so() {
    let folder = TempDir::new().unwrap();
    let kernel = r#"kind = "uts", shape = "binomial", seed = 7, root_branching = 1, branching = 1, millionths = 999999"#;
    workload(folder.path(), r#"kind = "trivial", width = 1"#, kernel);
    let path = folder.path().join("mine.toml");
    let output = run("mine", ALL, Some(&path), folder.path());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let records = records(folder.path());
    assert_eq!(records.len(), ALL.split(',').count());
    for record in records {
        let (backend, error) = (&record["case"]["backend"], &record["error"]);
        let message = error["message"].as_str().unwrap();
        let of_processes = record["family"] == "processes" || record["family"] == "mixed";
        let is_told = match of_processes {
            true => error["kind"] == "worker-died" && message.contains("SIGABRT"),
            false => message.contains("stack overflow"),
        };
        assert!(is_told, "{backend}: {error}");
    }
}

/// Its threads belong to chili, which has no way to bind them.
#[test]
fn a_backend_that_cannot_bind_its_workers_refuses_to() {
    let folder = TempDir::new().unwrap();
    let output = taskdyno()
        .args(["run", "tree-sum/levels=10", "--backends", "chili", "--pin"])
        .args(["--runs", "1", "--warmup", "0", "--quiet", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    for record in records(folder.path()) {
        assert_eq!(record["error"]["kind"], "not-bound", "{record}");
    }
}

/// A worker dies in the middle of the program, with children in its queue.
#[test]
fn programs_survive_the_death_of_workers() {
    let folder = TempDir::new().unwrap();
    let kernel = r#"kind = "fib", n = 16, cut_off = 3"#;
    workload(folder.path(), r#"kind = "trivial", width = 1"#, kernel);
    let output = taskdyno()
        .args(["chaos", "mine", "--kill-rate", "0.5", "--runs", "10"])
        .args(["--workers", "3", "--workloads"])
        .arg(folder.path().join("mine.toml"))
        .output()
        .unwrap();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("survived: 20 runs"), "{said}");
    assert!(!said.contains(" 0 recovered"), "{said}");
}
