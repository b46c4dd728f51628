//! **Where a worker parks.** Tokio decides: one idle worker waits for timers and the others sleep. The calling
//! thread sleeps in `block_on` until the run is over.
//!
//! **Sleeps.** A task that only waits is awaited, so any number of such tasks wait at once, whatever the number of
//! workers. For them the number of workers is no limit. The timers of tokio tick once per millisecond, which adds to
//! every sleep.

mod spawning;

use std::cell::RefCell;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::support::spawning::{Spawner, Spawning};
use super::support::worker::enter;
use super::{Backend, Continuation, Family, Lent, Placement, Pool, PoolPlan, pool_fn};
use crate::execute::Job;
use crate::system::limit::cannot_start_worker;

/// The multi-thread runtime of `tokio`, with one spawn for each task that becomes ready.
pub const TOKIO: Tokio = Tokio;

/// See [`TOKIO`].
#[derive(Debug)]
pub struct Tokio;

impl Backend for Tokio {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn why(&self) -> &'static str {
        "tokio, multi-thread: one spawn for each task that becomes ready; sleeping tasks all wait at once"
    }

    fn family(&self) -> Family {
        Family::Async
    }

    fn runtime(&self) -> Option<&'static str> {
        Some("tokio")
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

    fn runs_recursion(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let mut builder = Builder::new_multi_thread();
        enable_for(&job, &mut builder);
        let runtime = build(builder, Placement::new(plan)?, plan.worker_count, &job)?;
        Ok(pool(runtime, None, job, plan))
    }
}

/// Whether all workers of a runtime could be started; set as soon as this is known.
type AreComplete = OnceLock<bool>;

thread_local! {
    /// The state of the runtime that this thread is building.
    static BUILDING: RefCell<Option<Arc<AreComplete>>> = const { RefCell::new(None) };
}

/// Builds a runtime with all its workers.
///
/// If the system refuses a thread, tokio panics. While it unwinds it waits for the workers that were started, and
/// these wait for work, so it would never return. The workers are therefore held until all are there. If one is
/// missing, the panic hook sends them away before anything waits for them.
fn build(
    mut builder: Builder,
    placement: Placement,
    worker_count: usize,
    job: &Arc<Job>,
) -> io::Result<Runtime> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let other_panics = panic::take_hook();
        panic::set_hook(Box::new(move |info| match BUILDING.take() {
            // Fails only if it is already known, and then no worker waits.
            Some(are_complete) => drop(are_complete.set(false)),
            None => other_panics(info),
        }));
    });
    let are_complete = Arc::new(AreComplete::new());
    let started_count = Arc::new(AtomicUsize::new(0));
    builder.worker_threads(worker_count).on_thread_start({
        let (are_complete, next) = (Arc::clone(&are_complete), Arc::clone(&started_count));
        enter_in_turn(placement, next, are_complete, Arc::clone(job))
    });
    BUILDING.set(Some(Arc::clone(&are_complete)));
    let built = panic::catch_unwind(AssertUnwindSafe(|| builder.build()));
    BUILDING.take();
    let _ = are_complete.set(matches!(built, Ok(Ok(_))));
    built.unwrap_or_else(|_| {
        let refused = io::Error::from_raw_os_error(libc::EAGAIN);
        // Relaxed: the workers that were started have ended and have been joined.
        let index = started_count.load(Ordering::Relaxed);
        Err(cannot_start_worker(index, worker_count, &refused))
    })
}

/// Makes each thread that calls it the next worker, once all workers are there.
fn enter_in_turn(
    placement: Placement,
    next: Arc<AtomicUsize>,
    are_complete: Arc<AreComplete>,
    job: Arc<Job>,
) -> impl Fn() + Send + Sync + 'static {
    move || {
        // Relaxed: each call only needs a different number.
        let index = next.fetch_add(1, Ordering::Relaxed);
        if !*are_complete.wait() {
            // Ends the thread without a message: the error reports the worker that is missing.
            panic::resume_unwind(Box::new("the runtime is incomplete"));
        }
        // Threads for blocking calls come after the workers, and are none.
        if index < placement.worker_count() {
            enter(&placement, index, &job);
        }
    }
}

/// Spawns on the runtime that the calling thread belongs to.
#[derive(Default)]
pub(super) struct TokioSpawner {
    /// The run is over or has failed.
    over: Notify,
}

impl Spawner for TokioSpawner {
    #[inline]
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(future);
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        sleep(duration)
    }

    fn end(&self) {
        self.over.notify_one();
    }
}

/// Makes `builder` enable what the tasks of `job` need.
pub(super) fn enable_for(job: &Job, builder: &mut Builder) {
    if job.any_waits() {
        builder.enable_time();
    }
    // Without descriptors to watch, an idle worker parks on a condition, which wakes faster.
    if job.kernel().awaits_descriptors() {
        builder.enable_io();
    }
}

/// A pool that runs `job` on `runtime`, whose tasks run on the calling thread if that is `lent`.
pub(super) fn pool(
    runtime: Runtime,
    lent: Option<Lent>,
    job: Arc<Job>,
    plan: &PoolPlan,
) -> Box<dyn Pool> {
    let run = Spawning::new(Arc::clone(&job), plan, TokioSpawner::default());
    pool_fn(job, move |job| {
        // The pool keeps the calling thread until it is dropped.
        let _ = &lent;
        if job.recursion().is_some() {
            return spawning::run_recursion(&runtime, job);
        }
        runtime.block_on(async {
            if run.begin() {
                run.spawner().over.notified().await;
            }
        });
        job.outcome()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::support::fixture::Pass;
    use crate::backend::support::spawning::execute_waiting;
    use crate::graph::{TaskGraphBuilder, TaskId};

    #[test]
    fn a_runtime_without_a_worker_is_an_error() {
        let graph = TaskGraphBuilder::default().finish();
        let job = Arc::new(Job::new(graph, Box::new(Pass)).unwrap());
        let placement = Placement::new(&PoolPlan::plain(&TOKIO, 3)).unwrap();
        let mut builder = Builder::new_multi_thread();
        // No address space can hold such a stack, so the system refuses every thread.
        builder.thread_stack_size(1 << 60);
        let error = build(builder, placement, 3, &job).unwrap_err().to_string();
        assert!(error.starts_with("cannot start worker 1 of 3: "), "{error}");
    }

    #[test]
    fn a_waiting_task_takes_256_bytes_of_tokio() {
        // What tokio adds to a future on 64-bit machines: a header, a link to the scheduler and a trailer.
        const TOKIO_BYTES: usize = 104;
        let graph = TaskGraphBuilder::default().finish();
        let job = Arc::new(Job::new(graph, Box::new(Pass)).unwrap());
        let run = Spawning::new(job, &PoolPlan::plain(&TOKIO, 1), TokioSpawner::default());
        let future = execute_waiting(run, TaskId(0));
        let byte_count = size_of_val(&future) + TOKIO_BYTES;
        assert!(byte_count <= 256, "{byte_count}");
    }
}
