//! The end of a run on the executors of smol, which do not cancel their tasks.

use async_channel::{Receiver, Sender, bounded};
use event_listener::Event;
use futures_lite::future::or;

use crate::execute::{Halt, Job};

/// Tells the caller that a run is over or has failed, and tasks that wait that it has failed.
pub(in crate::backend) struct RunEnd {
    over: Sender<()>,
    failed: Event,
}

impl RunEnd {
    /// The end, and what the caller waits for.
    pub(in crate::backend) fn new() -> (Self, Receiver<()>) {
        let (over, is_over) = bounded(1);
        let failed = Event::new();
        (Self { over, failed }, is_over)
    }

    /// Awaits `work`, a task of `job`, until the job has failed.
    pub(in crate::backend) async fn awaits(
        &self,
        job: &Job,
        work: impl Future<Output = Result<(), Halt>>,
    ) -> Result<(), Halt> {
        // It listens before it looks, so a failure after that reaches it.
        let failed = self.failed.listen();
        job.outcome()?;
        let stopped = async {
            failed.await;
            Err(Halt)
        };
        or(work, stopped).await
    }

    /// The run is over or has failed. If it is over, no task waits.
    pub(in crate::backend) fn tell(&self) {
        self.failed.notify(usize::MAX);
        // It is full if the run has failed more than once.
        let _ = self.over.try_send(());
    }
}
