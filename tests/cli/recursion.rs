//! Recursive programs from the command line: their records, where they cannot run, and a stack that overflows.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{records, stderr, taskdyno};

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
        "serial,crossbeam,fork,static",
        None,
        folder.path(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(
        said.contains("`static` runs graphs that are known beforehand"),
        "{said}"
    );
    let records = records(folder.path());
    assert_eq!(records.len(), 3);
    for record in &records {
        assert_eq!(record["error"], Value::Null);
        assert_eq!(record["graph"]["task_count"], 1023);
        assert_eq!(record["digest"], records[0]["digest"]);
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

/// The tree ends at a level that no stack reaches.
#[test]
fn a_stack_that_overflows_is_an_error_that_says_so() {
    let folder = TempDir::new().unwrap();
    let kernel = r#"kind = "uts", branching = 8, depth = 1000000"#;
    workload(folder.path(), r#"kind = "trivial", width = 1"#, kernel);
    let path = folder.path().join("mine.toml");
    let output = run("mine", "serial,crossbeam", Some(&path), folder.path());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let records = records(folder.path());
    assert_eq!(records.len(), 2);
    for record in records {
        let message = record["error"]["message"].as_str().unwrap();
        assert!(message.contains("stack overflow"), "{message}");
    }
}
