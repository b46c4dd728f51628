//! Recursive programs on the deques: `backend/support/walking.rs` has the protocol.

use super::DequeWorker;
use crate::backend::support::walking::{ChildQueue, run_task};
use crate::backend::support::worker::Spin;
use crate::execute::Halt;
use crate::graph::TaskId;
use std::sync::Arc;

impl DequeWorker {
    /// Executes the root, or a child of another worker.
    pub(super) fn execute_spawning(&mut self, task: TaskId) -> Result<(), Halt> {
        let (job, shared) = (Arc::clone(&self.job), Arc::clone(&self.shared));
        let places = shared
            .places
            .as_ref()
            .expect("a recursive program has places");
        // Only the root is a task of the graph, whose end is the end of the run.
        self.executed += usize::from(run_task(&job, places, self, task)?);
        Ok(())
    }
}

impl ChildQueue for DequeWorker {
    fn me(&self) -> usize {
        self.index
    }

    #[inline]
    fn push(&mut self, tasks: impl Iterator<Item = TaskId>) {
        let mut count = 0;
        for task in tasks {
            self.deque.push(task);
            count += 1;
        }
        self.offer(count);
    }

    #[inline]
    fn pop(&mut self) -> Option<TaskId> {
        self.deque.pop()
    }

    fn wait(&mut self, is_done: impl Fn() -> bool) -> Result<Option<TaskId>, Halt> {
        let next = self.deque.pop().or_else(|| {
            let spin = Spin::new(&self.shared.placement);
            self.await_task(spin, |_| is_done())
        });
        match next.is_none() && self.shared.is_closed() {
            true => Err(Halt),
            false => Ok(next),
        }
    }

    fn wake(&self, worker: usize) {
        self.shared.sleepers.wake_worker(worker);
    }
}
