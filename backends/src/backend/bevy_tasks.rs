//! **The workers** are the calling thread and the threads of a `TaskPool`: within a scope, the calling thread runs tasks
//! too. The tasks of the graph are futures that are ready when they are first polled, because a pool for computations has
//! no timers and nothing else to await.
//!
//! **Where a worker parks.** Idle threads sleep in `block_on` until the executor notifies them. The calling thread sleeps
//! there too, but only while the scope has unfinished tasks and none is queued.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bevy_tasks::{Scope, TaskPool, TaskPoolBuilder};

use super::support::worker::{enter, enter_lent};
use super::{Backend, Continuation, Placement, Pool, PoolPlan, pool_fn};
use crate::execute::Job;
use crate::graph::TaskId;
use crate::system::limit::cannot_start;

/// A `TaskPool` of `bevy_tasks`: one scope, and one spawn for each task that becomes ready.
pub const BEVY_TASKS: BevyTasks = BevyTasks;

/// See [`BEVY_TASKS`].
#[derive(Debug)]
pub struct BevyTasks;

impl Backend for BevyTasks {
    fn name(&self) -> &'static str {
        "bevy-tasks"
    }

    fn why(&self) -> &'static str {
        "bevy_tasks: one scope, and one spawn for each task that becomes ready; the caller works too, idle workers sleep"
    }

    fn is_default(&self) -> bool {
        false
    }

    fn continuations(&self) -> &'static [Continuation] {
        &[Continuation::Queue, Continuation::Inline]
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let placement = Placement::new(plan)?;
        let lent = enter_lent(&placement, &job)?;
        let pool = started(placement, &job)?;
        let inline = plan.continuation == Continuation::Inline;
        Ok(pool_fn(job, move |job| {
            // The pool keeps the calling thread until it is dropped.
            let _ = &lent;
            let job: &Job = job;
            pool.scope(|scope| {
                for &source in job.graph().sources() {
                    scope.spawn(async move { execute(job, scope, source, inline) });
                }
            });
            job.outcome()
        }))
    }
}

/// Starts the threads: all workers but the calling thread. The crate panics if the system refuses one.
fn started(placement: Placement, job: &Arc<Job>) -> io::Result<TaskPool> {
    let worker_count = placement.worker_count();
    let next = AtomicUsize::new(1);
    let job = Arc::clone(job);
    let builder = TaskPoolBuilder::new().num_threads(worker_count - 1);
    let builder = builder.on_thread_spawn(move || {
        // Relaxed: each call only needs a different number.
        let index = next.fetch_add(1, Ordering::Relaxed);
        enter(&placement, index, &job);
    });
    let built = catch_unwind(AssertUnwindSafe(|| builder.build()));
    built.map_err(|_| {
        let refused = io::Error::from_raw_os_error(libc::EAGAIN);
        cannot_start(format!("{worker_count} workers"), &refused)
    })
}

/// Runs `first`, and with inline continuations the first task that each task makes ready. Spawns all others.
fn execute<'scope>(
    job: &'scope Job,
    scope: &'scope Scope<'scope, '_, ()>,
    first: TaskId,
    inline: bool,
) {
    let mut next = Some(first);
    while let Some(task) = next.take() {
        if job.is_halted() {
            return;
        }
        // The failure is reported once, after the scope; here it only means that nothing follows.
        let _ = job.execute(task, |ready| {
            if inline && next.is_none() {
                next = Some(ready);
            } else {
                scope.spawn(async move { execute(job, scope, ready, inline) });
            }
        });
    }
}
