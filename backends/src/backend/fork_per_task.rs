//! One process per task: forked when the task is ready, and ended when the task is done.
//!
//! **Who does what.** The coordinator is the process that runs the graph. It has the queue of ready tasks and the
//! counts of the dependents, and forks while a seat is free. There is one seat for each worker of the plan, and the
//! number of the seat is the number of the worker. A child runs one task, stores the output in shared memory, and
//! leaves with `_exit`: with 0, or with 1 if the run has failed.
//!
//! **Where it waits.** The coordinator waits in one `poll` over the process descriptors of all children. A child
//! never waits.
//!
//! **What follows from a death.** The output is stored by a single write, and only the coordinator counts. A child
//! that dies therefore leaves its task either done or not begun:
//!
//! | the child dies | then |
//! |---|---|
//! | before the output is stored, by a signal or an exit of its own | the task is blamed, and is tried again or given up |
//! | after the output is stored | the task is done; the death is recorded, and no task is blamed |
//! | because it took longer than the plan allows, and was killed | as above |
//! | with the run halted (a panic in a kernel, a wrong order) | the run ends: every other child is killed |
//!
//! Dependents of a task that was given up never become ready. Everything else runs, and then the run fails.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use super::support::casualties::Casualties;
use super::support::process::{self, Deadline, WorkerProcess};
use super::{Backend, Death, Placement, Pool, PoolPlan};
use crate::execute::{Ending, Halt, Job};
use crate::graph::TaskId;
use crate::kernel::Sharing;
use crate::system::limit::cannot_start_worker;

/// One process per task.
pub const FORK_PER_TASK: ForkPerTask = ForkPerTask;

/// See [`FORK_PER_TASK`].
#[derive(Debug)]
pub struct ForkPerTask;

impl Backend for ForkPerTask {
    fn name(&self) -> &'static str {
        "fork-per-task"
    }

    fn why(&self) -> &'static str {
        "one forked process per task: the cost of isolation when nothing is reused"
    }

    fn sharing(&self) -> Sharing {
        Sharing::Processes
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn why_no_recursion(&self) -> &'static str {
        "only the coordinator forks, to see every death, so a task cannot spawn others"
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        process::require_one_thread()?;
        Ok(Box::new(PerTaskPool {
            placement: Placement::new(plan)?,
            task_timeout: plan.task_timeout,
            casualties: Casualties::new(plan.retry_limit),
            ready: VecDeque::new(),
            free_seats: (0..plan.worker_count).rev().collect(),
            running: Vec::with_capacity(plan.worker_count),
            job,
        }))
    }
}

struct PerTaskPool {
    job: Arc<Job>,
    placement: Placement,
    task_timeout: Option<Duration>,
    casualties: Casualties,
    ready: VecDeque<TaskId>,
    free_seats: Vec<usize>,
    running: Vec<RunningTask>,
}

/// A task and the process that runs it.
struct RunningTask {
    task: TaskId,
    seat: usize,
    process: WorkerProcess,
    deadline: Option<Deadline>,
}

impl Pool for PerTaskPool {
    fn run(&mut self) -> Result<(), Halt> {
        self.job.outcome()?;
        self.casualties.begin_run();
        self.ready.extend(self.job.graph().sources());
        let result = self.work();
        self.stop();
        result?;
        self.casualties.verdict(&self.job)
    }

    fn take_deaths(&mut self) -> Vec<Death> {
        self.casualties.take()
    }
}

impl PerTaskPool {
    /// Runs all tasks that can run.
    fn work(&mut self) -> Result<(), Halt> {
        loop {
            self.fill_seats()?;
            if self.running.is_empty() {
                return Ok(());
            }
            for index in self.wait() {
                let ended = self.running.swap_remove(index);
                self.account(ended)?;
            }
        }
    }

    /// Forks one process for each ready task while seats are free.
    fn fill_seats(&mut self) -> Result<(), Halt> {
        while let (Some(&seat), Some(&task)) = (self.free_seats.last(), self.ready.front()) {
            let (job, placement) = (&self.job, &self.placement);
            let process =
                WorkerProcess::fork(|| process::work(job, seat, placement, || job.run(task)));
            let worker_count = self.free_seats.len() + self.running.len();
            let process = process.map_err(|error| {
                let error = cannot_start_worker(seat, worker_count, &error);
                job.fail(format!("task {task}: {error}"))
            })?;
            self.ready.pop_front();
            self.free_seats.pop();
            self.running.push(RunningTask {
                task,
                seat,
                process,
                deadline: Deadline::after(self.task_timeout),
            });
        }
        Ok(())
    }

    /// Waits until processes have ended, and returns their indices, last first. Kills processes that have run for
    /// too long.
    fn wait(&self) -> Vec<usize> {
        let deadlines = self.running.iter().filter_map(|one| one.deadline);
        let limit = deadlines.min().map(Deadline::left);
        let mut watched: Vec<PollFd<'_>> = self
            .running
            .iter()
            .map(|one| PollFd::new(&one.process, PollFlags::IN))
            .collect();
        process::wait_for_any(&mut watched, limit);
        let has_ended = |index: &usize| !watched[*index].revents().is_empty();
        let ended: Vec<usize> = (0..self.running.len()).rev().filter(has_ended).collect();
        // The next call notices that they have ended.
        let late = |one: &&RunningTask| one.deadline.is_some_and(Deadline::has_passed);
        let late = self.running.iter().filter(late);
        late.for_each(|one| one.process.kill());
        ended
    }

    /// Handles the end of a process.
    fn account(&mut self, ended: RunningTask) -> Result<(), Halt> {
        let RunningTask {
            task,
            seat,
            process,
            ..
        } = ended;
        let ending = process.reap();
        self.free_seats.push(seat);
        if self.job.is_halted() {
            // The failure already has a reason. `fail` waits until it is written, before its writer is killed.
            return Err(self.job.fail(format!("worker {seat} {ending}")));
        }
        if self.job.is_done(task) {
            self.job.complete(task, |ready| self.ready.push_back(ready));
            // Without a status, only the output can tell.
            if matches!(ending, Ending::Exit(0) | Ending::Unknown) {
                return Ok(());
            }
            return self.casualties.enter(&self.job, seat, ending, None);
        }
        self.casualties.enter(&self.job, seat, ending, Some(task))?;
        if !self.casualties.given_up().contains(&task) {
            self.ready.push_front(task);
        }
        Ok(())
    }

    /// Ends all processes, and leaves no zombie.
    fn stop(&mut self) {
        self.ready.clear();
        self.running.iter().for_each(|one| one.process.kill());
        for one in self.running.drain(..) {
            self.free_seats.push(one.seat);
            one.process.reap();
        }
    }
}

impl Drop for PerTaskPool {
    fn drop(&mut self) {
        self.stop();
    }
}
