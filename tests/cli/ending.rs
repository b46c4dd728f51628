//! Commands that a signal ends: what they leave behind, and with which exit code.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tempfile::TempDir;

use crate::program::{example, heed_hang_ups, program, taskdyno};

/// A run of one case whose kernel hangs.
pub(crate) fn endless_run(folder: &Path) -> Command {
    let mut command = program(example("broken"));
    command
        .args(["run", "broken/mishap=hang/fork/2", "--exact"])
        .args(["--workers", "2", "--timeout", "600", "--out"])
        .arg(folder)
        .arg("--workloads")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/broken.toml"));
    command
}

pub(crate) type Said = Lines<BufReader<ChildStderr>>;

/// Starts a command and waits for its first line. By then it handles signals and has opened its file.
pub(crate) fn begun(mut command: Command) -> (Child, String, Said) {
    heed_hang_ups(&mut command);
    let mut child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    (child, first, said)
}

#[test]
fn ctrl_c_keeps_what_is_finished_and_leaves_no_process() {
    let folder = TempDir::new().unwrap();
    let (mut child, first, mut said) = begun(endless_run(folder.path()));
    assert_eq!(first, "measuring 1 case");
    // The case's process and its two workers, one of which hangs.
    let family = loop {
        let family = descendants(child.id());
        if family.len() == 3 {
            break family;
        }
        std::thread::yield_now();
    };
    // The parent waits without an extra thread, so that a limit on threads cannot prevent it from ending the case.
    let threads = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
    assert_eq!(threads.count(), 1);
    // Descriptors that refer to these processes even if their ids are reused.
    let family: Vec<_> = family.into_iter().map(watch).collect();
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(said.any(|line| line.unwrap().contains("continue with --resume")));
    // The descriptor of a process becomes readable when it ends.
    for process in &family {
        poll(&mut [PollFd::new(process, PollFlags::IN)], None).unwrap();
    }
}

#[test]
fn runs_that_end_before_their_first_record_lose_no_records() {
    let folder = TempDir::new().unwrap();
    let records = folder.path().join("records.jsonl");
    fs::write(&records, "measured before\n").unwrap();
    // Each signal has its own exit code.
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let (mut child, _, mut said) = begun(endless_run(folder.path()));
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal:?}");
        assert!(said.any(|line| line.unwrap().contains("interrupted: 0 records")));
    }
    let previous = folder.path().join("records.previous.jsonl");
    assert_eq!(fs::read_to_string(previous).unwrap(), "measured before\n");
    assert_eq!(fs::read_to_string(&records).unwrap(), "");
}

#[test]
fn every_command_that_measures_reacts_to_signals() {
    let folder = TempDir::new().unwrap();
    let mut metg = taskdyno();
    metg.args(["metg", "hash-cpu", "--backends", "static", "--workers", "2"])
        .args(["--sweeps", "1000000", "--max-time", "600", "--out"])
        .arg(folder.path());
    let mut chaos = taskdyno();
    chaos
        .args(["chaos", "empty/pattern=chain/fork", "--workers", "2"])
        .args(["--runs", "1000000"]);
    let mut claims = taskdyno();
    claims
        .args(["claims", "2", "--full", "--out"])
        .arg(folder.path().join("claims"));
    for (command, signal, code, words) in [
        (metg, Signal::HUP, 129, "nothing is saved"),
        (claims, Signal::INT, 130, "nothing is saved"),
        (chaos, Signal::TERM, 143, ""),
    ] {
        let (mut child, _, mut said) = begun(command);
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let is_end = |line: String| line.starts_with("interrupted") && line.ends_with(words);
        assert!(said.any(|line| is_end(line.unwrap())), "{words}");
    }
}

#[test]
fn a_hang_up_that_is_ignored_from_the_start_stays_ignored() {
    let folder = TempDir::new().unwrap();
    let run = endless_run(folder.path());
    let mut nohup = program("sh");
    nohup
        .args(["-c", "trap '' HUP; exec \"$@\"", "sh"])
        .arg(run.get_program())
        .args(run.get_args());
    let (mut child, ..) = begun(nohup);
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::HUP).unwrap();
    // If the hang-up were handled, the exit code would be that of the hang-up, which came first.
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

fn watch(process: u32) -> OwnedFd {
    let pid = Pid::from_raw(process as i32).unwrap();
    pidfd_open(pid, PidfdFlags::empty()).unwrap()
}

/// The descendants of `pid`, children before grandchildren.
fn descendants(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    let children: Vec<u32> = text
        .split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect();
    let below = children.iter().flat_map(|child| descendants(*child));
    children
        .iter()
        .copied()
        .chain(below.collect::<Vec<_>>())
        .collect()
}
