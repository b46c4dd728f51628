//! **Where a worker parks.** The crate decides: idle workers wait in turn for a channel behind a mutex; nothing spins. The
//! calling thread waits in `join` until the queue is empty and no worker is active.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};

use threadpool::{Builder, ThreadPool as Threads};

use super::support::worker::enter;
use super::{Backend, Placement, Pool, PoolPlan, pool_fn};
use crate::execute::Job;
use crate::graph::TaskId;
use crate::system::limit::cannot_start;

/// A pool of the crate `threadpool`, with one `execute` for each task that becomes ready.
pub const THREADPOOL: ThreadpoolCrate = ThreadpoolCrate;

/// See [`THREADPOOL`].
#[derive(Debug)]
pub struct ThreadpoolCrate;

impl Backend for ThreadpoolCrate {
    fn name(&self) -> &'static str {
        "threadpool"
    }

    fn why(&self) -> &'static str {
        "the crate threadpool: one `execute` for each task that becomes ready; idle workers wait for a channel"
    }

    fn is_default(&self) -> bool {
        false
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let placement = Placement::new(plan)?;
        let threads = started(plan.worker_count)?;
        enter_all(placement, &threads, &job);
        Ok(pool_fn(job, move |job| {
            for &source in job.graph().sources() {
                execute(&threads, Arc::clone(job), source);
            }
            threads.join();
            job.outcome()
        }))
    }
}

/// Starts the threads. The crate panics if the system refuses one.
fn started(worker_count: usize) -> io::Result<Threads> {
    let builder = Builder::new().num_threads(worker_count);
    let built = catch_unwind(AssertUnwindSafe(|| builder.build()));
    built.map_err(|_| {
        let refused = io::Error::from_raw_os_error(libc::EAGAIN);
        cannot_start(format!("{worker_count} workers"), &refused)
    })
}

/// Makes each thread a worker. The crate has no call for this, so each gets a task that ends only when all have one.
fn enter_all(placement: Placement, threads: &Threads, job: &Arc<Job>) {
    let all_here = Arc::new(Barrier::new(placement.worker_count()));
    for index in 0..placement.worker_count() {
        let (all_here, job) = (Arc::clone(&all_here), Arc::clone(job));
        threads.execute(move || {
            enter(&placement, index, &job);
            all_here.wait();
        });
    }
    threads.join();
}

/// Queues `task`. It queues every task that it makes ready.
fn execute(threads: &Threads, job: Arc<Job>, task: TaskId) {
    let own = threads.clone();
    threads.execute(move || {
        if job.is_halted() {
            return;
        }
        // The failure is reported once, when all workers are idle; here it only means that nothing follows.
        let _ = job.execute(task, |ready| execute(&own, Arc::clone(&job), ready));
    });
}
