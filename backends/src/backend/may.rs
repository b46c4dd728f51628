//! **The workers** are those of the process: may has one scheduler, and `may::config` sets it up before the first
//! coroutine starts. Each task of the graph is a coroutine with a stack of its own, which runs to its end at once.
//!
//! **Where a worker parks.** Each idle worker waits in `epoll_wait`, for at most 10 ms. It steals when it wakes up, so work
//! that another worker has queued for itself may wait as long. The calling thread sleeps until the run is over.
//!
//! **No coroutine may wait.** Where a coroutine is put to sleep, may 0.3.51 writes to it after it has set the timer
//! (`Sleep::subscribe`). The coroutine may have gone on and ended by then, and its memory may belong to somebody else.
//! With `park_timeout` the timer is set before the coroutine can be woken, so one that fires early is lost, and the
//! coroutine waits for ever. A coroutine that runs to its end goes through none of this code.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::task::{Context, Waker};
use std::time::Duration;

use may::go;

use super::support::once::Once;
use super::support::spawning::{Spawner, Spawning};
use super::{Backend, Continuation, Family, Pool, PoolPlan, pool_fn};
use crate::execute::Job;

/// The coroutines of `may`, one for each task that becomes ready.
pub const MAY: May = May;

/// See [`MAY`].
#[derive(Debug)]
pub struct May;

static WORKERS: Once = Once::new("may");

/// Why no task can wait.
const WHY_NOT_WAIT: &str =
    "may 0.3.51 can write to a coroutine that has gone on after a short sleep and has ended";

/// The stack of a coroutine: 128 KiB. The default of 32 KiB is too small for code without optimisation.
const STACK_WORDS: usize = 0x4000;

impl Backend for May {
    fn name(&self) -> &'static str {
        "may"
    }

    fn why(&self) -> &'static str {
        "may: one stackful coroutine for each task that becomes ready; idle workers wait in epoll for at most 10 ms"
    }

    fn family(&self) -> Family {
        Family::Async
    }

    fn is_default(&self) -> bool {
        false
    }

    fn why_not_wait(&self) -> Option<&'static str> {
        Some(WHY_NOT_WAIT)
    }

    fn continuations(&self) -> &'static [Continuation] {
        &[Continuation::Queue, Continuation::Inline]
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        if job.any_waits() {
            let refusal = format!("`may` runs no tasks that wait: {WHY_NOT_WAIT}");
            return Err(io::Error::other(refusal));
        }
        let threads = WORKERS.start(plan, || {
            let config = may::config();
            config
                .set_workers(plan.worker_count)
                .set_stack_size(STACK_WORDS)
                // Worker i to core i modulo the number of cores, as in all other backends.
                .set_worker_pin(plan.pin);
            // Starts the scheduler.
            let first = go!(|| ());
            first.join().expect("it does nothing");
        })?;
        // May starts a thread for its timers first, and then its workers.
        for (index, thread) in threads.into_iter().skip(1).enumerate() {
            job.note_worker_thread(index, thread);
        }
        let (sender, over) = sync_channel(1);
        let run = Spawning::new(Arc::clone(&job), plan, MaySpawner { over: sender });
        Ok(pool_fn(job, move |_| {
            if run.begin() {
                // The sender lives as long as `run`.
                let _ = over.recv();
            }
            run.outcome()
        }))
    }
}

/// Starts coroutines.
struct MaySpawner {
    over: SyncSender<()>,
}

impl Spawner for MaySpawner {
    #[inline]
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        go!(move || {
            let is_ready = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
            assert!(is_ready.is_ready(), "a coroutine blocks and awaits nothing");
        });
    }

    async fn sleep(_: Duration) {
        unreachable!("no task waits: `start` refuses those");
    }

    fn end(&self) {
        // It is full if the run has failed more than once.
        let _ = self.over.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{TaskGraphBuilder, TaskId};
    use crate::kernel::Kernel;

    #[test]
    fn tasks_that_wait_are_refused() {
        struct Waits;
        impl Kernel for Waits {
            fn run(&self, _: TaskId, seed: u64) -> u64 {
                seed
            }
            fn wait(&self, _: TaskId) -> Option<Duration> {
                Some(Duration::ZERO)
            }
        }
        let mut builder = TaskGraphBuilder::default();
        builder.push([]).unwrap();
        let job = Arc::new(Job::new(builder.finish(), Box::new(Waits)).unwrap());
        let error = MAY.start(job, &PoolPlan::plain(&MAY, 1)).err().unwrap();
        assert!(error.to_string().contains("has ended"), "{error}");
    }
}
