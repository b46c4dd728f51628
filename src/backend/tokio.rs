//! **Where a worker parks.** Where tokio decides: one idle worker waits for timers and the others sleep.
//! The calling thread sleeps in `block_on` until the run is over.
//!
//! **The end of a run.** Only tasks without dependents are counted: every other task has finished when
//! they have, and a count of all of them would be one more cache line to fight over.
//!
//! **Sleeps.** A task that only waits is awaited, so any number of them wait at once, whatever the number
//! of workers: for such tasks the number of workers bounds nothing. The timers of tokio tick once a
//! millisecond, which every sleep pays.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::worker::Placement;
use super::{Backend, Continuation, Pool, PoolPlan};
use crate::execute::{Halt, Job};
use crate::graph::TaskId;

/// The multi-thread runtime of `tokio`, with a spawn for each task that gets ready.
pub const TOKIO: Tokio = Tokio;

/// See [`TOKIO`].
#[derive(Debug)]
pub struct Tokio;

impl Backend for Tokio {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn why(&self) -> &'static str {
        "tokio, multi-thread: a spawn for each task that gets ready; sleeping tasks all wait at once"
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
        let graph = job.graph();
        let any_waits = graph.tasks().any(|task| job.kernel().wait(task).is_some());
        let mut builder = Builder::new_multi_thread();
        if any_waits {
            builder.enable_time();
        }
        let runtime = builder
            .worker_threads(plan.worker_count)
            .on_thread_start(enter_in_turn(Placement::new(plan)?, Arc::clone(&job)))
            .build()?;
        let is_last = |task: &TaskId| graph.successors(*task).is_empty();
        let last_count = graph.tasks().filter(is_last).count();
        Ok(Box::new(TokioPool {
            last_count,
            shared: Arc::new(Shared {
                inline: plan.continuation == Continuation::Inline,
                any_waits,
                last_remaining: AtomicUsize::new(0),
                over: Notify::new(),
                job,
            }),
            runtime,
        }))
    }
}

/// Makes each thread that calls it the next worker.
fn enter_in_turn(placement: Placement, job: Arc<Job>) -> impl Fn() + Send + Sync + 'static {
    let next = AtomicUsize::new(0);
    move || {
        // Relaxed: any distinct number will do.
        let index = next.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = placement.enter(index) {
            job.fail(format!("worker {index} cannot be bound: {error}"));
        }
    }
}

struct Shared {
    job: Arc<Job>,
    /// Whether the first task made ready is run at once.
    inline: bool,
    /// Whether there are tasks that only wait. The runtime has timers if so.
    any_waits: bool,
    /// Tasks without dependents that have not finished in this run.
    last_remaining: AtomicUsize,
    /// The run is over or has failed.
    over: Notify,
}

/// Spawns `task`. Not an `async fn`, since a future cannot contain itself.
fn spawn(shared: Arc<Shared>, task: TaskId) {
    if shared.any_waits {
        tokio::spawn(async move { shared.end(execute_waiting(&shared, task).await) });
    } else {
        tokio::spawn(async move { shared.end(execute(&shared, task)) });
    }
}

/// Runs `first`, and with inline continuations what it leads to.
#[inline]
fn execute(shared: &Arc<Shared>, first: TaskId) -> Result<(), Halt> {
    let mut next = Some(first);
    while let Some(task) = next {
        if shared.job.is_halted() {
            return Err(Halt);
        }
        shared.job.run(task)?;
        next = shared.complete(task);
    }
    Ok(())
}

/// [`execute`] for a kernel with tasks that only wait. A function of its own, because the room for a timer
/// and the states of a future would be a tenth of an empty task.
async fn execute_waiting(shared: &Arc<Shared>, first: TaskId) -> Result<(), Halt> {
    let mut next = Some(first);
    while let Some(task) = next {
        if shared.job.is_halted() {
            return Err(Halt);
        }
        shared.job.run_async(task, sleep).await?;
        next = shared.complete(task);
    }
    Ok(())
}

impl Shared {
    /// Counts `task` as finished, spawns what it makes ready, and returns what is to run at once.
    #[inline]
    fn complete(self: &Arc<Self>, task: TaskId) -> Option<TaskId> {
        let mut next = None;
        self.job.complete(task, |ready| {
            if self.inline && next.is_none() {
                next = Some(ready);
            } else {
                spawn(Arc::clone(self), ready);
            }
        });
        let is_last = self.job.graph().successors(task).is_empty();
        // AcqRel: each count hands on what its tasks wrote, and the last one hands on all of it.
        if is_last && self.last_remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.over.notify_one();
        }
        next
    }

    /// Ends the run if it has failed.
    #[inline]
    fn end(&self, result: Result<(), Halt>) {
        if result.is_err() {
            self.over.notify_one();
        }
    }
}

struct TokioPool {
    runtime: Runtime,
    shared: Arc<Shared>,
    /// Tasks of the graph without dependents.
    last_count: usize,
}

impl Pool for TokioPool {
    fn run(&mut self) -> Result<(), Halt> {
        let shared = &self.shared;
        if self.last_count == 0 {
            return Ok(());
        }
        // Relaxed: spawning releases it, with `begin_run`, to the workers.
        shared
            .last_remaining
            .store(self.last_count, Ordering::Relaxed);
        self.runtime.block_on(async {
            for &source in shared.job.graph().sources() {
                spawn(Arc::clone(shared), source);
            }
            shared.over.notified().await;
        });
        if shared.job.is_halted() {
            Err(Halt)
        } else {
            Ok(())
        }
    }
}
