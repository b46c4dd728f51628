//! **The workers** are threads with one local executor of glommio each, on `io_uring`. They do not steal: each task has an
//! owner ([`support::owned`](super::support)).
//!
//! **Where a worker parks.** Each idle worker waits in `io_uring_enter`; a task from another worker wakes it through a
//! descriptor. The calling thread sleeps until the run is over.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use glommio::{LocalExecutor, LocalExecutorBuilder, spawn_local, timer};

use super::support::io_uring;
use super::support::owned::{EventLoop, start};
use super::{Backend, Family, Pool, PoolPlan};
use crate::execute::Job;

/// One local executor of `glommio` per worker, and an owner for each task.
pub const GLOMMIO: Glommio = Glommio;

/// See [`GLOMMIO`].
#[derive(Debug)]
pub struct Glommio;

/// The memory for IO that each executor locks. Tasks do no IO through it, and a process may usually lock 8 MiB.
const IO_BYTES: usize = 64 << 10;

impl Backend for Glommio {
    fn name(&self) -> &'static str {
        "glommio"
    }

    fn why(&self) -> &'static str {
        "glommio: one io_uring loop per worker; each task has an owner, nothing is stolen; idle workers wait in io_uring"
    }

    fn family(&self) -> Family {
        Family::Async
    }

    fn is_default(&self) -> bool {
        false
    }

    fn check_system(&self) -> Result<(), String> {
        io_uring::check(self.name())
    }

    fn parallelism(&self, worker_count: usize, waits: bool) -> Option<usize> {
        // Every sleeping task is a timer: any number of them wait at once.
        (!waits).then_some(worker_count)
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        start::<GlommioLoop>(job, plan)
    }
}

/// The executor of a thread.
struct GlommioLoop(LocalExecutor);

impl EventLoop for GlommioLoop {
    fn build() -> io::Result<Self> {
        // The thread is bound to its core, if it is, before it gets here.
        let builder = LocalExecutorBuilder::default().io_memory(IO_BYTES);
        let made = builder.make();
        made.map(Self)
            .map_err(|error| io::Error::other(error.to_string()))
    }

    fn run(self, future: impl Future<Output = ()> + 'static) {
        self.0.run(future);
    }

    #[inline]
    fn spawn(future: impl Future<Output = ()> + 'static) {
        spawn_local(future).detach();
    }

    async fn sleep(duration: Duration) {
        timer::sleep(duration).await;
    }
}
