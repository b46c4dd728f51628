//! Runs the example workload of each kernel and checks its records.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use taskdyno::internal::registry::Registry;
use taskdyno::internal::workload;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workloads")
}

/// The records of one example on a backend with threads, one with processes and an async one, with one sample each.
fn records(workload: &str) -> Vec<Value> {
    let out = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args(["run", workload, "--runs", "1", "--warmup", "0", "--quiet"])
        .args(["--workers", "3", "--backends", "serial,static,tokio,fork"])
        .arg("--workloads")
        .arg(folder().join(format!("{workload}.toml")))
        .arg("--out")
        .arg(out.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = fs::read_to_string(out.path().join("records.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Runs the cases of one example, and asserts that all backends agree on each variant.
fn assert_one_digest(workload: &str) {
    let mut digests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for record in records(workload) {
        let word = |pointer: &str| record.pointer(pointer).unwrap().as_str().unwrap();
        let all = digests.entry(word("/case/variant").into()).or_default();
        all.insert(word("/digest").into());
    }
    assert!(!digests.is_empty());
    let agree = digests.values().all(|digests| digests.len() == 1);
    assert!(agree, "{digests:?}");
}

#[test]
fn every_kernel_has_a_workload() {
    let registry = Registry::default();
    let workloads = workload::builtin_and(&[folder()], &registry).unwrap();
    let variants = workloads.iter().flat_map(|workload| &workload.variants);
    let used: BTreeSet<&str> = variants
        .map(|variant| variant.definition.kernel.name())
        .collect();
    let all: BTreeSet<&str> = registry
        .kernels
        .iter()
        .map(|kernel| kernel.name())
        .collect();
    assert_eq!(used, all);
}

#[test]
fn busy_waiting_agrees_on_every_backend() {
    assert_one_digest("kernel-busy-wait");
}

#[test]
fn computing_agrees_on_every_backend() {
    assert_one_digest("kernel-compute-bound");
}

#[test]
fn reading_memory_agrees_on_every_backend() {
    assert_one_digest("kernel-memory-bound");
}

#[test]
fn imbalance_agrees_on_every_backend() {
    assert_one_digest("kernel-load-imbalance");
}

#[test]
fn handing_on_bytes_agrees_on_every_backend() {
    assert_one_digest("output-bytes");
}

#[test]
fn a_replayed_graph_agrees_on_every_backend_and_knows_its_bounds() {
    let records = records("kernel-replay");
    let digests: BTreeSet<&str> = records
        .iter()
        .map(|record| record["digest"].as_str().unwrap())
        .collect();
    // How a task spends its time does not affect its output.
    assert_eq!(digests.len(), 1, "{digests:?}");
    for record in &records {
        let bound = |key: &str| record["bound"][key].as_u64();
        assert_eq!(bound("work_ns"), Some(24_000_000));
        assert_eq!(bound("span_ns"), Some(12_000_000));
        let by = record["case"]["variant"].as_str().unwrap();
        let backend = record["case"]["backend"].as_str().unwrap();
        let optimum = match (backend, by) {
            // Hashing needs cores, and this machine may have fewer cores than workers.
            (_, "by=hash") => continue,
            ("serial", _) => Some(24_000_000),
            // It runs all sleeps at once, so the bound for three workers does not apply.
            ("tokio", "by=sleep") => None,
            _ => Some(12_000_000),
        };
        assert_eq!(bound("certified_optimum_ns"), optimum, "{backend} {by}");
    }
}
