//! Tests the whole path from run to report with times from a script, which give exact results.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

fn scripted() -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_taskdyno"))
        .with_file_name("examples")
        .join("scripted");
    let mut command = Command::new(program);
    command.env("NO_COLOR", "1");
    command
}

/// Runs the scripted child on some backends, and returns the folder and the output.
fn run() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let output = scripted()
        .args([
            "run",
            "empty/pattern=chain",
            "--runs",
            "9",
            "--seed",
            "3",
            "--workers",
            "1,2",
        ])
        .args(["--backends", "serial,static,rayon,tokio,threads", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    // The case that the script makes fail.
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    let folder_name = folder.path().display().to_string();
    (folder, shown.replace(&folder_name, "OUT"))
}

#[test]
fn the_table_is_exact() {
    let (_folder, shown) = run();
    insta::assert_snapshot!(shown);
}

#[test]
fn records_are_exact_except_for_the_machine_and_the_time() {
    let (folder, _) = run();
    let text = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    let mut records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for record in &mut records {
        for (key, value) in [
            ("host", json!("the machine")),
            ("commit", json!("the commit")),
            ("calibrations", json!("the speed of the machine")),
            ("started_at", json!("the time")),
            ("since_run_start_ns", json!(0)),
        ] {
            record[key] = value;
        }
    }
    insta::assert_json_snapshot!(records);
}

#[test]
fn a_sample_that_took_no_time_is_an_error() {
    let folder = TempDir::new().unwrap();
    let status = scripted()
        .env("SCRIPTED_PER_CENT", "0")
        .args([
            "run",
            "empty/pattern=chain/serial/1",
            "--runs",
            "9",
            "--quiet",
            "--out",
        ])
        .arg(folder.path())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    let text = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(record["error"]["kind"], "protocol");
    assert_eq!(record["samples"], json!([]));
}
