//! `metg`: the sizes it sweeps, and the records it keeps.

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
