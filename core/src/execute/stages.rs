//! Runs a task in stages, with its work between them. This is for tasks that pass on bytes, and for backends that await a
//! task. All other tasks go through [`Job::run`], whose stages the compiler sees at once.

use super::slots::Stamp;
use super::{Failure, Halt, Job, Payload};
use crate::graph::TaskId;

impl Job {
    /// What [`run`](Job::run) does before the work of `task`: checks its inputs, and returns its seed.
    ///
    /// # Errors
    ///
    /// As for [`run`](Job::run).
    pub fn begin(&self, task: TaskId) -> Result<u64, Halt> {
        let stamp = self.slots.stamp();
        let seed = self.seed(task, stamp)?;
        if let Some(payload) = &self.payload {
            self.check_payloads(payload, task, stamp)?;
        }
        Ok(seed)
    }

    /// What [`run`](Job::run) does after the work of `task`: stores its output, `value`.
    ///
    /// # Errors
    ///
    /// As for [`run`](Job::run).
    pub fn end(&self, task: TaskId, value: u64) -> Result<(), Halt> {
        let stamp = self.slots.stamp();
        if let Some(payload) = &self.payload {
            payload.write(task, stamp.word(value));
        }
        self.store(task, value, stamp)
    }

    /// [`run`](Job::run) for tasks that pass on bytes.
    // Cold: tasks without bytes pay for only one test.
    #[cold]
    pub(super) fn run_with_payload(&self, task: TaskId) -> Result<(), Halt> {
        let seed = self.begin(task)?;
        let value = self.work(task, seed)?;
        self.end(task, value)
    }

    /// Compares every byte that the predecessors of `task`, which have all finished, have passed on.
    fn check_payloads(&self, payload: &Payload, task: TaskId, stamp: Stamp) -> Result<(), Halt> {
        for &predecessor in self.graph.predecessors(task) {
            let Some(value) = self.slots.value(predecessor, stamp) else {
                return Err(self.missing_input(task, predecessor));
            };
            if let Err(byte) = payload.check(predecessor, stamp.word(value)) {
                return Err(self.halt(&Failure::WrongPayload {
                    task,
                    predecessor,
                    byte,
                }));
            }
        }
        Ok(())
    }
}
