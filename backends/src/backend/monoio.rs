//! **The workers** are threads with one runtime of monoio each, on `io_uring`. They do not steal: each task has an owner
//! ([`support::owned`](super::support)).
//!
//! **Where a worker parks.** Each idle worker waits in `io_uring_enter`; a task from another worker wakes it through a
//! descriptor. The calling thread sleeps until the run is over.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use monoio::time::{TimeDriver, sleep};
use monoio::{IoUringDriver, Runtime, RuntimeBuilder};

use super::support::io_uring;
use super::support::owned::{EventLoop, start};
use super::{Backend, Family, Pool, PoolPlan};
use crate::execute::Job;

/// One runtime of `monoio` per worker, and an owner for each task.
pub const MONOIO: Monoio = Monoio;

/// See [`MONOIO`].
#[derive(Debug)]
pub struct Monoio;

impl Backend for Monoio {
    fn name(&self) -> &'static str {
        "monoio"
    }

    fn why(&self) -> &'static str {
        "monoio: one io_uring loop per worker; each task has an owner, nothing is stolen; idle workers wait in io_uring"
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
        start::<MonoioLoop>(job, plan)
    }
}

/// The runtime of a thread.
struct MonoioLoop(Runtime<TimeDriver<IoUringDriver>>);

impl EventLoop for MonoioLoop {
    fn build() -> io::Result<Self> {
        let builder = RuntimeBuilder::<IoUringDriver>::new();
        builder.enable_timer().build().map(Self)
    }

    fn run(mut self, future: impl Future<Output = ()> + 'static) {
        self.0.block_on(future);
    }

    #[inline]
    fn spawn(future: impl Future<Output = ()> + 'static) {
        // Dropping the handle detaches the task.
        drop(monoio::spawn(future));
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> {
        sleep(duration)
    }
}
