//! Recursive programs on the deques in shared pages: `backend/support/walking.rs` has the protocol.

use super::atomic::{Ordering, fence};
use super::worker::Worker;
use crate::backend::support::walking::{ChildQueue, run_task};
use crate::execute::Halt;
use crate::graph::TaskId;

/// The one task of the graph. A worker that dies in any task of the program has died in this one.
const ROOT: TaskId = TaskId(0);

impl Worker<'_> {
    /// Runs the root, or a child of another worker.
    pub(super) fn run_spawning(&mut self, task: TaskId) -> Result<(), Halt> {
        let shared = self.shared;
        let places = shared.children().expect("a recursive program has places");
        shared.set_current(self.me, Some(ROOT));
        // Only the root is a task of the graph, whose end is the end of the run.
        self.finished += u64::from(run_task(&shared.job, places, self, task)?);
        shared.set_current(self.me, None);
        Ok(())
    }
}

impl ChildQueue for Worker<'_> {
    fn me(&self) -> usize {
        self.me
    }

    #[inline]
    fn push(&mut self, tasks: impl Iterator<Item = TaskId>) {
        let mut is_any = false;
        for task in tasks {
            self.own.push(task.0);
            is_any = true;
        }
        if is_any && self.shared.worker_count() > 1 {
            // The waker's fence of the invariant in `park`.
            fence(Ordering::SeqCst);
            self.parking.wake_one();
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<TaskId> {
        self.own.pop().map(|taken| TaskId(taken.task))
    }

    fn wait(&mut self, is_done: impl Fn() -> bool) -> Result<Option<TaskId>, Halt> {
        let is_over = || is_done() || self.shared.job.is_halted();
        let next = self
            .search()
            .or_else(|| self.wait_for_work(self.manner.spin_rounds, is_over));
        let must_end = self.shared.is_leaving() || self.shared.job.is_halted();
        match next.is_none() && must_end {
            true => Err(Halt),
            false => Ok(next),
        }
    }

    fn wake(&self, worker: usize) {
        // The waker's fence of the invariant in `park`: the sleeper searches for its result as for a task.
        fence(Ordering::SeqCst);
        self.parking.wake_worker(worker);
    }
}
