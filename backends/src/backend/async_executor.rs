//! **The workers** are threads of this backend, each of which runs the same executor, as in the documentation of
//! `async-executor`.
//!
//! **Where a worker parks.** Each idle worker sleeps in `block_on` until the executor notifies it. Timers are those of
//! `async-io`, which waits for them on a thread of its own once there are any. The calling thread sleeps in `block_on`
//! until the run is over.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use async_channel::{Receiver, Sender, bounded};
use async_executor::Executor;
use async_io::Timer;
use futures_lite::future::block_on;

use super::support::ending::RunEnd;
use super::support::spawning::{Spawner, Spawning};
use super::support::worker::{join_all, spawn};
use super::{Backend, Continuation, Family, Placement, Pool, PoolPlan};
use crate::execute::{Halt, Job};

/// An executor of `async-executor` on threads of its own, with one spawn for each task that becomes ready.
pub const ASYNC_EXECUTOR: AsyncExecutor = AsyncExecutor;

/// See [`ASYNC_EXECUTOR`].
#[derive(Debug)]
pub struct AsyncExecutor;

impl Backend for AsyncExecutor {
    fn name(&self) -> &'static str {
        "async-executor"
    }

    fn why(&self) -> &'static str {
        "async-executor on N threads: one spawn for each task that becomes ready; idle workers sleep until they are notified"
    }

    fn family(&self) -> Family {
        Family::Async
    }

    fn runtime(&self) -> Option<&'static str> {
        // Smol is this executor with more around it.
        cfg!(feature = "smol").then_some("smol")
    }

    fn is_default(&self) -> bool {
        false
    }

    fn parallelism(&self, worker_count: usize, waits: bool) -> Option<usize> {
        // Every sleeping task is a timer: any number of them wait at once.
        (!waits).then_some(worker_count)
    }

    fn continuations(&self) -> &'static [Continuation] {
        &[Continuation::Queue, Continuation::Inline]
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let placement = Placement::new(plan)?;
        let executor = Arc::new(Executor::new());
        let (end, over) = RunEnd::new();
        let (shutdown, is_down) = bounded::<()>(1);
        let spawner = OwnThreads {
            executor: Arc::clone(&executor),
            end,
        };
        let mut pool = AsyncExecutorPool {
            run: Spawning::new(Arc::clone(&job), plan, spawner),
            over,
            shutdown,
            threads: Vec::new(),
        };
        for index in 0..plan.worker_count {
            let (executor, is_down) = (Arc::clone(&executor), is_down.clone());
            let thread = spawn(placement, index, &job, move || {
                // Ends with an error, when the channel is closed.
                let _ = block_on(executor.run(is_down.recv()));
            })?;
            pool.threads.push(thread);
        }
        Ok(Box::new(pool))
    }
}

/// Spawns on an executor that threads of the backend run.
struct OwnThreads {
    executor: Arc<Executor<'static>>,
    end: RunEnd,
}

impl Spawner for OwnThreads {
    #[inline]
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.executor.spawn(future).detach();
    }

    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }

    fn awaits(
        &self,
        job: &Job,
        work: impl Future<Output = Result<(), Halt>> + Send,
    ) -> impl Future<Output = Result<(), Halt>> + Send {
        self.end.awaits(job, work)
    }

    fn end(&self) {
        self.end.tell();
    }
}

struct AsyncExecutorPool {
    run: Arc<Spawning<OwnThreads>>,
    /// The run is over or has failed.
    over: Receiver<()>,
    /// The threads end when it is closed.
    shutdown: Sender<()>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool for AsyncExecutorPool {
    fn run(&mut self) -> Result<(), Halt> {
        if self.run.begin() {
            // The sender lives as long as `run`.
            let _ = block_on(self.over.recv());
        }
        self.run.outcome()
    }
}

impl Drop for AsyncExecutorPool {
    fn drop(&mut self) {
        self.shutdown.close();
        join_all(&mut self.threads);
    }
}
