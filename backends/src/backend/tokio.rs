//! **Where a worker parks.** Tokio decides: one idle worker waits for timers and the others sleep. The calling
//! thread sleeps in `block_on` until the run is over.
//!
//! **The end of a run.** Only tasks without dependents are counted. When they have finished, so has every other
//! task. A count of all tasks would be one more contended cache line.
//!
//! **Sleeps.** A task that only waits is awaited, so any number of such tasks wait at once, whatever the number of
//! workers. For them the number of workers is no limit. The timers of tokio tick once per millisecond, which adds to
//! every sleep.

use std::cell::RefCell;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::{Backend, Continuation, Family, Placement, Pool, PoolPlan};
use crate::execute::{Halt, Job};
use crate::graph::TaskId;
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
        let any_waits = job.kernel().is_awaited()
            || graph.tasks().any(|task| job.kernel().wait(task).is_some());
        let mut builder = Builder::new_multi_thread();
        if any_waits {
            builder.enable_time();
        }
        // Without descriptors to watch, an idle worker parks on a condition, which wakes faster.
        if job.kernel().awaits_descriptors() {
            builder.enable_io();
        }
        let runtime = build(builder, Placement::new(plan)?, plan.worker_count, &job)?;
        let is_last = |task: &TaskId| graph.successors(*task).is_empty();
        let last_count = graph.tasks().filter(is_last).count();
        Ok(Box::new(TokioPool {
            last_count,
            shared: Arc::new(TokioShared {
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
        if let Err(error) = placement.enter(index) {
            job.fail(format!("cannot bind worker {index} to a core: {error}"));
        }
    }
}

struct TokioShared {
    job: Arc<Job>,
    /// Whether the first task made ready runs at once.
    inline: bool,
    /// Whether there are tasks that are awaited. If so, the runtime has timers.
    any_waits: bool,
    /// Tasks without dependents that have not finished in this run.
    last_remaining: AtomicUsize,
    /// The run is over or has failed.
    over: Notify,
}

/// Spawns `task`. This is not an `async fn` because a future cannot contain itself.
fn spawn(shared: Arc<TokioShared>, task: TaskId) {
    if shared.any_waits {
        tokio::spawn(execute_waiting(shared, task));
    } else {
        tokio::spawn(async move { shared.end(execute(&shared, task)) });
    }
}

/// Runs `first`, and with inline continuations the tasks that follow from it.
#[inline]
fn execute(shared: &Arc<TokioShared>, first: TaskId) -> Result<(), Halt> {
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

/// [`execute`] for a kernel with tasks that are awaited. It is a separate function because the space for a timer and
/// the states of a future would take a tenth of the time of an empty task.
///
/// Thousands of these futures exist at once, so each holds no more than it needs during a wait: its arguments, the seed
/// and the timer. Tokio's tasks take multiples of 128 bytes. This one takes 256; with an `async fn` around each wait it
/// would take 384.
#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` holds its arguments twice"
)]
fn execute_waiting(shared: Arc<TokioShared>, mut task: TaskId) -> impl Future<Output = ()> {
    async move {
        loop {
            let ended = match shared.begin(task) {
                Ok(Begun::Waits { duration, seed }) => {
                    // Even a timer of no duration goes through the runtime, which takes up to a millisecond.
                    if !duration.is_zero() {
                        sleep(duration).await;
                    }
                    let value = shared.job.kernel().expected(task, seed);
                    shared.job.end(task, value)
                }
                Ok(Begun::Awaited) => shared.job.run_awaited(task).await,
                Ok(Begun::Done) => Ok(()),
                Err(halt) => Err(halt),
            };
            if ended.is_err() {
                return shared.over.notify_one();
            }
            match shared.complete(task) {
                Some(next) => task = next,
                None => return,
            }
        }
    }
}

/// What must happen to a task that has begun.
enum Begun {
    /// Nothing: it has run.
    Done,
    /// It must wait for this time, and then compute its output from its seed.
    Waits { duration: Duration, seed: u64 },
    /// It must be awaited.
    Awaited,
}

impl TokioShared {
    /// Begins `task`, and runs it if it is not awaited.
    fn begin(&self, task: TaskId) -> Result<Begun, Halt> {
        if self.job.is_halted() {
            return Err(Halt);
        }
        let kernel = self.job.kernel();
        if let Some(duration) = kernel.wait(task) {
            let seed = self.job.begin(task)?;
            return Ok(Begun::Waits { duration, seed });
        }
        if kernel.is_awaited() {
            return Ok(Begun::Awaited);
        }
        self.job.run(task).map(|()| Begun::Done)
    }

    /// Counts `task` as finished, spawns the tasks that it makes ready, and returns the task to run at once.
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
        // AcqRel: each decrement releases what its tasks wrote, and the last one acquires all of it.
        if is_last && self.last_remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.over.notify_one();
        }
        next
    }

    /// Ends the run if `result` is a failure.
    #[inline]
    fn end(&self, result: Result<(), Halt>) {
        if result.is_err() {
            self.over.notify_one();
        }
    }
}

struct TokioPool {
    runtime: Runtime,
    shared: Arc<TokioShared>,
    /// Tasks of the graph without dependents.
    last_count: usize,
}

impl Pool for TokioPool {
    fn run(&mut self) -> Result<(), Halt> {
        let shared = &self.shared;
        if self.last_count == 0 {
            return Ok(());
        }
        // Relaxed: spawning releases it, together with `begin_run`, to the workers.
        shared
            .last_remaining
            .store(self.last_count, Ordering::Relaxed);
        self.runtime.block_on(async {
            for &source in shared.job.graph().sources() {
                spawn(Arc::clone(shared), source);
            }
            shared.over.notified().await;
        });
        shared.job.outcome()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::support::fixture::Pass;
    use crate::graph::TaskGraphBuilder;

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
    fn a_waiting_task_takes_256_bytes_of_the_runtime() {
        // What tokio adds to a future on 64-bit machines: a header, a link to the scheduler and a trailer.
        const TOKIO_BYTES: usize = 104;
        let graph = TaskGraphBuilder::default().finish();
        let shared = Arc::new(TokioShared {
            job: Arc::new(Job::new(graph, Box::new(Pass)).unwrap()),
            inline: false,
            any_waits: true,
            last_remaining: AtomicUsize::new(0),
            over: Notify::new(),
        });
        let future = execute_waiting(shared, TaskId(0));
        let byte_count = size_of_val(&future) + TOKIO_BYTES;
        assert!(byte_count <= 256, "{byte_count}");
    }
}
