//! Runs the recursive program of a job.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Failure, Halt, Job, Seed};
use crate::graph::TaskId;
use crate::recursion::{Folded, RecursiveProgram};

/// The one task of the graph: the root of the program.
const ROOT: TaskId = TaskId(0);

impl Job {
    /// The recursive program that the one task of the graph is; `None` if the job is an ordinary graph.
    pub fn recursion(&self) -> Option<&RecursiveProgram> {
        let is_one_task = self.graph.task_count() == 1;
        self.kernel.recursion().filter(|_| is_one_task)
    }

    /// The seed of this run of the program.
    pub fn recursion_seed(&self) -> u64 {
        Seed::new(ROOT, self.slots.nonce()).finish()
    }

    /// Runs the program: `walk` runs all its tasks with the given seed, and returns the result of the root. It is called
    /// once. Like [`run`](Job::run), this does not count anything down.
    ///
    /// # Errors
    ///
    /// [`Halt`] if the run has failed; [`failure`](Job::failure) has the reason.
    pub fn run_recursion(
        &self,
        walk: impl FnOnce(u64) -> Result<Folded, Halt>,
    ) -> Result<(), Halt> {
        let stamp = self.slots.stamp();
        let seed = self.seed(ROOT, stamp)?;
        let root = self.catch_panic(|| walk(seed))??;
        let checked = self
            .recursion()
            .map_or(Ok(()), |program| program.check_root(root));
        checked.map_err(|message| self.halt(&Failure::Kernel { message }))?;
        self.store(ROOT, root.word(), stamp)
    }

    /// Runs tasks of the program on behalf of another worker. A panic becomes the failure of the run.
    ///
    /// # Errors
    ///
    /// [`Halt`] after a panic.
    pub fn catch_panic<T>(&self, work: impl FnOnce() -> T) -> Result<T, Halt> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|panic| self.panicked(ROOT, &*panic))
    }
}
