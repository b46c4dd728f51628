//! `metg`: the sizes it sweeps, and the records it keeps.

use std::fs;

use tempfile::TempDir;

use crate::program::{records, stderr, stdout, taskdyno};

#[test]
fn metg_sweeps_the_size_of_tasks_and_keeps_records_of_each() {
    let folder = TempDir::new().unwrap();
    let output = taskdyno()
        .args(["metg", "hash-cpu", "--backends", "static", "--workers", "2"])
        .args(["--sweeps", "1", "--seed", "1", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("METG(50%)"), "{}", stdout(&output));
    let records = records(folder.path());
    // How many sizes it needs depends on how fast the machine is.
    assert!(!records.is_empty());
    for record in &records {
        let size = record["case"]["parameters"]["kernel"]["times"].as_f64();
        assert!(size.is_some());
        assert_eq!(record["peak"]["size"].as_f64(), size);
        let probes = record["peak"]["probes"].as_array().unwrap().len();
        assert_eq!(record["samples"].as_array().unwrap().len(), probes);
    }
}

#[test]
fn metg_needs_no_probe_for_kernels_that_last_for_a_known_time() {
    let folder = TempDir::new().unwrap();
    let output = taskdyno()
        .args([
            "metg",
            "sleep-io/pattern=trivial",
            "--backends",
            "thread-pool,tokio",
        ])
        .args(["--workers", "2", "--sweeps", "1", "--quiet", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let records = records(folder.path());
    let fractions = records.iter().filter(|record| {
        let size = &record["case"]["parameters"]["kernel"]["duration_ms"];
        assert_eq!(record["peak"]["size"].as_f64(), size.as_f64());
        let by_the_clock = size.as_f64().unwrap() * 1e6;
        assert_eq!(record["peak"]["task_ns"].as_f64(), Some(by_the_clock));
        assert_eq!(record["peak"]["probes"].as_array().unwrap().len(), 0);
        assert!(!record["samples"].as_array().unwrap().is_empty());
        // Two workers wait for two of the eight tasks at once, and tokio waits for all of them.
        let in_a_row = if record["case"]["backend"] == "tokio" {
            1
        } else {
            4
        };
        assert_eq!(record["peak"]["least_task_count"], in_a_row);
        size.is_f64()
    });
    // Below a millisecond, a thread's sleep overshoots by as much as it lasts.
    assert!(fractions.count() > 0, "{records:?}");
}

#[test]
fn metg_sweeps_the_cut_off_of_a_recursive_program() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mine.toml");
    let text = "name = \"mine\"\nwhy = \"a test\"\npattern = { kind = \"trivial\", width = 1 }\n\
                kernel = { kind = \"fib\", n = 20 }\n";
    fs::write(&path, text).unwrap();
    let output = taskdyno()
        .args(["metg", "mine", "--backends", "crossbeam,fork"])
        .args(["--workers", "2", "--sweeps", "1", "--workloads"])
        .arg(&path)
        .arg("--out")
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("METG(50%)"), "{}", stdout(&output));
    let records = records(folder.path());
    assert!(!records.is_empty());
    for record in &records {
        let (peak, task_count) = (&record["peak"], &record["graph"]["task_count"]);
        assert_eq!(peak["size_parameter"], "cut_off");
        // The probe is the whole program, so its tasks are all of this size.
        assert_eq!(peak["probe_size"], peak["size"]);
        assert_eq!(&peak["probe_task_count"], task_count);
        let of_a_worker = task_count.as_u64().unwrap().div_ceil(2);
        assert_eq!(peak["least_task_count"], of_a_worker);
        assert!(of_a_worker >= 32);
        let probes = peak["probes"].as_array().unwrap().len();
        assert_eq!(record["samples"].as_array().unwrap().len(), probes);
    }
}
