//! Trees of real processes. Each test runs in a process of its own (nextest), so it adopts only its own orphans.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::thread;

use super::end::Ended;
use super::reading::SliceCpu;
use super::*;
use crate::machine::ticks::tick_ns;

/// A child that writes lines and waits for lines.
struct Case {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
    tree: ProcessTree,
}

impl Case {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mark = prepare_command(&mut command).unwrap();
        let mut child = command.spawn().unwrap();
        let tree = ProcessTree::new(&child, mark).unwrap();
        Self {
            requests: child.stdin.take().unwrap(),
            replies: BufReader::new(child.stdout.take().unwrap()),
            child,
            tree,
        }
    }

    fn shell(script: &str) -> Self {
        Self::start("sh", &["-c", script])
    }

    fn python(script: &str) -> Self {
        Self::start("python3", &["-c", script])
    }

    /// The child's next line.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The child's next line, which is a number.
    fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(&mut self) -> T {
        self.line().parse().unwrap()
    }

    fn go_on(&mut self) {
        self.requests.write_all(b"\n").unwrap();
    }

    /// Ends the tree, and checks that nothing of it is left.
    fn end(&mut self) -> Ended {
        let ended = self.tree.end();
        assert!(ended.survivors.is_empty(), "{ended:?}");
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(libc::SIGKILL));
        assert_eq!(self.tree.members(), []);
        ended
    }
}

/// A script that leaves a process behind, which has a session of its own, writes the id of this process, and waits.
/// `launcher` starts a program.
fn orphaning(launcher: &str) -> String {
    let leave = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!";
    format!("{launcher} setsid sh -c '{leave}' & wait; echo; read line")
}

/// A case with an orphan, and the id of the orphan.
fn case_with_orphan(launcher: &str) -> (Case, i32) {
    let mut case = Case::shell(&orphaning(launcher));
    let orphan = case.number();
    // An empty line says that the parent of the orphan has ended.
    assert_eq!(case.line(), "");
    let process = Process::read(orphan).unwrap();
    assert_eq!(process.parent, own_id(), "it was adopted");
    assert_ne!(process.group, case.tree.child.pid, "it left the group");
    (case, orphan)
}

#[test]
fn an_orphan_in_a_session_of_its_own_ends_with_its_case() {
    for launcher in ["", "env -i"] {
        let (mut case, orphan) = case_with_orphan(launcher);
        assert_eq!(case.end().left_behind_count, 1);
        assert_eq!(Process::read(orphan), None, "{launcher:?}");
    }
}

/// The kernel refuses a mark above the hard limit. An orphan is then known only from an earlier look.
#[test]
fn an_orphan_without_a_mark_ends_if_it_was_seen_below_the_child() {
    let mut case = Case::shell("sleep 1000 </dev/null >/dev/null 2>&1 & echo $!; read line");
    case.tree.mark = CaseMark::fresh();
    let orphan = case.number();
    case.tree.members();
    case.go_on();
    assert!(case.child.wait().unwrap().success());
    assert_eq!(Process::read(orphan).unwrap().parent, own_id());
    assert_eq!(case.tree.end().left_behind_count, 1);
    assert_eq!(Process::read(orphan), None);
}

#[test]
fn every_generation_belongs_to_the_tree() {
    let inner = r"sleep 1000 </dev/null >/dev/null 2>&1 & echo \$!; wait";
    let mut case = Case::shell(&format!("sh -c \"sh -c '{inner}' & wait\" & read line"));
    let youngest: i32 = case.number();
    assert_eq!(case.end().left_behind_count, 3);
    assert_eq!(Process::read(youngest), None);
}

/// Ctrl-C goes to the group of the parent, which then ends the child.
#[test]
fn a_child_leads_a_group_of_its_own() {
    let mut case = Case::shell("read line");
    let child = case.tree.child.pid;
    assert_eq!(Process::read(child).unwrap().group, child);
    case.end();
}

#[test]
fn marks_differ_from_those_of_other_processes() {
    let [one, other] = [(); 2].map(|()| CaseMark::fresh());
    assert_ne!(one, other);
    assert_eq!(one.0 >> 32, own_id() as u64);
}

#[test]
fn an_orphan_ends_after_the_child_was_waited_for() {
    let (mut case, orphan) = case_with_orphan("");
    case.go_on();
    assert!(case.child.wait().unwrap().success());
    let expected = Ended {
        left_behind_count: 1,
        survivors: vec![],
    };
    assert_eq!(case.tree.end(), expected);
    assert_eq!(Process::read(orphan), None);
}

#[test]
fn the_end_of_one_case_touches_nothing_else() {
    let mut own = Command::new("sleep").arg("1000").spawn().unwrap();
    let (mut one, _) = case_with_orphan("env -i");
    let (mut other, orphan) = case_with_orphan("env -i");
    let others = other.tree.members();
    one.end();
    assert_eq!(other.tree.members(), others);
    assert!(others.iter().any(|one| one.identity.pid == orphan));
    assert_eq!(own.try_wait().unwrap(), None);
    assert_eq!(other.end().left_behind_count, 1);
    assert_eq!(own.try_wait().unwrap(), None);
    own.kill().unwrap();
    own.wait().unwrap();
}

#[test]
fn processes_that_go_on_starting_the_next_one_end() {
    // Each starts the next one and ends. They would end by themselves long after the test.
    let again = r#"[ $N -lt 50000 ] && N=$((N+1)) sh -c "$AGAIN" &"#;
    let start = format!("export AGAIN='{again}'; N=0 sh -c \"$AGAIN\"; echo; read line");
    let mut case = Case::shell(&start);
    assert_eq!(case.line(), "");
    case.end();
}

#[test]
fn a_child_dies_with_the_thread_that_started_it_and_its_own_children_do_not() {
    let start = || case_with_orphan("");
    let (mut case, orphan) = thread::spawn(start).join().unwrap();
    let status = case.child.wait().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGKILL));
    assert!(!Process::read(orphan).unwrap().is_zombie);
    assert_eq!(case.tree.end().left_behind_count, 1);
    assert_eq!(Process::read(orphan), None);
}

#[test]
fn the_memory_of_every_process_counts() {
    let (mut case, orphan) = case_with_orphan("");
    let peak = |pid| Process::read(pid).unwrap().peak_memory_bytes();
    let (of_child, of_orphan) = (peak(case.tree.child.pid), peak(orphan));
    assert!(of_child > 0 && of_orphan > 0);
    let bytes = case.tree.usage().peak_memory_bytes;
    assert!(bytes >= of_child + of_orphan, "{bytes}");
    case.end();
    assert_eq!(case.tree.usage().peak_memory_bytes, bytes, "a peak stays");
}

#[test]
fn an_orphan_that_this_process_reaped_is_counted_by_the_clock() {
    let script = "read line; (sh -c 'echo $$; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done' &); read line";
    let mut case = Case::shell(script);
    let before = case.tree.usage();
    case.go_on();
    let orphan: i32 = case.number();
    let id = rustix::process::WaitId::Pid(raw_pid(orphan));
    let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
    // It is a child of this process as soon as its first parent has ended, and this one does not wait for it.
    while case
        .tree
        .members()
        .iter()
        .any(|one| one.identity.pid == orphan && one.parent != own_id())
    {
        thread::yield_now();
    }
    rustix::process::waitid(id, options).unwrap();
    let slice = case.tree.usage().since(&before);
    assert_eq!(Process::read(orphan), None, "it was reaped");
    assert!(case.tree.reaped.cpu_ns > 0);
    assert!(
        slice
            .cpu
            .ns()
            .is_none_or(|ns| ns >= case.tree.reaped.cpu_ns),
        "{slice:?}"
    );
    case.end();
}

/// A Python program that burns CPU time in one of three places when it gets a line, and then writes how much that was
/// by its own clocks, in nanoseconds.
const BURNING: &str = "
import os, resource, sys, threading, time

def burn():
    end = time.thread_time_ns() + 400_000_000
    while time.thread_time_ns() < end:
        pass

def in_thread():
    start = time.process_time_ns()
    thread = threading.Thread(target=burn)
    thread.start()
    thread.join()
    return time.process_time_ns() - start

def in_grandchild():
    receiver, sender = os.pipe()
    if os.fork() == 0:
        burn()
        os.write(sender, str(time.process_time_ns()).encode())
        sys.stdin.readline()
        os._exit(0)
    return int(os.read(receiver, 100))

def in_reaped_child():
    if (child := os.fork()) == 0:
        burn()
        os._exit(0)
    used = os.wait4(child, 0)[2]
    return round((used.ru_utime + used.ru_stime) * 1e9)

print('ready', flush=True)
sys.stdin.readline()
print(PLACE(), flush=True)
sys.stdin.readline()
";

/// The CPU time of a slice in which [`BURNING`] burns in this place, and the time by its own clocks.
fn burn(place: &str) -> (SliceCpu, u64) {
    let mut case = Case::python(&BURNING.replace("PLACE", place));
    assert_eq!(case.line(), "ready");
    // It does nothing here, and belongs to a case of its own.
    let mut other = Case::shell("echo ready; read line");
    assert_eq!(other.line(), "ready");
    let before = (case.tree.usage(), other.tree.usage());
    case.go_on();
    let expected_ns = case.number();
    let slice = case.tree.usage().since(&before.0);
    let of_other = other.tree.usage().since(&before.1);
    assert!(matches!(of_other.cpu, SliceCpu::Clock(ns) if ns < tick_ns()));
    case.end();
    other.end();
    (slice.cpu, expected_ns)
}

/// Whether two times differ by no more than what one process knows of its children can be wrong.
fn is_near(one: u64, other: u64) -> bool {
    one.abs_diff(other) <= 2 * tick_ns()
}

#[test]
#[ignore = "needs python3"]
fn a_python_program_is_counted_in_ended_threads_and_in_grandchildren_by_the_clock() {
    for place in ["in_thread", "in_grandchild"] {
        let (cpu, expected_ns) = burn(place);
        assert!(
            matches!(cpu, SliceCpu::Clock(ns) if is_near(ns, expected_ns)),
            "{place}: {cpu:?}, not {expected_ns}"
        );
    }
}

#[test]
#[ignore = "needs python3"]
fn a_python_program_is_counted_in_reaped_children_by_ticks() {
    let (cpu, expected_ns) = burn("in_reaped_child");
    assert!(
        matches!(cpu, SliceCpu::Ticks(ns) if is_near(ns, expected_ns)),
        "{cpu:?}, not {expected_ns}"
    );
}

#[test]
#[ignore = "needs python3"]
fn shared_memory_that_a_python_program_forgot_is_removed() {
    let mut case = Case::python(
        "
import os, signal, sys
from multiprocessing import shared_memory

block = shared_memory.SharedMemory(create=True, size=4096)
if os.fork() == 0:
    os.setsid()
    print(block.name, flush=True)
    signal.pause()
sys.stdin.readline()
",
    );
    let block = Path::new("/dev/shm").join(case.line());
    assert!(block.exists());
    assert_eq!(
        case.end().left_behind_count,
        2,
        "its child, and Python's tracker"
    );
    assert!(!block.exists());
}
