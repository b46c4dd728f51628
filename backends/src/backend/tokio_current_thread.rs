//! **Where a worker parks.** The calling thread is the only worker. It waits in the system for timers and descriptors, or
//! on a condition if there are neither. Tasks that are awaited wait at once, as on `tokio`.

use std::io;
use std::sync::Arc;

use tokio::runtime::Builder;

use super::support::worker::enter_lent;
use super::tokio::{enable_for, pool};
use super::{Backend, Continuation, Family, Placement, Pool, PoolPlan};
use crate::execute::Job;

/// The current-thread runtime of `tokio`, with one spawn for each task that becomes ready.
pub const TOKIO_CURRENT_THREAD: TokioCurrentThread = TokioCurrentThread;

/// See [`TOKIO_CURRENT_THREAD`].
#[derive(Debug)]
pub struct TokioCurrentThread;

impl Backend for TokioCurrentThread {
    fn name(&self) -> &'static str {
        "tokio-current-thread"
    }

    fn why(&self) -> &'static str {
        "tokio, current thread: one spawn for each task that becomes ready, all on the calling thread, which parks in its event loop"
    }

    fn family(&self) -> Family {
        Family::Async
    }

    fn runtime(&self) -> Option<&'static str> {
        Some("tokio")
    }

    fn is_default(&self) -> bool {
        false
    }

    fn fixed_worker_count(&self) -> Option<usize> {
        Some(1)
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
        let lent = enter_lent(&Placement::new(plan)?, &job)?;
        let mut builder = Builder::new_current_thread();
        enable_for(&job, &mut builder);
        Ok(pool(builder.build()?, Some(lent), job, plan))
    }
}
