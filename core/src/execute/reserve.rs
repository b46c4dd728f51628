//! Tasks that an idle worker keeps for itself. [`pending`](super::pending) describes the protocol.

use super::{Halt, Job};
use crate::graph::TaskId;

/// A task kept for the worker that holds this value, see [`Job::execute_or_reserve`]. If the value is dropped, the
/// run does not end.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Reserved {
    task: TaskId,
}

impl Reserved {
    /// The task. All its inputs must be there.
    pub fn into_task(self) -> TaskId {
        self.task
    }
}

impl Job {
    /// Like [`execute`](Job::execute), for workers that look for other work when a task has made nothing ready. If
    /// `is_idle` says that this worker has no other work either, it keeps the last of several dependents, provided
    /// that exactly one of its inputs is missing. The worker may run this task as soon as
    /// [`awaited_input`](Job::awaited_input) is there; no other worker will run it. It must
    /// [`release`](Job::release) the task before it does anything else or parks. Without `may_reserve`, which is
    /// tested first and costs almost nothing, nothing is kept.
    ///
    /// A kept task, and tasks that follow from it, can run before the call that made its last input has returned,
    /// and this call still writes the task's count. A run is therefore not over before all these calls have
    /// returned. Watching only the last tasks is not enough.
    ///
    /// # Errors
    ///
    /// As for [`run`](Job::run).
    #[inline]
    pub fn execute_or_reserve(
        &self,
        task: TaskId,
        may_reserve: bool,
        mut ready: impl FnMut(TaskId),
        is_idle: impl FnOnce() -> bool,
    ) -> Result<Option<Reserved>, Halt> {
        self.run(task)?;
        if !may_reserve {
            self.complete(task, ready);
            return Ok(None);
        }
        let Some((&last, others)) = self.graph.successors(task).split_last() else {
            return Ok(None);
        };
        let mut is_any_ready = false;
        for &successor in others {
            if self.slots.count_down(&self.graph, successor) {
                is_any_ready = true;
                ready(successor);
            }
        }
        // A task with one dependent counts as part of a fan-in: the worker that makes its last input has no other
        // work, and has this input in its cache. Reserve in the same step as the count; otherwise the line would
        // move to that worker in between.
        let is_neighbour = !others.is_empty() && self.graph.predecessors(last).len() > 1;
        if !is_any_ready
            && is_neighbour
            && is_idle()
            && self.slots.pending(last).count_down_and_reserve()
        {
            return Ok(Some(Reserved { task: last }));
        }
        if self.slots.count_down(&self.graph, last) {
            ready(last);
        }
        Ok(None)
    }

    /// The input that a reserved task waits for; `None` if it is there.
    // Called in every turn of a worker that spins.
    #[inline]
    pub fn awaited_input(&self, reserved: &Reserved) -> Option<TaskId> {
        // All inputs except one had been counted when the task was reserved, and this worker has seen the count, so
        // they are all there.
        let predecessors = self.graph.predecessors(reserved.task).iter();
        predecessors.copied().find(|task| !self.is_done(*task))
    }

    /// Gives a reserved task back. Returns `None`, or the task if it has become ready; the caller must then run it.
    pub fn release(&self, reserved: Reserved) -> Option<TaskId> {
        let is_given_back = self.slots.pending(reserved.task).release();
        (!is_given_back).then_some(reserved.task)
    }
}
