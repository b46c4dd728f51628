//! The worker processes of a pool: how they start and leave together.

use std::io;
use std::time::Duration;

use rustix::event::Timespec;
use rustix::process::Pid;

use super::shared::PoolPages;
use super::watch::StuckWatch;
use super::worker::{self, Assignment, WorkerManner};
use super::{GRACE, LOOK_INTERVAL};
use crate::backend::Placement;
use crate::backend::PoolPlan;
use crate::backend::support::process::{self, WorkerProcess};
use crate::execute::Ending;
use crate::graph::TaskId;
use crate::system::limit::cannot_start_worker;

const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// All worker processes, and what is needed to start them again.
pub(super) struct Crew {
    members: Vec<CrewProcess>,
    worker_count: usize,
    /// Threads per process.
    thread_count: usize,
    manner: WorkerManner,
    placement: Placement,
}

/// A process and its workers, which are threads numbered from `first`.
struct CrewProcess {
    process: WorkerProcess,
    first: usize,
    count: usize,
}

/// A process that died.
pub(super) struct DeadProcess {
    /// The first of its workers.
    pub(super) worker: usize,
    pub(super) ending: Ending,
    /// The tasks that its workers had begun and not finished.
    pub(super) tasks: Vec<TaskId>,
}

impl Crew {
    /// A crew without processes.
    pub(super) fn new(
        plan: &PoolPlan,
        thread_count: usize,
        manner: WorkerManner,
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

    /// Starts all processes. `starting` are their first tasks, once these are handed out. No process may exist yet.
    pub(super) fn hire(&mut self, shared: &PoolPages, starting: &[TaskId]) -> io::Result<()> {
        let assignment = |me| Assignment {
            me,
            starting,
            manner: self.manner,
            placement: self.placement,
        };
        // Everything is allocated before the first fork: after a fork, the first write to a page copies it.
        let assignments: Vec<Assignment<'_>> = (0..self.worker_count).map(assignment).collect();
        let processes = assignments.chunks(self.thread_count);
        self.members.reserve(processes.len());
        for assignments in processes {
            let first = assignments[0].me;
            let process = WorkerProcess::fork(|| worker::main(shared, assignments))
                .map_err(|error| cannot_start_worker(first, self.worker_count, &error))?;
            self.members.push(CrewProcess {
                process,
                first,
                count: assignments.len(),
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

    /// Kills processes with a worker that has run one task for too long.
    pub(super) fn kill_stuck(&self, shared: &PoolPages, watch: &mut StuckWatch) {
        for worker in watch.stuck(shared) {
            let member = self.members.iter().find(|member| member.has(worker));
            if let Some(member) = member {
                member.process.kill();
            }
        }
    }

    /// Makes every worker finish its current task and leave. Returns the processes that died before they were asked
    /// to leave, or in the middle of a task. Waits as long as the tasks take, but at most for `task_timeout`.
    pub(super) fn lay_off(
        &mut self,
        shared: &PoolPages,
        task_timeout: Option<Duration>,
    ) -> Vec<DeadProcess> {
        let mut losses = Vec::new();
        while let Some(index) = self.first_ended(AT_ONCE) {
            losses.push(self.members.swap_remove(index).lose(shared));
        }
        if !losses.is_empty() && shared.job.kernel().has_parties() {
            // The others may wait for the dead one, and nothing of theirs can be used.
            self.kill_all();
            return losses;
        }
        shared.dismiss();
        let mut watch = StuckWatch::new(task_timeout);
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

    /// Ends all processes: asks them to leave, kills those that do not, and leaves no zombie.
    pub(super) fn stop(&mut self, shared: &PoolPages) {
        shared.dismiss();
        // The last one first: it was woken last and so it ends last, and then one wait is enough for all.
        while let Some(member) = self.members.pop() {
            if !member.process.ends_within(GRACE) {
                self.members.push(member);
                break;
            }
            member.process.reap();
        }
        self.kill_all();
    }

    /// Kills those processes that have not ended, and leaves no zombie.
    fn kill_all(&mut self) {
        self.members.iter().for_each(|one| one.process.kill());
        for member in self.members.drain(..) {
            member.process.reap();
        }
    }
}

impl CrewProcess {
    fn has(&self, worker: usize) -> bool {
        (self.first..self.first + self.count).contains(&worker)
    }

    /// Reaps it. It has ended.
    fn lose(self, shared: &PoolPages) -> DeadProcess {
        let workers = self.first..self.first + self.count;
        DeadProcess {
            worker: self.first,
            ending: self.process.reap(),
            // A worker can die after it stored the output and before it reported this: that task is done.
            tasks: workers
                .filter_map(|worker| shared.current(worker))
                .filter(|task| !shared.job.is_done(*task))
                .collect(),
        }
    }
}
