//! Tasks that an idle worker keeps for itself. The protocol is in [`pending`](super::pending).

use super::{Halt, Job};
use crate::graph::TaskId;

/// A task that is kept for the worker that holds this, see [`Job::execute_or_reserve`]. Without it the run does not
/// end.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Reserved {
    task: TaskId,
}

impl Reserved {
    /// The task, whose inputs are all there.
    pub fn into_task(self) -> TaskId {
        self.task
    }
}

impl Job {
    /// As [`execute`](Job::execute), for workers that look for other work when a task has made nothing ready. If this
    /// worker has none either, which `is_idle` is asked, the last of several dependents is kept for it, where just one
    /// of its inputs is missing. The worker may run it as soon as [`awaited_input`](Job::awaited_input) is there; no
    /// other will. It must [`release`](Job::release) it before it does anything else or parks. Nothing is kept without
    /// `may_reserve`, which is asked first and costs next to nothing.
    ///
    /// A task that is kept can run, and what follows from it, before the call that made its last input has returned,
    /// and that call still writes the task's count. So a run must not be taken for over before all these calls have
    /// returned: it does not do to watch the last tasks alone.
    ///
    /// # Errors
    ///
    /// As [`run`](Job::run).
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
        // A task with one dependent is taken for a part of a fan-in: whoever makes the last input has nothing else to go
        // on with, and that input at hand. In one step with the count: in between the line would go to that worker.
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
    pub fn awaited_input(&self, reserved: &Reserved) -> Option<TaskId> {
        // All but one had been counted when the task was reserved, and this worker has seen that: so they are all there.
        let predecessors = self.graph.predecessors(reserved.task).iter();
        predecessors.copied().find(|task| !self.is_done(*task))
    }

    /// Gives a reserved task back, unless it has become ready: then it is returned, and the caller's to run.
    pub fn release(&self, reserved: Reserved) -> Option<TaskId> {
        let is_given_back = self.slots.pending(reserved.task).release();
        (!is_given_back).then_some(reserved.task)
    }
}
