//! Recursive programs on the one queue: `backend/support/walking.rs` has the protocol. A worker takes back its own children,
//! newest first. While it waits for a child it takes the newest task of the queue, and when it is idle the oldest, below
//! which there is most.

use super::QueueShared;
use crate::backend::support::children::Places;
use crate::backend::support::walking::{ChildQueue, parent_worker, run_task};
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
            places,
            index,
        };
        run_task(&self.job, places, &mut queue, task)
    }
}

/// A worker that may wait for children.
struct PoolWorkerQueue<'a> {
    shared: &'a QueueShared,
    places: &'a Places,
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
        // Others have pushed tasks behind it. To run those first would put them onto the stack, each on top of the last.
        let is_own = |task: &TaskId| parent_worker(self.places, *task) == Some(self.index);
        let mut state = self.shared.lock();
        let newest = state.queue.iter().rposition(is_own)?;
        state.queue.remove(newest)
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
