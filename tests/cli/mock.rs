//! Tests the whole path from run to report with times from a script, which give exact results.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{program, records, scripted};

/// Runs the scripted child on some backends, and returns the folder and the output.
fn run() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let output = program(scripted())
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
fn records_hold_exactly_what_the_child_sent() {
    let (folder, _) = run();
    let records = records(folder.path());
    assert_numbers(&records);
    assert_failures(&records);
    assert_order(&records);
}

fn assert_numbers(records: &[Value]) {
    for (backend, workers, wall_ns, cpu_ns) in [
        ("serial", 1, 1_000_000_u64, 900_000),
        ("static", 1, 1_010_000, 909_000),
        ("static", 2, 505_000, 909_000),
        ("rayon", 1, 1_200_000, 1_080_000),
        ("rayon", 2, 600_000, 1_080_000),
        ("tokio", 1, 1_212_000, 1_090_800),
        ("tokio", 2, 606_000, 1_090_800),
    ] {
        let is_it = |record: &&Value| {
            record["case"]["backend"] == backend && record["case"]["workers"] == workers
        };
        let record = records.iter().find(is_it).unwrap();
        // The script makes each sample longer by a hundredth of the first.
        let sample = |index| {
            json!({
                "wall_ns": wall_ns + wall_ns / 100 * index,
                "run_count": 1,
                "cpu_ns": cpu_ns,
                "foreign_cpu_ns": null,
                "voluntary_switch_count": 0,
                "involuntary_switch_count": 0,
                "worker_cores": [0],
                "is_degraded": false,
                "invocation": 0,
            })
        };
        let samples: Vec<Value> = (0..9).map(sample).collect();
        assert_eq!(record["samples"], json!(samples), "{backend} {workers}");
        let graph = json!({"task_count": 100, "edge_count": 99});
        assert_eq!(record["graph"], graph);
        assert_eq!(record["digest"], "00000000deadbeef");
        assert_eq!(record["start_ns"], 50_000);
        assert_eq!(record["peak_memory_bytes"], 4 << 20);
        assert_eq!(record["error"], Value::Null);
    }
}

fn assert_failures(records: &[Value]) {
    let is_failed = |record: &&Value| record["case"]["backend"] == "threads";
    let failed: Vec<&Value> = records.iter().filter(is_failed).collect();
    assert_eq!(failed.len(), 2);
    for record in failed {
        let error = json!({
            "kind": "panic",
            "message": "the kernel panicked in task 3: out of cheese",
            "task": 3,
            "death": null,
        });
        assert_eq!(record["error"], error);
        assert_eq!(record["samples"], json!([]));
    }
}

/// Asserts that the cases ran in the order that the seed gives.
fn assert_order(records: &[Value]) {
    let name = |record: &Value| {
        let case = &record["case"];
        let backend = case["backend"].as_str().unwrap();
        format!("{backend}/{}", case["workers"])
    };
    let order: Vec<String> = records.iter().map(name).collect();
    assert_eq!(
        order.join(" "),
        "rayon/2 static/2 threads/2 rayon/1 threads/1 tokio/1 tokio/2 static/1 serial/1"
    );
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record["plan"]["order_index"], index);
        assert_eq!(record["plan"]["seed"], 3);
    }
}

#[test]
fn a_sample_that_took_no_time_is_an_error() {
    let folder = TempDir::new().unwrap();
    let status = program(scripted())
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
    let records = records(folder.path());
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["error"]["kind"], "protocol");
    assert_eq!(records[0]["samples"], json!([]));
}

#[test]
fn a_case_is_measured_in_several_processes_one_after_the_other() {
    let folder = TempDir::new().unwrap();
    let status = program(scripted())
        .args(["run", "empty/pattern=chain/serial/1", "--runs", "9"])
        .args([
            "--invocations",
            "3",
            "--warmup-runs",
            "5",
            "--quiet",
            "--out",
        ])
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    let records = records(folder.path());
    let [record] = &records[..] else {
        panic!("{} records", records.len());
    };
    assert_eq!(record["plan"]["invocation_count"], 3);
    assert_eq!(record["plan"]["warmup_run_count"], 5);
    let samples = record["samples"].as_array().unwrap();
    let invocations: Vec<u64> = samples
        .iter()
        .map(|sample| sample["invocation"].as_u64().unwrap())
        .collect();
    assert_eq!(invocations, [[0; 9], [1; 9], [2; 9]].concat());
    // Eight times before the samples of each process, and eight times after.
    assert_eq!(record["calibrations"].as_array().unwrap().len(), 48);
    assert!(record["workload_why"].is_string() && record["backend_why"].is_string());
}
