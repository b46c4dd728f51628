//! **The workers** are those of smol's global executor, which `smol::spawn` uses. The variable `SMOL_THREADS` says how
//! many there are, so this backend sets it before the first task is spawned.
//!
//! **Where a worker parks.** Smol decides: one idle worker waits in the system for timers and descriptors, and the others
//! sleep until they are notified. The calling thread waits in `smol::block_on`, where it may also be the one that waits
//! for timers.
//!
//! **Sleeps.** A task that only waits is awaited, as on `tokio`. The timers of smol do not tick.

use std::env;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use smol::Timer;

use super::support::ending::RunEnd;
use super::support::once::Once;
use super::support::spawning::{Spawner, Spawning};
use super::{Backend, Continuation, Family, Pool, PoolPlan, pool_fn};
use crate::execute::{Halt, Job};

/// The global executor of `smol`, with one spawn for each task that becomes ready.
pub const SMOL: Smol = Smol;

/// See [`SMOL`].
#[derive(Debug)]
pub struct Smol;

static WORKERS: Once = Once::new("smol");

impl Backend for Smol {
    fn name(&self) -> &'static str {
        "smol"
    }

    fn why(&self) -> &'static str {
        "smol, global executor: one spawn for each task that becomes ready; one idle worker waits for timers, the others sleep"
    }

    fn family(&self) -> Family {
        Family::Async
    }

    fn runtime(&self) -> Option<&'static str> {
        Some("smol")
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

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let threads = WORKERS.start(plan, || {
            // SAFETY: A process of the harness has one thread before its pool starts. In any other, only C code that
            // reads the environment at this moment could be disturbed: Rust's standard library takes a lock.
            unsafe { env::set_var("SMOL_THREADS", plan.worker_count.to_string()) };
            smol::block_on(smol::spawn(async {}));
        })?;
        // Smol starts its workers first, and then the thread that waits for timers while all of them are busy.
        for (index, thread) in (0..plan.worker_count).zip(threads) {
            job.note_worker_thread(index, thread);
        }
        let (end, over) = RunEnd::new();
        let run = Spawning::new(Arc::clone(&job), plan, SmolSpawner { end });
        Ok(pool_fn(job, move |_| {
            smol::block_on(async {
                if run.begin() {
                    // The sender lives as long as `run`.
                    let _ = over.recv().await;
                }
            });
            run.outcome()
        }))
    }
}

/// Spawns on the global executor.
struct SmolSpawner {
    end: RunEnd,
}

impl Spawner for SmolSpawner {
    #[inline]
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(future).detach();
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
