//! The worker processes of a pool: how they are hired together, and leave together.

use std::io;
use std::time::Duration;

use rustix::event::Timespec;
use rustix::process::Pid;

use super::shared::Shared;
use super::watch::Watch;
use super::worker::{self, Assignment, Manner};
use super::{GRACE, LOOK_INTERVAL};
use crate::backend::Placement;
use crate::backend::PoolPlan;
use crate::backend::process::{self, WorkerProcess};
use crate::execute::Ending;
use crate::graph::TaskId;
use crate::system::limit::cannot_start_worker;

const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// All worker processes, and what it takes to start them anew.
pub(super) struct Crew {
    members: Vec<Member>,
    worker_count: usize,
    /// Threads a process.
    thread_count: usize,
    manner: Manner,
    placement: Placement,
}

/// A process with its workers: threads that are numbered on from `first`.
struct Member {
    process: WorkerProcess,
    first: usize,
    count: usize,
}

/// A process that died.
pub(super) struct Loss {
    /// The first of its workers.
    pub(super) worker: usize,
    pub(super) ending: Ending,
    /// What its workers ran and did not finish.
    pub(super) tasks: Vec<TaskId>,
}

impl Crew {
    /// A crew of nobody yet.
    pub(super) fn new(
        plan: &PoolPlan,
        thread_count: usize,
        manner: Manner,
        placement: Placement,
    ) -> Self {
        Self {
            members: Vec::new(),
            worker_count: plan.worker_count,
            thread_count,
            manner,
            placement,
        }
    }

    pub(super) fn pids(&self) -> Vec<Pid> {
        let members = self.members.iter();
        members.map(|member| member.process.pid).collect()
    }

    /// Starts all processes. Their first tasks, once handed out, are `starting`. Nobody may be there.
    pub(super) fn hire(&mut self, shared: &Shared, starting: &[TaskId]) -> io::Result<()> {
        for first in (0..self.worker_count).step_by(self.thread_count) {
            let count = self.thread_count.min(self.worker_count - first);
            let assignments: Vec<Assignment<'_>> = (first..first + count)
                .map(|me| Assignment {
                    me,
                    starting,
                    manner: self.manner,
                    placement: self.placement,
                })
                .collect();
            let process = WorkerProcess::fork(|| worker::main(shared, &assignments))
                .map_err(|error| cannot_start_worker(first, self.worker_count, &error))?;
            self.members.push(Member {
                process,
                first,
                count,
            });
        }
        Ok(())
    }

    /// Whether a process has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.first_ended(AT_ONCE).is_some()
    }

    fn first_ended(&self, limit: Timespec) -> Option<usize> {
        let processes = self.members.iter().map(|member| &member.process);
        process::first_ended(processes, limit)
    }

    /// Kills processes with a worker that has been at one task for too long.
    pub(super) fn kill_stuck(&self, shared: &Shared, watch: &mut Watch) {
        for worker in watch.stuck(shared) {
            let member = self.members.iter().find(|member| member.has(worker));
            if let Some(member) = member {
                member.process.kill();
            }
        }
    }

    /// Has everyone finish the task in hand and leave, and returns those that died: before they were asked
    /// to leave, or in the middle of a task. Waits as long as the tasks take, but for `task_timeout`.
    pub(super) fn lay_off(&mut self, shared: &Shared, task_timeout: Option<Duration>) -> Vec<Loss> {
        let mut losses = Vec::new();
        while let Some(index) = self.first_ended(AT_ONCE) {
            losses.push(self.members.swap_remove(index).lose(shared));
        }
        shared.dismiss();
        let mut watch = Watch::new(task_timeout);
        let look = Timespec::try_from(LOOK_INTERVAL).expect("well below the largest time");
        while !self.members.is_empty() {
            match self.first_ended(look) {
                Some(index) => {
                    let loss = self.members.swap_remove(index).lose(shared);
                    if loss.ending != Ending::Exit(0) || !loss.tasks.is_empty() {
                        losses.push(loss);
                    }
                }
                None => self.kill_stuck(shared, &mut watch),
            }
        }
        losses
    }

    /// Ends everyone: asks them to leave, kills those that do not, and leaves no zombie.
    pub(super) fn stop(&mut self, shared: &Shared) {
        shared.dismiss();
        for member in &self.members {
            if process::first_ended([&member.process].into_iter(), GRACE).is_none() {
                self.members.iter().for_each(|one| one.process.kill());
                break;
            }
        }
        for member in self.members.drain(..) {
            member.process.reap();
        }
    }
}

impl Member {
    fn has(&self, worker: usize) -> bool {
        (self.first..self.first + self.count).contains(&worker)
    }

    /// Lays it to rest. It has ended.
    fn lose(self, shared: &Shared) -> Loss {
        let workers = self.first..self.first + self.count;
        Loss {
            worker: self.first,
            ending: self.process.reap(),
            // A worker can die after it stored the output and before it said so: that task is done.
            tasks: workers
                .filter_map(|worker| shared.current(worker))
                .filter(|task| !shared.job.is_done(*task))
                .collect(),
        }
    }
}
