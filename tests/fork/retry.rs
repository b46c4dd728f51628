//! Backends whose coordinator survives its workers. A task whose worker dies is tried again. If a task is given up,
//! only the tasks that depend on it are given up too.

use std::fs::read_dir;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    PidfdFlags, Resource, Rlimit, Signal, getpid, getrlimit, kill_process, pidfd_open, setrlimit,
};
use taskdyno::internal::backend::{FORK, FORK_DISPATCH, FORK_PER_TASK};
use taskdyno_core::backend::{Backend, Death, PoolPlan};
use taskdyno_core::execute::{Ending, Failure, Job, expected_digest};
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::memory::SharedSlice;

use crate::host::{assert_childless, pid};
use crate::runner::TestCase;
use crate::{Does, Started, independent};

/// A test for any of the backends.
type Test = fn(&dyn Backend);

pub(crate) fn cases() -> Vec<TestCase> {
    let tests: [(&str, Test); 8] = [
        ("a_task_whose_worker_dies_is_tried_again", tried_again),
        ("a_task_is_given_up_after_its_last_try", given_up),
        ("every_task_may_die_once", every_task_dies),
        (
            "a_task_that_runs_out_of_memory_is_tried_again",
            out_of_memory,
        ),
        ("a_task_that_takes_too_long_is_tried_again", too_long),
        ("a_panic_ends_the_run_at_once", panic_ends_the_run),
        ("a_pool_that_failed_stays_failed", stays_failed),
        ("neither_process_nor_descriptor_is_left", nothing_is_left),
    ];
    let backends: [&'static dyn Backend; 3] = [&FORK, &FORK_DISPATCH, &FORK_PER_TASK];
    let mut cases = Vec::new();
    for backend in backends {
        for (name, test) in tests {
            let name = format!("{}::{name}", backend.name());
            cases.push(TestCase::new(name, move || test(backend)));
        }
    }
    cases.push(TestCase::new(
        "fork-dispatch::a_worker_that_died_idle_is_replaced",
        died_idle,
    ));
    cases
}

/// The task that dies.
const VICTIM: TaskId = TaskId(2);

/// Four tasks without predecessors, two that depend on the victim (the second through the first), and one that does
/// not.
fn graph() -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    for _ in 0..4 {
        builder.push([]).unwrap();
    }
    let child = builder.push([VICTIM]).unwrap();
    builder.push([TaskId(0), child]).unwrap();
    builder.push([TaskId(3)]).unwrap();
    builder.finish()
}

const BEHIND_VICTIM: [TaskId; 2] = [TaskId(4), TaskId(5)];

fn plan(backend: &dyn Backend, worker_count: usize, retry_limit: u32) -> PoolPlan {
    let mut plan = PoolPlan::plain(backend, worker_count);
    plan.retry_limit = retry_limit;
    plan
}

fn start(
    backend: &dyn Backend,
    graph: TaskGraph,
    kernel: impl Fn(TaskId) + Send + Sync + 'static,
    plan: &PoolPlan,
) -> Started {
    let job = Arc::new(Job::new(graph, Box::new(Does(kernel))).unwrap());
    let pool = backend.start(Arc::clone(&job), plan).unwrap();
    Started { job, pool }
}

/// Runs, asserts that the run succeeds, and returns the deaths in it.
fn succeed(started: &mut Started) -> Vec<Death> {
    let Started { job, pool } = started;
    let expected = expected_digest(job.graph(), job.kernel(), 0);
    job.begin_run();
    assert_eq!(pool.run(), Ok(()), "{:?}", job.failure());
    assert_eq!(job.verify(expected), Ok(()));
    pool.take_deaths()
}

/// One counter per task, shared by all processes.
fn counts(count: usize) -> Arc<SharedSlice<AtomicU32>> {
    Arc::new(SharedSlice::new(count).unwrap())
}

/// A kernel that calls `die` in the first `times` attempts of the victim.
fn dies(times: u32, die: fn()) -> impl Fn(TaskId) + Send + Sync + 'static {
    let tries = counts(1);
    move |task| {
        if task == VICTIM && tries[0].fetch_add(1, Ordering::Relaxed) < times {
            die();
        }
    }
}

/// Ways to die, and how each is reported.
const WAYS: [(fn(), Ending); 5] = [
    (|| raise(Signal::KILL), Ending::Signal(libc::SIGKILL)),
    (|| raise(Signal::SEGV), Ending::Signal(libc::SIGSEGV)),
    (|| std::process::abort(), Ending::Signal(libc::SIGABRT)),
    (|| std::process::exit(7), Ending::Exit(7)),
    (|| std::process::exit(0), Ending::Exit(0)),
];

fn raise(signal: Signal) {
    if signal != Signal::KILL {
        // SAFETY: the default action replaces the standard library's handler for stack overflows, which would ignore a
        // signal that was sent.
        unsafe { libc::signal(signal.as_raw(), libc::SIG_DFL) };
    }
    kill_process(getpid(), signal).unwrap();
}

fn wait_for_ever() {
    loop {
        // SAFETY: it only waits for a signal.
        unsafe { libc::pause() };
    }
}

/// Everything about each death except the number of the worker.
fn told(deaths: &[Death]) -> Vec<(Ending, Option<TaskId>, u32)> {
    let parts = |death: &Death| (death.ending, death.task, death.attempt_count);
    deaths.iter().map(parts).collect()
}

fn tried_again(backend: &dyn Backend) {
    for (die, ending) in WAYS {
        for worker_count in [1, 3] {
            let plan = plan(backend, worker_count, 2);
            let mut started = start(backend, graph(), dies(2, die), &plan);
            let deaths = succeed(&mut started);
            let expected = [1, 2].map(|attempt| (ending, Some(VICTIM), attempt));
            assert_eq!(told(&deaths), expected, "{worker_count} workers");
            let is_known = |death: &Death| (death.worker as usize) < worker_count;
            assert!(deaths.iter().all(is_known), "{deaths:?}");
            assert_eq!(started.pool.take_deaths(), []);
            // The death has no effect on the next run.
            assert_eq!(succeed(&mut started), []);
        }
    }
    assert_childless();
}

fn given_up(backend: &dyn Backend) {
    for (die, expected) in WAYS {
        for (worker_count, retry_limit) in [(1, 0), (1, 1), (3, 0), (3, 2)] {
            let plan = plan(backend, worker_count, retry_limit);
            let mut started = start(backend, graph(), dies(u32::MAX, die), &plan);
            let failure = started.fail();
            let Failure::WorkerDied {
                task,
                worker,
                ending,
                attempt_count,
            } = failure
            else {
                panic!("{failure}");
            };
            let tries = retry_limit + 1;
            assert_eq!((task, ending, attempt_count), (VICTIM, expected, tries));
            assert!((worker as usize) < worker_count);
            for task in started.job.graph().tasks() {
                let must_be_done = task != VICTIM && !BEHIND_VICTIM.contains(&task);
                assert_eq!(started.job.is_done(task), must_be_done, "task {task}");
            }
            assert_childless();
        }
    }
}

/// The tasks that a dying worker holds are neither lost nor run twice.
fn every_task_dies(backend: &dyn Backend) {
    const COUNT: u32 = 60;
    let mut builder = TaskGraphBuilder::default();
    for task in 0..COUNT {
        let before = [task.checked_sub(7), task.checked_sub(3)];
        let before = before.into_iter().flatten().map(TaskId);
        builder.push(before).unwrap();
    }
    let graph = builder.finish();
    for worker_count in [1, 2, 5] {
        let tries = counts(COUNT as usize);
        let kernel = {
            let tries = Arc::clone(&tries);
            move |task: TaskId| {
                if tries[task.index()].fetch_add(1, Ordering::Relaxed) == 0 {
                    raise(Signal::KILL);
                }
            }
        };
        let plan = plan(backend, worker_count, 1);
        let mut started = start(backend, graph.clone(), kernel, &plan);
        let mut died: Vec<TaskId> = succeed(&mut started)
            .iter()
            .map(|death| death.task.unwrap())
            .collect();
        died.sort_unstable();
        assert!(died.into_iter().eq(graph.tasks()));
        assert!(tries.iter().all(|tries| tries.load(Ordering::Relaxed) == 2));
    }
    assert_childless();
}

fn too_long(backend: &dyn Backend) {
    for worker_count in [1, 2] {
        let mut plan = plan(backend, worker_count, 1);
        // Much more than an empty task takes, even on a slow machine.
        plan.task_timeout = Some(Duration::from_millis(500));
        let mut started = start(backend, graph(), dies(1, wait_for_ever), &plan);
        let killed = (Ending::Signal(libc::SIGKILL), Some(VICTIM), 1);
        assert_eq!(told(&succeed(&mut started)), [killed]);
    }
    assert_childless();
}

/// The allocator gets no more memory, and aborts.
fn out_of_memory(backend: &dyn Backend) {
    let ask_for_too_much = || {
        let limit = Rlimit {
            current: Some(0),
            ..getrlimit(Resource::As)
        };
        setrlimit(Resource::As, limit).unwrap();
        let much: Vec<u8> = Vec::with_capacity(1 << 30);
        std::hint::black_box(much);
    };
    for worker_count in [1, 3] {
        let plan = plan(backend, worker_count, 1);
        let mut started = start(backend, graph(), dies(1, ask_for_too_much), &plan);
        let aborted = (Ending::Signal(libc::SIGABRT), Some(VICTIM), 1);
        assert_eq!(told(&succeed(&mut started)), [aborted]);
        // The limit applied only to the worker that died.
        assert_eq!(succeed(&mut started), []);

        let mut started = start(backend, graph(), dies(2, ask_for_too_much), &plan);
        let failure = started.fail();
        let Failure::WorkerDied {
            task,
            ending,
            attempt_count,
            ..
        } = failure
        else {
            panic!("{failure}");
        };
        assert_eq!(
            (ending, Some(task), attempt_count),
            (aborted.0, aborted.1, 2)
        );
    }
    assert_childless();
}

/// This holds even if another task never ends.
fn panic_ends_the_run(backend: &dyn Backend) {
    let entered = counts(1);
    let kernel = move |task: TaskId| match task {
        TaskId(0) => {
            entered[0].store(1, Ordering::Relaxed);
            wait_for_ever();
        }
        _ => {
            while entered[0].load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            panic!("out of cheese");
        }
    };
    let plan = plan(backend, 2, 2);
    let mut started = start(backend, independent(2), kernel, &plan);
    let failure = started.fail();
    let Failure::Panicked { task, message } = failure else {
        panic!("{failure}");
    };
    assert_eq!(task, TaskId(1));
    assert!(message.contains("out of cheese"), "{message}");
    assert_childless();
}

fn stays_failed(backend: &dyn Backend) {
    let plan = plan(backend, 2, 0);
    let mut started = start(
        backend,
        graph(),
        dies(u32::MAX, || raise(Signal::KILL)),
        &plan,
    );
    let first = started.fail();
    for _ in 0..3 {
        assert_eq!(started.fail(), first);
        assert!(started.pool.worker_processes().is_empty());
    }
    assert_childless();
}

fn nothing_is_left(backend: &dyn Backend) {
    let descriptor_count = || read_dir("/proc/self/fd").unwrap().count();
    let before = descriptor_count();
    let plan = plan(backend, 3, 1);
    for times in [0, 1, u32::MAX] {
        let start = || start(backend, graph(), dies(times, || raise(Signal::KILL)), &plan);
        // Without a run.
        drop(start());
        let mut started = start();
        started.job.begin_run();
        assert_eq!(started.pool.run().is_err(), times == u32::MAX);
    }
    assert_eq!(descriptor_count(), before);
    assert_childless();
}

fn died_idle() {
    for victim in 0..3 {
        let plan = plan(&FORK_DISPATCH, 3, 0);
        let mut started = start(&FORK_DISPATCH, graph(), |_| (), &plan);
        assert_eq!(succeed(&mut started), []);
        let id = started.pool.worker_processes()[victim];
        let descriptor = pidfd_open(pid(id), PidfdFlags::empty()).unwrap();
        kill_process(pid(id), Signal::KILL).unwrap();
        poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], None).unwrap();
        let death = Death {
            worker: victim as u32,
            ending: Ending::Signal(libc::SIGKILL),
            task: None,
            attempt_count: 0,
        };
        assert_eq!(succeed(&mut started), [death]);
        assert_ne!(started.pool.worker_processes()[victim], id);
        assert_eq!(succeed(&mut started), []);
    }
    assert_childless();
}
