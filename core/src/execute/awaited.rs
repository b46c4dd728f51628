//! Tasks that are awaited instead of blocking their worker.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use super::{Halt, Job};
use crate::graph::TaskId;

impl Job {
    /// The async form of [`run`](Job::run): if the kernel only waits, `sleep` is awaited instead.
    ///
    /// # Errors
    ///
    /// As for [`run`](Job::run).
    #[inline]
    pub async fn run_async<F: Future<Output = ()>>(
        &self,
        task: TaskId,
        sleep: impl FnOnce(Duration) -> F,
    ) -> Result<(), Halt> {
        let Some(duration) = self.kernel.wait(task) else {
            return match self.kernel.is_awaited() {
                true => self.run_awaited(task).await,
                false => self.run(task),
            };
        };
        let seed = self.begin(task)?;
        // Even a timer of no duration goes through the runtime, which takes tokio up to a millisecond.
        if !duration.is_zero() {
            sleep(duration).await;
        }
        self.end(task, self.kernel.expected(task, seed))
    }

    /// [`run`](Job::run) for a kernel that [is awaited](crate::kernel::Kernel::is_awaited).
    ///
    /// # Errors
    ///
    /// As for [`run`](Job::run).
    pub async fn run_awaited(&self, task: TaskId) -> Result<(), Halt> {
        let seed = self.begin(task)?;
        let mut work = self.kernel.awaited(task, seed);
        let value = poll_fn(|context| {
            let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
            polled.map_or_else(
                |panic| Poll::Ready(Err(self.panicked(task, &*panic))),
                |polled| polled.map(Ok),
            )
        });
        self.end(task, value.await?)
    }
}
