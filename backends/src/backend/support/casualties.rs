//! Records which workers died, which tasks are tried again and which are given up. All process backends use it.

use std::collections::BTreeMap;

use crate::backend::Death;
use crate::execute::{Ending, Failure, Halt, Job};
use crate::graph::TaskId;

/// How many workers may die between two tasks in one run. No task can be blamed for such a death. Without a limit, a
/// worker that dies as soon as it starts would be replaced forever.
const BLAMELESS_LIMIT: u32 = 16;

/// The deaths since they were last taken, and the consequences of the deaths in the current run.
#[derive(Debug, Default)]
pub(in crate::backend) struct Casualties {
    retry_limit: u32,
    /// Kept across runs: they are taken once per sample, and a sample has many runs.
    deaths: Vec<Death>,
    run: Consequences,
}

/// The consequences of the deaths in one run.
#[derive(Debug, Default)]
struct Consequences {
    attempts: BTreeMap<TaskId, u32>,
    given_up: Vec<TaskId>,
    blameless_count: u32,
    has_deaths: bool,
}

impl Casualties {
    pub(in crate::backend) fn new(retry_limit: u32) -> Self {
        Self {
            retry_limit,
            ..Self::default()
        }
    }

    /// Resets the attempts of all tasks. The deaths of earlier runs stay until they are taken.
    pub(in crate::backend) fn begin_run(&mut self) {
        self.run = Consequences::default();
    }

    /// Records the death of `worker` while it ran `task` and had not stored its output. A task that was tried as
    /// often as the limit allows is given up.
    ///
    /// # Errors
    ///
    /// If too many workers died between two tasks. The job then has the reason.
    pub(in crate::backend) fn enter(
        &mut self,
        job: &Job,
        worker: usize,
        ending: Ending,
        task: Option<TaskId>,
    ) -> Result<(), Halt> {
        let run = &mut self.run;
        run.has_deaths = true;
        let attempt_count = task.map_or(0, |task| {
            let count = run.attempts.entry(task).or_default();
            *count += 1;
            *count
        });
        self.deaths.push(Death {
            worker: worker as u32,
            ending,
            task,
            attempt_count,
        });
        if job.kernel().has_parties() {
            return Err(fatal(job, worker, ending, task, attempt_count));
        }
        match task {
            Some(task) if attempt_count > self.retry_limit => run.given_up.push(task),
            Some(_) => {}
            None => run.blameless_count += 1,
        }
        if run.blameless_count > BLAMELESS_LIMIT {
            return Err(job.fail(format!(
                "worker {worker} {ending} between two tasks, like {BLAMELESS_LIMIT} workers before it"
            )));
        }
        Ok(())
    }

    /// Whether any worker died in this run.
    pub(in crate::backend) fn has_any_in_run(&self) -> bool {
        self.run.has_deaths
    }

    /// The tasks that must not be tried again.
    pub(in crate::backend) fn given_up(&self) -> &[TaskId] {
        &self.run.given_up
    }

    /// The deaths in all runs since the last call.
    pub(in crate::backend) fn take(&mut self) -> Vec<Death> {
        std::mem::take(&mut self.deaths)
    }

    /// The result of a run in which every task that could still run has run.
    ///
    /// # Errors
    ///
    /// If a task was given up. The job then names the first of them.
    pub(in crate::backend) fn verdict(&self, job: &Job) -> Result<(), Halt> {
        let Some(&first) = self.run.given_up.first() else {
            return Ok(());
        };
        // Search from the end: in an earlier run a worker may have died in the same task.
        let mut of_first = self.deaths.iter().rev();
        let last = of_first.find(|death| death.task == Some(first));
        let last = last.expect("a task is given up only when a death is recorded");
        Err(job.fail_with(&Failure::WorkerDied {
            task: first,
            worker: last.worker,
            ending: last.ending,
            attempt_count: last.attempt_count,
        }))
    }
}

/// Makes the run fail because of a death: the tasks wait for each other, so no other can take the place of the dead one.
fn fatal(
    job: &Job,
    worker: usize,
    ending: Ending,
    task: Option<TaskId>,
    attempt_count: u32,
) -> Halt {
    match task {
        Some(task) => job.fail_with(&Failure::WorkerDied {
            task,
            worker: worker as u32,
            ending,
            attempt_count,
        }),
        None => job.fail(format!(
            "worker {worker} {ending} between two tasks, and tasks that wait for each other cannot go on without it"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::support::fixture::Pass;
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
    fn a_new_run_has_all_tries_again() {
        let job = job();
        let mut casualties = Casualties::new(0);
        casualties.enter(&job, 0, KILLED, Some(TaskId(0))).unwrap();
        casualties.begin_run();
        assert!(!casualties.has_any_in_run());
        assert_eq!(casualties.verdict(&job), Ok(()));
    }

    #[test]
    fn deaths_stay_until_they_are_taken() {
        let job = job();
        let mut casualties = Casualties::new(1);
        for worker in 0..3 {
            casualties.begin_run();
            casualties
                .enter(&job, worker, KILLED, Some(TaskId(0)))
                .unwrap();
        }
        casualties.begin_run();
        let deaths = casualties.take();
        let told: Vec<_> = deaths
            .iter()
            .map(|one| (one.worker, one.attempt_count))
            .collect();
        assert_eq!(told, [(0, 1), (1, 1), (2, 1)]);
        assert_eq!(casualties.take(), []);
    }
}
