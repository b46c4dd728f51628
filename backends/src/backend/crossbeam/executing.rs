//! What a worker does with a task.

use super::DequeWorker;
use crate::backend::Continuation;
use crate::execute::{Halt, Job, Reserved};
use crate::graph::TaskId;

/// How a worker runs a task.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum DequeManner {
    /// It pushes all tasks that it makes ready.
    Queue,
    /// It continues with the first task that it makes ready.
    Inline,
    /// It spawns children and waits for them.
    Spawn,
}

impl DequeManner {
    pub(super) fn new(job: &Job, continuation: Continuation) -> Self {
        match continuation {
            _ if job.recursion().is_some() => Self::Spawn,
            Continuation::Queue => Self::Queue,
            Continuation::Inline => Self::Inline,
        }
    }
}

impl DequeWorker {
    /// Executes `task`, and with inline continuations the tasks that follow from it. These are two functions because
    /// a single one makes tasks of 10 ns 5% slower with `queue`.
    #[inline]
    pub(super) fn execute(&mut self, task: TaskId) -> Result<(), Halt> {
        match self.manner {
            DequeManner::Queue => self.execute_queue(task),
            DequeManner::Inline => self.execute_inline(task),
            DequeManner::Spawn => self.execute_spawning(task),
        }
    }

    /// Stores the reserved task of this worker, if there is one.
    #[inline]
    fn keep(&mut self, reserved: Option<Reserved>) {
        if reserved.is_some() {
            self.reserved = reserved;
        }
    }

    /// Executes `task`, and pushes all tasks that it makes ready.
    #[inline]
    fn execute_queue(&mut self, task: TaskId) -> Result<(), Halt> {
        let mut pushed = 0usize;
        if self.job.is_halted() {
            return Err(Halt);
        }
        let ready = |ready| {
            self.deque.push(ready);
            pushed += 1;
        };
        let is_idle = || self.deque.is_empty();
        let may_reserve = self.reserving.is_on();
        let reserved = self
            .job
            .execute_or_reserve(task, may_reserve, ready, is_idle)?;
        self.keep(reserved);
        self.executed += 1;
        // This worker pops one of them next.
        self.offer(pushed.saturating_sub(1));
        Ok(())
    }

    /// Executes `first`, continues with the first task that it makes ready, and pushes the others.
    #[inline]
    fn execute_inline(&mut self, first: TaskId) -> Result<(), Halt> {
        let mut next = Some(first);
        while let Some(task) = next.take() {
            if self.job.is_halted() {
                return Err(Halt);
            }
            let mut pushed = 0;
            let ready = |ready| {
                if next.is_none() {
                    next = Some(ready);
                } else {
                    self.deque.push(ready);
                    pushed += 1;
                }
            };
            let is_idle = || self.deque.is_empty();
            let may_reserve = self.reserving.is_on();
            let reserved = self
                .job
                .execute_or_reserve(task, may_reserve, ready, is_idle)?;
            self.keep(reserved);
            self.executed += 1;
            self.offer(pushed);
        }
        Ok(())
    }
}
