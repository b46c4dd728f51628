//! **The workers** are those of the process: may has one scheduler, and `may::config` sets it up before the first
//! coroutine starts. Each task of the graph is a coroutine with a stack of its own, which blocks where a future would be
//! awaited.
//!
//! **Where a worker parks.** Each idle worker waits in `epoll_wait`, for at most 10 ms. It steals when it wakes up, so work
//! that another worker has queued for itself may wait as long. The calling thread sleeps until the run is over.
//!
//! **Sleeps.** Timers are on a thread of their own. A task that has slept goes on there until it blocks again, so a task of
//! work after a sleep can run beside all workers.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use may::coroutine::{self, Coroutine};
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

    fn parallelism(&self, worker_count: usize, waits: bool) -> Option<usize> {
        // A sleeping coroutine occupies no worker.
        (!waits).then_some(worker_count)
    }

    fn continuations(&self) -> &'static [Continuation] {
        &[Continuation::Queue, Continuation::Inline]
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        WORKERS.start(plan, || {
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

    async fn sleep(duration: Duration) {
        keep(coroutine::current());
        coroutine::sleep(duration);
    }

    fn end(&self) {
        // It is full if the run has failed more than once.
        let _ = self.over.try_send(());
    }
}

/// How many handles are kept.
const KEPT_COUNT: usize = 1 << 14;

/// Keeps the handle of a coroutine that is about to sleep, until this many others have done the same.
///
/// While may puts a coroutine to sleep, it still uses the handle after it has set the timer (`Sleep::subscribe` in may
/// 0.3.51). After a short sleep the coroutine may have ended by then, and the memory would belong to somebody else.
fn keep(handle: Coroutine) {
    static KEPT: Mutex<VecDeque<Coroutine>> = Mutex::new(VecDeque::new());
    let mut kept = KEPT.lock().expect("nothing panics under the mutex");
    kept.push_back(handle);
    let oldest = (kept.len() > KEPT_COUNT).then(|| kept.pop_front());
    drop(kept);
    drop(oldest);
}
