//! What becomes of tasks whose workers died: who is tried again, who is given up, and what is told of it.
//! One ledger for all process backends.

use std::collections::BTreeMap;

use crate::execute::{Ending, Failure, Halt, Job};
use crate::graph::TaskId;

/// Deaths of workers between two tasks that a run bears. Nobody can be blamed for those, and without a
/// bound a worker that dies as soon as it starts would be replaced for ever.
const BLAMELESS_LIMIT: u32 = 16;

/// A worker process that died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    /// The number of the worker, from 0.
    pub worker: u32,
    /// How it ended.
    pub ending: Ending,
    /// The task that it ran; `None` between two tasks.
    pub task: Option<TaskId>,
    /// How often the task had been tried then, this time included; 0 without a task.
    pub attempt_count: u32,
}

/// The deaths of one run, and what follows from them.
#[derive(Debug, Default)]
pub(super) struct Casualties {
    retry_limit: u32,
    attempts: BTreeMap<TaskId, u32>,
    deaths: Vec<Death>,
    given_up: Vec<TaskId>,
    blameless_count: u32,
}

impl Casualties {
    pub(super) fn new(retry_limit: u32) -> Self {
        Self {
            retry_limit,
            ..Self::default()
        }
    }

    /// Forgets the run before.
    pub(super) fn begin_run(&mut self) {
        *self = Self::new(self.retry_limit);
    }

    /// Enters the death of `worker`, while it ran `task` and had not stored its output. A task that was
    /// tried as often as the limit allows is given up.
    ///
    /// # Errors
    ///
    /// When workers keep dying without a task to blame; the job then has the reason.
    pub(super) fn enter(
        &mut self,
        job: &Job,
        worker: usize,
        ending: Ending,
        task: Option<TaskId>,
    ) -> Result<(), Halt> {
        let attempt_count = task.map_or(0, |task| {
            let count = self.attempts.entry(task).or_default();
            *count += 1;
            *count
        });
        self.deaths.push(Death {
            worker: worker as u32,
            ending,
            task,
            attempt_count,
        });
        match task {
            Some(task) if attempt_count > self.retry_limit => self.given_up.push(task),
            Some(_) => {}
            None => self.blameless_count += 1,
        }
        if self.blameless_count > BLAMELESS_LIMIT {
            return Err(job.fail(format!(
                "worker {worker} {ending} between two tasks, and so had {BLAMELESS_LIMIT} workers before it"
            )));
        }
        Ok(())
    }

    /// Whether anyone died in this run.
    pub(super) fn is_empty(&self) -> bool {
        self.deaths.is_empty()
    }

    /// The tasks that are not to be tried again.
    pub(super) fn given_up(&self) -> &[TaskId] {
        &self.given_up
    }

    /// The deaths of the run so far, which are then forgotten.
    pub(super) fn take(&mut self) -> Vec<Death> {
        std::mem::take(&mut self.deaths)
    }

    /// The verdict at the end of a run in which everything that could still run has run.
    ///
    /// # Errors
    ///
    /// When a task was given up; the job then names the first of them.
    pub(super) fn verdict(&self, job: &Job) -> Result<(), Halt> {
        let Some(&first) = self.given_up.first() else {
            return Ok(());
        };
        let mut of_first = self.deaths.iter().rev();
        let last = of_first.find(|death| death.task == Some(first));
        let last = last.expect("a task is given up when a death is entered");
        Err(job.fail_with(&Failure::WorkerDied {
            task: first,
            worker: last.worker,
            ending: last.ending,
            attempt_count: last.attempt_count,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::test::Pass;
    use crate::graph::TaskGraphBuilder;

    fn job() -> Job {
        let mut builder = TaskGraphBuilder::default();
        builder.push([]).unwrap();
        Job::new(builder.finish(), Box::new(Pass)).unwrap()
    }

    const KILLED: Ending = Ending::Signal(9);

    #[test]
    fn a_task_is_given_up_once_it_was_tried_more_often_than_the_limit() {
        let job = job();
        let task = TaskId(0);
        let mut casualties = Casualties::new(1);
        casualties.enter(&job, 0, KILLED, Some(task)).unwrap();
        assert!(casualties.given_up().is_empty());
        assert_eq!(casualties.verdict(&job), Ok(()));

        casualties.enter(&job, 1, KILLED, Some(task)).unwrap();
        assert_eq!(casualties.given_up(), [task]);
        assert_eq!(casualties.verdict(&job), Err(Halt));
        let failure = Failure::WorkerDied {
            task,
            worker: 1,
            ending: KILLED,
            attempt_count: 2,
        };
        assert_eq!(job.failure(), Some(failure));
    }

    #[test]
    fn workers_that_keep_dying_without_a_task_end_the_run() {
        let job = job();
        let mut casualties = Casualties::new(5);
        for _ in 0..BLAMELESS_LIMIT {
            casualties.enter(&job, 0, KILLED, None).unwrap();
        }
        assert_eq!(casualties.enter(&job, 0, KILLED, None), Err(Halt));
        assert!(job.is_halted());
    }

    #[test]
    fn a_new_run_forgets_the_one_before() {
        let job = job();
        let mut casualties = Casualties::new(0);
        casualties.enter(&job, 0, KILLED, Some(TaskId(0))).unwrap();
        casualties.begin_run();
        assert!(casualties.is_empty());
        assert_eq!(casualties.verdict(&job), Ok(()));
    }
}
