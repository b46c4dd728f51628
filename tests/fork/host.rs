//! How the pool affects the process that starts it, and what it requires.

use std::fs::{File, read_dir};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus, getrlimit, kill_process, setrlimit,
    wait, waitpid,
};
use taskdyno::internal::backend::FORK;
use taskdyno_core::backend::Backend;
use taskdyno_core::execute::Job;
use taskdyno_core::graph::TaskId;
use taskdyno_core::memory::SharedSlice;

use crate::runner::TestCase;
use crate::{Does, independent, plan, start};

pub(crate) fn cases() -> Vec<TestCase> {
    vec![
        TestCase::new("no_descriptor_and_no_process_is_left", nothing_is_left),
        TestCase::new("workers_are_told_by_their_ids", workers_are_told),
        TestCase::new(
            "kernels_do_not_reach_the_standard_streams",
            standard_streams,
        ),
        TestCase::new("workers_outlive_an_interrupt", interrupt),
        TestCase::new("a_second_thread_is_refused", a_second_thread),
        TestCase::new("a_start_that_fails_leaves_nothing", a_start_that_fails),
    ]
}

/// A child of the test that does not belong to a pool.
pub(crate) struct Child(Pid);

/// The process id of a worker, as the calls of the system take it.
pub(crate) fn pid(id: u32) -> Pid {
    Pid::from_raw(id as i32).expect("the id of a process")
}

impl Child {
    /// Runs `body` in a forked process. Its status is 0 unless `body` panics.
    pub(crate) fn fork(body: impl FnOnce()) -> Self {
        // SAFETY: tests run on the only thread.
        match unsafe { libc::fork() } {
            0 => {
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
                // SAFETY: it accepts any status and does not return.
                unsafe { libc::_exit(i32::from(result.is_err())) }
            }
            raw => Self(Pid::from_raw(raw).unwrap()),
        }
    }

    pub(crate) fn succeed(self) {
        assert_eq!(self.end().exit_status(), Some(0));
    }

    pub(crate) fn kill(self) {
        kill_process(self.0, Signal::KILL).unwrap();
        assert_eq!(self.end().terminating_signal(), Some(libc::SIGKILL));
    }

    fn end(self) -> WaitStatus {
        waitpid(Some(self.0), WaitOptions::empty())
            .unwrap()
            .unwrap()
            .1
    }
}

/// Asserts that this process has neither children nor zombies.
pub(crate) fn assert_childless() {
    assert_eq!(wait(WaitOptions::NOHANG).unwrap_err(), Errno::CHILD);
}

fn descriptor_count() -> usize {
    read_dir("/proc/self/fd").unwrap().count()
}

fn mapping_count() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    // Anonymous shared pages, by the name that the kernel gives them.
    maps.lines()
        .filter(|line| line.contains("/dev/zero"))
        .count()
}

fn nothing_is_left() {
    let before = (descriptor_count(), mapping_count());
    for worker_count in [1, 4] {
        // Stopped without a run, after a run, and after a failure.
        drop(start(independent(5), Does(|_| ()), worker_count));
        let mut pool = start(independent(5), Does(|_| ()), worker_count);
        pool.job.begin_run();
        pool.pool.run().unwrap();
        drop(pool);
        start(independent(5), Does(|_| panic!("on purpose")), worker_count).fail();
    }
    assert_eq!((descriptor_count(), mapping_count()), before);
    assert_childless();
}

fn workers_are_told() {
    let pool = start(independent(5), Does(|_| ()), 3);
    let mut pids = pool.pool.worker_processes();
    assert_eq!(pids.len(), 3);
    pids.sort_unstable();
    let me = std::process::id();
    let mut children: Vec<u32> = std::fs::read_to_string(format!("/proc/self/task/{me}/children"))
        .unwrap()
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    children.sort_unstable();
    assert_eq!(pids, children);
}

fn standard_streams() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let child = Child::fork(|| {
        rustix::stdio::dup2_stdin(File::open("/proc/self/exe").unwrap()).unwrap();
        rustix::stdio::dup2_stdout(&writer).unwrap();
        let noisy = |_| {
            println!("a kernel speaks");
            let read = std::io::stdin().read(&mut [0; 10]).unwrap();
            assert_eq!(read, 0, "a kernel reads the coordinator's input");
        };
        let mut pool = start(independent(5), Does(noisy), 2);
        pool.job.begin_run();
        pool.pool.run().unwrap();
        drop(pool);
        println!("the coordinator speaks");
    });
    drop(writer);
    let mut heard = String::new();
    reader.read_to_string(&mut heard).unwrap();
    child.succeed();
    assert_eq!(heard, "the coordinator speaks\n");
}

fn interrupt() {
    let entered: SharedSlice<AtomicU32> = SharedSlice::new(1).unwrap();
    // Each worker waits for the other, so both have started when the first run ends.
    let wait_for_all = move |_| {
        entered[0].fetch_add(1, Ordering::Relaxed);
        while entered[0].load(Ordering::Relaxed) < 2 {
            thread::yield_now();
        }
    };
    let mut pool = start(independent(2), Does(wait_for_all), 2);
    let mut run = || {
        pool.job.begin_run();
        pool.pool.run().unwrap();
        assert_eq!(pool.pool.take_deaths(), []);
        pool.pool.worker_processes()
    };
    let workers = run();
    for id in &workers {
        kill_process(pid(*id), Signal::INT).unwrap();
    }
    for _ in 0..100 {
        assert_eq!(run(), workers);
    }
}

fn a_second_thread() {
    let (hold, held) = mpsc::channel::<()>();
    let other = thread::spawn(move || held.recv());
    let job = Arc::new(Job::new(independent(1), Box::new(Does(|_: TaskId| ()))).unwrap());
    let error = FORK.start(Arc::clone(&job), &plan(1)).err().unwrap();
    assert!(error.to_string().contains("this one has 2"), "{error}");
    drop(hold);
    other.join().unwrap().unwrap_err();
    assert_childless();
}

/// The limit on descriptors suffices only for a few workers.
fn a_start_that_fails() {
    Child::fork(|| {
        let limit = Rlimit {
            current: Some(descriptor_count() as u64 + 4),
            ..getrlimit(Resource::Nofile)
        };
        setrlimit(Resource::Nofile, limit).unwrap();
        let before = descriptor_count();
        let job = Arc::new(Job::new(independent(1), Box::new(Does(|_: TaskId| ()))).unwrap());
        let error = FORK.start(job, &plan(20)).err().unwrap();
        assert!(error.to_string().contains("Too many open files"), "{error}");
        assert_eq!(descriptor_count(), before);
        assert_childless();
    })
    .succeed();
}
