//! Commands beside `run` that measure Python.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::root;

/// The records of a command that measures the peers on one graph of this kernel with two workers.
fn measured(command: &str, kernel: &str, backends: &str, more: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let workload = folder.path().join("peer.toml");
    let text = format!(
        "name = \"peer\"\nwhy = \"a test\"\nkernel = {kernel}\n\
         pattern = {{ kind = \"trivial\", width = 8, steps = 1 }}\n"
    );
    fs::write(&workload, text).unwrap();
    let out = folder.path().join("out");
    let output = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args([command, "peer", "--workers", "2", "--backends", backends])
        .args(more)
        .args([OsStr::new("--workloads"), workload.as_os_str()])
        .args([OsStr::new("--out"), out.as_os_str()])
        .env("XDG_CACHE_HOME", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let records = fs::read_to_string(out.join("records.jsonl")).unwrap();
    let records = records.lines();
    records
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
#[ignore = "needs python3"]
fn metg_sweeps_the_size_of_tasks_of_python() {
    // A sweep of a kernel that computes needs a probe of the plain loop; one of a kernel that waits does not.
    for (kernel, backend, has_probe) in [
        (
            r#"{ kind = "loop", iterations = 100 }"#,
            "python-process-pool",
            true,
        ),
        (
            r#"{ kind = "sleep", duration_ms = 1 }"#,
            "python-thread-pool",
            false,
        ),
    ] {
        let records = measured("metg", kernel, backend, &["--sweeps", "1"]);
        assert!(!records.is_empty(), "{backend}");
        for record in &records {
            assert_eq!(record["error"], Value::Null, "{record}");
            let sample_count = record["samples"].as_array().unwrap().len();
            assert!(sample_count >= 1, "{record}");
            let usage = record["usage"].as_array().unwrap();
            assert_eq!(usage.len(), sample_count, "one figure per slice");
            let probe_count = record["peak"]["probes"].as_array().unwrap().len();
            assert_eq!(probe_count, if has_probe { sample_count } else { 0 });
        }
    }
}

#[test]
#[ignore = "needs python3"]
fn a_gate_judges_the_cpu_time_of_python() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backends.toml");
    let child = root().join("peers/python/child.py");
    let text = format!(
        "[[backend]]\nname = \"own-thread-pool\"\nwhy = \"a test\"\nfamily = \"threads\"\n\
         command = [\"python3\", {child:?}, \"own-\"]\nkernels = [\"empty\"]\n"
    );
    fs::write(&file, text).unwrap();
    let out = folder.path().join("out");
    let mut gate = Command::new(env!("CARGO_BIN_EXE_taskdyno"));
    gate.args(["gate", "empty/pattern=chain", "--workers", "1"])
        .args(["--pairs", "8", "--out"])
        .arg(&out);
    for side in ["--base-external", "--head-external"] {
        gate.arg(side).arg(&file);
    }
    gate.env("PYTHONDONTWRITEBYTECODE", "1");
    let output = gate.output().unwrap();
    let text = fs::read_to_string(out.join("gate.json"));
    let text = text.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let comparison: Value = serde_json::from_str(&text).unwrap();
    let case = &comparison["cases"][0];
    assert_eq!(case["wall"]["pair_count"], 8, "{text}");
    assert_eq!(case["cpu"]["pair_count"], 8, "{text}");
}
