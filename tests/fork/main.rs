//! Tests the backends whose workers are processes, from a process that has only one thread while it forks.

use std::process::ExitCode;
use std::sync::Arc;

use taskdyno::internal::backend::FORK;
use taskdyno_core::backend::{Backend, Pool, PoolPlan};
use taskdyno_core::execute::{Failure, Job};
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::kernel::Kernel;

mod conformance;
#[path = "../common/coordinated.rs"]
mod coordinated;
mod death;
mod host;
#[path = "../common/locks.rs"]
mod locks;
mod parties;
mod retry;
mod runner;
mod sample;

fn main() -> ExitCode {
    // Many tests panic on purpose, so print one line per panic without a backtrace.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let mut cases = conformance::cases();
    cases.extend(death::cases());
    cases.extend(host::cases());
    cases.extend(parties::cases());
    cases.extend(retry::cases());
    cases.extend(sample::cases());
    runner::main(cases)
}

/// A pool of `worker_count` workers that queue every task, and the job it runs.
fn start(graph: TaskGraph, kernel: impl Kernel + 'static, worker_count: usize) -> Started {
    let job = Arc::new(Job::new(graph, Box::new(kernel)).unwrap());
    let pool = FORK.start(Arc::clone(&job), &plan(worker_count)).unwrap();
    Started { job, pool }
}

struct Started {
    job: Arc<Job>,
    pool: Box<dyn Pool>,
}

impl Started {
    /// Runs, asserts that the run fails, and returns why.
    fn fail(&mut self) -> Failure {
        self.job.begin_run();
        self.pool.run().unwrap_err();
        self.job.failure().expect("a failed run has a reason")
    }
}

fn plan(worker_count: usize) -> PoolPlan {
    PoolPlan::plain(&FORK, worker_count)
}

/// `count` tasks that do not depend on each other.
fn independent(count: u32) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    for _ in 0..count {
        builder.push([]).unwrap();
    }
    builder.finish()
}

/// A kernel that calls a function.
struct Does<F>(F);

impl<F: Fn(TaskId) + Send + Sync> Kernel for Does<F> {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        (self.0)(task);
        seed
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }
}
