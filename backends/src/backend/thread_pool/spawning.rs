//! Recursive programs on the one queue: `backend/support/walking.rs` has the protocol. A worker that waits for a child takes
//! the newest task of the queue, and an idle one the oldest, below which there is most.

use super::QueueShared;
use crate::backend::support::children::Places;
use crate::backend::support::walking::{ChildQueue, run_task};
use crate::execute::Halt;
use crate::graph::TaskId;

impl QueueShared {
    /// Runs the root, or a child that was taken from the queue. Returns whether it was the root.
    pub(super) fn run_spawning(
        &self,
        places: &Places,
        index: usize,
        task: TaskId,
    ) -> Result<bool, Halt> {
        let mut queue = PoolWorkerQueue {
            shared: self,
            index,
        };
        run_task(&self.job, places, &mut queue, task)
    }
}

/// A worker that may wait for children.
struct PoolWorkerQueue<'a> {
    shared: &'a QueueShared,
    index: usize,
}

impl ChildQueue for PoolWorkerQueue<'_> {
    fn me(&self) -> usize {
        self.index
    }

    fn push(&mut self, tasks: impl Iterator<Item = TaskId>) {
        let mut state = self.shared.lock();
        let before = state.queue.len();
        state.queue.extend(tasks);
        let added_count = state.queue.len() - before;
        self.shared.wake(added_count.min(state.sleepers));
    }

    fn pop(&mut self) -> Option<TaskId> {
        self.shared.lock().queue.pop_back()
    }

    fn wait(&mut self, is_done: impl Fn() -> bool) -> Result<Option<TaskId>, Halt> {
        let mut state = self.shared.lock();
        loop {
            if state.closed {
                return Err(Halt);
            }
            if is_done() {
                return Ok(None);
            }
            if let Some(task) = state.queue.pop_back() {
                return Ok(Some(task));
            }
            state = self.shared.sleep(state);
        }
    }

    fn wake(&self, _: usize) {
        // The owner looks for its result under the mutex. It may be any of the sleepers.
        let state = self.shared.lock();
        if state.sleepers > 0 {
            self.shared.work.notify_all();
        }
    }
}
