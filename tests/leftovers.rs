//! A pool that is dropped leaves nothing behind: no thread, and no descriptor. This is a program of its own, because it
//! counts those of its process.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use taskdyno::internal::backend::BACKENDS;
use taskdyno_core::backend::{Backend, PoolPlan, verify_runs};
use taskdyno_core::execute::Job;
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::kernel::{Kernel, Sharing};

/// Tasks that wait, so that async backends start their timers.
struct Waits;

impl Kernel for Waits {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }

    fn wait(&self, _: TaskId) -> Option<Duration> {
        Some(Duration::from_micros(10))
    }
}

fn independent(task_count: usize) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    for _ in 0..task_count {
        builder.push([]).unwrap();
    }
    builder.finish()
}

/// How many threads and descriptors this process has.
fn held() -> [usize; 2] {
    let entries = |folder: &str| fs::read_dir(folder).unwrap().count();
    [entries("/proc/self/task"), entries("/proc/self/fd")]
}

const WORKER_COUNT: usize = 3;

/// Starts a pool, runs a few tasks, and drops the pool.
fn use_pool(backend: &dyn Backend) {
    let worker_count = backend.fixed_worker_count().unwrap_or(WORKER_COUNT);
    let plan = PoolPlan::plain(backend, worker_count);
    let job = Job::new(independent(8), Box::new(Waits)).unwrap();
    let result = verify_runs(backend, &plan, job, 2);
    assert_eq!(result, Ok(()), "{}", backend.name());
    // A pool that has not run ends too.
    let job = Arc::new(Job::new(independent(8), Box::new(Waits)).unwrap());
    drop(backend.start(job, &plan).unwrap());
}

/// The descriptors that the runtime itself keeps after [`use_pool`].
fn kept_descriptors(backend: &dyn Backend) -> usize {
    match backend.name() {
        // A task of glommio 0.9 does not release what it shares with its executor, such as the descriptor that wakes it.
        "glommio" => 2 * WORKER_COUNT,
        _ => 0,
    }
}

#[test]
fn a_dropped_pool_leaves_no_thread_and_no_descriptor() {
    /// More than the threads of the pool before, some of which may still be ending when the first count is taken.
    const POOL_COUNT: usize = 20;
    // The workers of these belong to the process.
    let is_global = |backend: &dyn Backend| ["may", "smol"].contains(&backend.name());
    let tested = BACKENDS.iter().filter(|backend| {
        backend.sharing() == Sharing::Threads && backend.runs_graphs() && !is_global(**backend)
    });
    for backend in tested {
        if let Err(refusal) = backend.check_system() {
            eprintln!("skipped: {refusal}");
            continue;
        }
        // The first pool may start what belongs to the process, such as the thread for all timers.
        use_pool(*backend);
        let [threads, descriptors] = held();
        (0..POOL_COUNT).for_each(|_| use_pool(*backend));
        let kept = kept_descriptors(*backend) * POOL_COUNT;
        // Some threads end a little after their pool. If they do not, this does not end either.
        let most = [threads, descriptors + kept];
        eprintln!("{}: down to {most:?}", backend.name());
        while held().into_iter().zip(most).any(|(now, most)| now > most) {
            thread::yield_now();
        }
    }
}
