//! A run that deadlocks ends by its time limit, and its error row says who waits for what.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{example, program};

/// Two locks are taken in opposite order on threads, processes and async tasks.
#[test]
fn the_error_of_a_deadlock_says_who_waits_for_what() {
    let folder = tempfile::tempdir().unwrap();
    let output = program(example("deadlock"))
        .args(["run", "deadlock", "--runs", "1", "--warmup", "0", "--quiet"])
        .args(["--backends", "thread-pool,fork,tokio", "--workers", "2"])
        .args(["--timeout", "4", "--workloads"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deadlock.toml"))
        .arg("--out")
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let records: Vec<Value> = records.collect();
    assert_eq!(records.len(), 3);
    for record in records {
        let error = &record["error"];
        assert_eq!(error["kind"], "timeout", "{record}");
        let message = error["message"].as_str().unwrap();
        let expected = "; party 0 waits for lock 1, party 1 waits for lock 0";
        assert!(message.ends_with(expected), "{message}");
    }
}
