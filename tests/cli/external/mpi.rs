//! MPI as an external backend: how it is started, what is said if it is missing, and what becomes of its ranks. The
//! programs are scripts that stand in for MPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use super::{Place, error_of};
use crate::program::{assert_complains, assert_says, records, stderr, taskdyno};

/// The file of backends that comes with the sources.
fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mpi/backends.toml")
}

/// Runs a command with the backend `mpi`. The programs of `place` come first in `PATH`.
fn with_mpi(place: &Place, arguments: &[&str]) -> Output {
    let mut command = taskdyno();
    let path = format!("{}:/usr/bin:/bin", place.path("").display());
    command.env("PATH", path).args(arguments);
    command.arg("--external").arg(file());
    command.output().unwrap()
}

/// Runs an empty chain on `mpi` with these workers, and returns the records.
fn run(place: &Place, workers: &str) -> Vec<Value> {
    let out = place.path("out");
    let mut arguments = vec!["run", "empty/pattern=chain", "--runs", "2", "--warmup", "0"];
    arguments.extend(["--backends", "mpi", "--workers", workers]);
    arguments.extend(["--out", out.to_str().unwrap()]);
    let output = with_mpi(place, &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    records(&out)
}

#[test]
fn ranks_and_threads_follow_from_the_workers() {
    let place = Place::new(&[]);
    place.script("taskdyno-mpi", "exit 1");
    let arguments = place.path("arguments");
    let log = format!("printf '%s\\n' \"$*\" >> '{}'; exit 3", arguments.display());
    place.script("mpirun", &log);
    let records = run(&place, "1,3,4,2x2");
    assert_eq!(records.len(), 4);
    let error = error_of(&records, "mpi");
    assert!(error.contains("exit code 3"), "{error}");
    let started = fs::read_to_string(&arguments).unwrap();
    let mut started: Vec<&str> = started.lines().collect();
    started.sort_unstable();
    let rank_counts = ["1", "2", "3", "4"].map(|count| format!("-n {count} taskdyno-mpi child"));
    assert_eq!(started, rank_counts);
}

#[test]
fn a_sweep_over_ranks_is_one_command() {
    let place = Place::new(&[]);
    let arguments = ["metg", "stencil-fine", "--backends", "mpi", "--dry-run"];
    let sweep = [&arguments[..], &["--workers", "1,2,4,2x2"]].concat();
    let words = [
        "width=64,steps=100/mpi/1\n",
        "width=64,steps=100/mpi/2\n",
        "width=64,steps=100/mpi/4\n",
        "width=64,steps=100/mpi/2x2\n",
    ];
    assert_says(&with_mpi(&place, &sweep), 0, &words);
}

#[test]
fn what_is_missing_is_an_error_row_that_says_what_to_install() {
    let place = Place::new(&[]);
    let out = place.path("out");
    let without = |words: &[&str]| {
        let mut command = taskdyno();
        command
            .env("PATH", place.path(""))
            .args(["run", "empty/pattern=chain"]);
        command.args([
            "--backends",
            "mpi",
            "--workers",
            "2",
            "--runs",
            "1",
            "--out",
        ]);
        command.arg(&out).arg("--external").arg(file());
        assert_eq!(command.output().unwrap().status.code(), Some(1));
        let error = error_of(&records(&out), "mpi");
        for word in words {
            assert!(error.contains(word), "{word:?} is not in {error}");
        }
    };
    without(&[
        "set-up",
        "cannot find `mpirun`, which `mpi` needs",
        "apt install mpich",
    ]);
    place.script("mpirun", "exit 1");
    without(&[
        "set-up",
        "cannot find `taskdyno-mpi`",
        "cargo install --locked --path mpi",
    ]);
    assert_says(
        &with_mpi(&place, &["list"]),
        0,
        &["not available: cannot find `taskdyno-mpi`"],
    );
}

#[test]
fn ranks_in_sessions_of_their_own_do_not_outlive_their_launcher() {
    let place = Place::new(&[]);
    place.script("taskdyno-mpi", "exit 1");
    let pids = place.path("pids");
    // Ranks leave the session of the launcher, and one leaves its family too. When all are there, the launcher says
    // something wrong, and is killed for it.
    let rank = format!("echo $$ >> '{}'; exec sleep 1000", pids.display());
    let launcher = format!(
        "for rank in 1 2 3; do setsid sh -c \"{}\" & done\n\
         setsid sh -c 'setsid sh -c \"{}\" &'\n\
         until [ -f '{pids}' ] && [ $(wc -l < '{pids}') = 4 ]; do :; done\n\
         read line; echo ready; read line",
        rank.replace('$', "\\$"),
        rank.replace('\'', "").replace('$', "\\$"),
        pids = pids.display()
    );
    place.script("mpirun", &launcher);
    let error = error_of(&run(&place, "4"), "mpi");
    assert!(error.contains("\"ready\""), "{error}");
    let pids = fs::read_to_string(&pids).unwrap();
    assert_eq!(pids.lines().count(), 4);
    for pid in pids.lines() {
        let process = Path::new("/proc").join(pid);
        assert!(!process.exists(), "rank {pid} is left");
    }
}

#[test]
fn doctor_says_which_mpi_is_there_and_what_to_install() {
    let place = Place::new(&[]);
    let doctor = |words: &[&str]| {
        let mut command = taskdyno();
        let command = command.env("PATH", place.path("")).arg("doctor");
        assert_says(&command.output().unwrap(), 0, words);
    };
    doctor(&[
        "MPI: not found; `taskdyno-mpi` is not in PATH",
        "apt install mpich",
    ]);
    place.script("mpirun", "echo 'mpirun (Open MPI) 4.1.4'");
    doctor(&[
        "MPI: Open MPI 4.1.4; `taskdyno-mpi` is not",
        "cargo install --locked --path mpi",
    ]);
    place.script("taskdyno-mpi", "exit 1");
    doctor(&["MPI: Open MPI 4.1.4; `taskdyno-mpi` is there"]);
}

#[test]
fn a_word_in_braces_that_stands_for_nothing_is_refused_with_its_place() {
    let place = Place::new(&[("ranks", "[\"mpirun\", \"{rank}\"]", "")]);
    let words = [
        "nothing is known that \"{rank}\" stands for",
        "backends.toml:5",
        "did you mean `ranks`?",
        "`{ranks}`",
    ];
    assert_complains(&place.command(&["list"]), 2, &words);
}
