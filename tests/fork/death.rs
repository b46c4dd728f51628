//! Whatever process dies, the run ends, says why, and leaves no process behind.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_open, set_child_subreaper,
    wait,
};
use taskdyno::internal::backend::FORK;
use taskdyno_core::backend::Backend;
use taskdyno_core::backend::Death;
use taskdyno_core::execute::{Ending, Failure, Job};
use taskdyno_core::graph::{TaskGraphBuilder, TaskId};
use taskdyno_core::memory::SharedSlice;

use crate::host::{Child, assert_childless, pid};
use crate::runner::TestCase;
use crate::{Does, Started, independent, plan, start};

pub(crate) fn cases() -> Vec<TestCase> {
    vec![
        TestCase::new("a_panicking_kernel_is_named", a_panicking_kernel),
        TestCase::new("every_worker_panics_at_once", every_worker_panics),
        TestCase::new("an_aborting_kernel_is_noticed", an_aborting_kernel),
        TestCase::new("an_exiting_kernel_is_noticed", an_exiting_kernel),
        TestCase::new("a_worker_killed_at_work_is_noticed", killed_at_work),
        TestCase::new("a_worker_killed_while_idle_is_noticed", killed_while_idle),
        TestCase::new("a_stopped_worker_does_not_outlive_its_pool", stopped),
        TestCase::new("a_worker_that_never_ends_is_killed", never_ends),
        TestCase::new("a_dead_parent_takes_its_workers_along", dead_parent),
        TestCase::new("a_failed_pool_stays_failed", a_failed_pool),
    ]
}

/// Returns the worker that died in `task`, which was tried once, and how it ended.
fn death_in(task: u32, failure: Failure) -> (u32, Ending) {
    match failure {
        Failure::WorkerDied {
            task: named,
            worker,
            ending,
            attempt_count: 1,
        } => {
            assert_eq!(named, TaskId(task));
            (worker, ending)
        }
        other => panic!("expected a death: {other}"),
    }
}

fn a_panicking_kernel() {
    for worker_count in [1, 2, 5] {
        let mut pool = start(
            independent(20),
            Does(|task| assert_ne!(task, TaskId(13), "bad luck")),
            worker_count,
        );
        let Failure::Panicked { task, message } = pool.fail() else {
            panic!("{:?}", pool.job.failure());
        };
        assert_eq!(task, TaskId(13));
        assert!(message.contains("bad luck"), "{message}");
        assert_childless();
    }
}

fn every_worker_panics() {
    for _ in 0..50 {
        let mut pool = start(independent(20), Does(|_| panic!("all of us")), 3);
        assert!(matches!(pool.fail(), Failure::Panicked { .. }));
        assert_childless();
    }
}

fn an_aborting_kernel() {
    let abort = |task| {
        if task == TaskId(4) {
            std::process::abort()
        }
    };
    for worker_count in [1, 2, 5] {
        let failure = start(independent(9), Does(abort), worker_count).fail();
        assert_eq!(death_in(4, failure).1, Ending::Signal(libc::SIGABRT));
        assert_childless();
    }
}

fn an_exiting_kernel() {
    let exit = |task| {
        if task == TaskId(4) {
            std::process::exit(7)
        }
    };
    let failure = start(independent(9), Does(exit), 2).fail();
    assert_eq!(death_in(4, failure).1, Ending::Exit(7));
    assert_childless();
}

/// A shared word for the id of the process that runs the kernel.
fn shared_word() -> Arc<SharedSlice<AtomicU32>> {
    Arc::new(SharedSlice::new(1).unwrap())
}

/// Writes the id of this process and never returns.
fn enter_for_ever(word: &AtomicU32) {
    let me = getpid().as_raw_nonzero().get() as u32;
    word.store(me, Ordering::Release);
    loop {
        // SAFETY: it only waits for a signal.
        unsafe { libc::pause() };
    }
}

/// Waits until `word` is set. If this never happens, the time-out of the test ends it.
fn entered(word: &AtomicU32) -> Pid {
    loop {
        match Pid::from_raw(word.load(Ordering::Acquire) as i32) {
            Some(pid) => return pid,
            None => std::thread::yield_now(),
        }
    }
}

fn killed_at_work() {
    let word = shared_word();
    let in_kernel = Arc::clone(&word);
    let mut pool = start(
        independent(5),
        Does(move |task| {
            if task == TaskId(2) {
                enter_for_ever(&in_kernel[0]);
            }
        }),
        2,
    );
    let workers = pool.pool.worker_processes();
    // Forked after the pool, so it does not belong to the pool.
    let killer = Child::fork(|| kill_process(entered(&word[0]), Signal::KILL).unwrap());
    let failure = pool.fail();
    killer.succeed();
    let victim = entered(&word[0]);
    let index = workers.iter().position(|id| pid(*id) == victim).unwrap();
    let expected = (index as u32, Ending::Signal(libc::SIGKILL));
    assert_eq!(death_in(2, failure), expected);
    assert_childless();
}

fn killed_while_idle() {
    for victim in 0..3 {
        let mut pool = start(independent(5), Does(|_| ()), 3);
        pool.job.begin_run();
        pool.pool.run().unwrap();
        let worker = pid(pool.pool.worker_processes()[victim]);
        let descriptor = pidfd_open(worker, PidfdFlags::empty()).unwrap();
        kill_process(worker, Signal::KILL).unwrap();
        await_end(&descriptor);
        // No task was lost, so the run continues without this worker.
        pool.job.begin_run();
        pool.pool.run().unwrap();
        let death = Death {
            worker: victim as u32,
            ending: Ending::Signal(libc::SIGKILL),
            task: None,
            attempt_count: 0,
        };
        assert_eq!(pool.pool.take_deaths(), [death]);
        assert_eq!(pool.pool.worker_processes().len(), 3);
        drop(pool);
        assert_childless();
    }
}

fn stopped() {
    let pool = start(independent(5), Does(|_| ()), 2);
    kill_process(pid(pool.pool.worker_processes()[1]), Signal::STOP).unwrap();
    drop(pool);
    assert_childless();
}

/// One task fails while another never ends.
fn never_ends() {
    let word = shared_word();
    let in_kernel = Arc::clone(&word);
    let kernel = move |task| match task {
        TaskId(0) => enter_for_ever(&in_kernel[0]),
        _ => {
            entered(&in_kernel[0]);
            panic!("the other one fails");
        }
    };
    let mut pool = start(independent(2), Does(kernel), 2);
    assert_eq!(pool.fail().task(), Some(TaskId(1)));
    assert_childless();
}

fn dead_parent() {
    // Orphans become children of this process, so that it can wait for the last of them.
    set_child_subreaper(Some(getpid())).unwrap();
    let word = shared_word();
    let pids: SharedSlice<AtomicU32> = SharedSlice::new(3).unwrap();
    let parent = Child::fork(|| {
        let in_kernel = Arc::clone(&word);
        let mut builder = TaskGraphBuilder::default();
        builder.push([]).unwrap();
        let Started { job, mut pool } = start(
            builder.finish(),
            Does(move |_| enter_for_ever(&in_kernel[0])),
            3,
        );
        for (word, id) in pids.iter().zip(pool.worker_processes()) {
            word.store(id, Ordering::Release);
        }
        job.begin_run();
        let _ = pool.run();
    });
    // One worker is at work, the others idle.
    entered(&word[0]);
    let workers: Vec<OwnedFd> = pids
        .iter()
        .map(|word| pidfd_open(entered(word), PidfdFlags::empty()).unwrap())
        .collect();
    parent.kill();
    workers.iter().for_each(await_end);
    for _ in &workers {
        wait(WaitOptions::empty()).unwrap();
    }
    set_child_subreaper(None).unwrap();
    assert_childless();
}

fn await_end(process: &OwnedFd) {
    let descriptor = process.as_fd();
    poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], None).unwrap();
}

fn a_failed_pool() {
    let job = Arc::new(Job::new(independent(3), Box::new(Does(|_| panic!("no")))).unwrap());
    let mut pool = FORK.start(Arc::clone(&job), &plan(2)).unwrap();
    for _ in 0..3 {
        job.begin_run();
        pool.run().unwrap_err();
        assert!(pool.worker_processes().is_empty());
    }
    assert_childless();
}
