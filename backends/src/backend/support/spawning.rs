//! Runs on runtimes that spawn one future for each task that becomes ready.
//!
//! **The end of a run.** Only tasks without dependents are counted. When they have finished, so has every other
//! task. A count of all tasks would be one more contended cache line.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::backend::{Continuation, PoolPlan};
use crate::execute::{Halt, Job};
use crate::graph::TaskId;

/// A runtime that futures are spawned on.
pub(in crate::backend) trait Spawner: Send + Sync + 'static {
    /// Spawns `future`. Nobody waits for it.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static);

    /// A timer of the runtime.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send;

    /// Awaits `work`, a task of `job`. A runtime that does not cancel its tasks must stop waiting when the job has failed,
    /// because what the task waits for may never come.
    fn awaits(
        &self,
        job: &Job,
        work: impl Future<Output = Result<(), Halt>> + Send,
    ) -> impl Future<Output = Result<(), Halt>> + Send {
        let _ = job;
        work
    }

    /// Wakes the caller: the run is over or has failed.
    fn end(&self);
}

/// A job on a runtime.
pub(in crate::backend) struct Spawning<S> {
    job: Arc<Job>,
    /// Whether the first task made ready runs at once.
    inline: bool,
    /// Whether there are tasks that are awaited.
    any_waits: bool,
    /// Tasks of the graph without dependents.
    last_count: usize,
    /// Tasks without dependents that have not finished in this run.
    last_remaining: AtomicUsize,
    spawner: S,
}

/// Spawns `task`. This is not an `async fn` because a future cannot contain itself.
#[inline]
fn spawn<S: Spawner>(run: &Arc<Spawning<S>>, task: TaskId) {
    let held = Arc::clone(run);
    if run.any_waits {
        run.spawner.spawn(execute_waiting(held, task));
    } else {
        run.spawner.spawn(async move { held.execute(task) });
    }
}

/// [`Spawning::execute`] for a kernel with tasks that are awaited. It is a separate function because the space for a timer
/// and the states of a future would take a tenth of the time of an empty task.
///
/// Thousands of these futures exist at once, so each holds no more than it needs during a wait: its arguments, the seed
/// and the timer. Tokio's tasks take multiples of 128 bytes. This one takes 256; with an `async fn` around each wait it
/// would take 384.
#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` holds its arguments twice"
)]
pub(in crate::backend) fn execute_waiting<S: Spawner>(
    run: Arc<Spawning<S>>,
    mut task: TaskId,
) -> impl Future<Output = ()> + Send {
    async move {
        loop {
            let ended = match run.begin_task(task) {
                Ok(Begun::Waits { duration, seed }) => {
                    // Even a timer of no duration goes through the runtime, which takes tokio up to a millisecond.
                    if !duration.is_zero() {
                        S::sleep(duration).await;
                    }
                    let value = run.job.kernel().expected(task, seed);
                    run.job.end(task, value)
                }
                Ok(Begun::Awaited) => {
                    let work = run.job.run_awaited(task);
                    run.spawner.awaits(&run.job, work).await
                }
                Ok(Begun::Done) => Ok(()),
                Err(halt) => Err(halt),
            };
            if ended.is_err() {
                return run.spawner.end();
            }
            match run.complete(task) {
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

impl<S: Spawner> Spawning<S> {
    pub(in crate::backend) fn new(job: Arc<Job>, plan: &PoolPlan, spawner: S) -> Arc<Self> {
        let graph = job.graph();
        let is_last = |task: &TaskId| graph.successors(*task).is_empty();
        Arc::new(Self {
            inline: plan.continuation == Continuation::Inline,
            any_waits: job.any_waits(),
            last_count: graph.tasks().filter(is_last).count(),
            last_remaining: AtomicUsize::new(0),
            spawner,
            job,
        })
    }

    /// Spawns the tasks without inputs. Returns `false` if the graph has no tasks, and then nothing ends.
    pub(in crate::backend) fn begin(self: &Arc<Self>) -> bool {
        // Relaxed: spawning releases it, together with `begin_run`, to the workers.
        self.last_remaining
            .store(self.last_count, Ordering::Relaxed);
        for &source in self.job.graph().sources() {
            spawn(self, source);
        }
        self.last_count > 0
    }

    /// Runs `first`, and with inline continuations the tasks that follow from it.
    #[inline]
    fn execute(self: &Arc<Self>, first: TaskId) {
        let mut next = Some(first);
        while let Some(task) = next {
            if self.job.is_halted() || self.job.run(task).is_err() {
                return self.spawner.end();
            }
            next = self.complete(task);
        }
    }

    /// Begins `task`, and runs it if it is not awaited.
    fn begin_task(&self, task: TaskId) -> Result<Begun, Halt> {
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
                spawn(self, ready);
            }
        });
        let is_last = self.job.graph().successors(task).is_empty();
        // AcqRel: each decrement releases what its tasks wrote, and the last one acquires all of it.
        if is_last && self.last_remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.spawner.end();
        }
        next
    }
}

/// What only tokio needs: there the calling thread waits for something that the spawner has.
#[cfg(feature = "tokio")]
impl<S: Spawner> Spawning<S> {
    pub(in crate::backend) fn spawner(&self) -> &S {
        &self.spawner
    }
}

/// What only runtimes need whose tasks outlive the pool.
#[cfg(any(feature = "async-executor", feature = "may", feature = "smol"))]
impl<S: Spawner> Spawning<S> {
    /// The result of a run that is over or has failed. If it has failed, waits until the tasks that were spawned have found
    /// this out and are gone, because nothing may run when the caller reads the failure. Only the pool may hold `self`
    /// besides them.
    pub(in crate::backend) fn outcome(self: &Arc<Self>) -> Result<(), Halt> {
        /// Failures are rare, so nobody waits for this in a run that counts.
        const PAUSE: Duration = Duration::from_millis(1);
        let result = self.job.outcome();
        while result.is_err() && Arc::strong_count(self) > 1 {
            std::thread::sleep(PAUSE);
        }
        result
    }
}
