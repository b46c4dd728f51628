//! Tasks of Python that wait for each other, and what only processes of Python have.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Output};

use super::{Runs, run, search_path};

#[test]
#[ignore = "needs python3"]
fn python_processes_compute_what_only_they_have() {
    run("test_backends.EveryBackend.test_every_kernel_of_processes");
}

#[test]
#[ignore = "needs python3"]
fn python_parties_coordinate_on_every_backend() {
    run("test_coordination.Coordination");
}

#[test]
#[ignore = "needs python3"]
fn broken_python_primitives_violate_every_invariant() {
    run("test_coordination.Broken");
}

#[test]
#[ignore = "needs python3"]
fn latencies_of_python_are_in_the_buckets_of_the_format() {
    run("test_coordination.Histogram");
}

/// Runs 8 parties on some numbers of workers, and returns the output of the program.
fn eight_parties(backends: &str, workers: &str) -> Output {
    let runs = Runs::new();
    let workload = runs.folder.path().join("workloads/eight.toml");
    let text = "name = \"eight\"\nwhy = \"a test\"\nkernel = { kind = \"barrier\", phases = 3 }\n\
                pattern = { kind = \"trivial\", width = 8 }\n";
    fs::write(workload, text).unwrap();
    Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args(["run", "eight", "--runs", "2", "--warmup", "0"])
        .args(["--workers", workers, "--backends", backends])
        .args([
            OsStr::new("--workloads"),
            runs.folder.path().join("workloads").as_os_str(),
        ])
        .args([
            OsStr::new("--out"),
            runs.folder.path().join("out").as_os_str(),
        ])
        .env("XDG_CACHE_HOME", runs.folder.path())
        .env("PATH", search_path())
        .output()
        .unwrap()
}

#[test]
#[ignore = "needs python3"]
fn python_parties_need_as_many_workers_as_there_are() {
    let output = eight_parties("python-thread-pool,python-process-executor", "8");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = eight_parties("python-thread-pool", "2");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0), "{errors}");
    let expected = "8 tasks wait for each other, and 2 workers run 2 at once: use --workers 8";
    assert!(errors.contains(expected), "{errors}");
}

#[test]
fn what_python_has_no_primitive_for_is_not_applicable_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args(["run", "counter-locks", "--dry-run", "--workers", "8"])
        .args(["--backends", "python-asyncio,python-threads", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    for expected in [
        "`python-asyncio` has no kernel `reentrant`: the lock of asyncio has no owner",
        "`python-threads` has no kernel `rwlock`: the standard library of Python has no lock that readers share",
    ] {
        assert!(errors.contains(expected), "{errors}");
    }
}
