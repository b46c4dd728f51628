//! A pool of forked processes. The README of this folder has the protocol.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::Timespec;
use rustix::process::Pid;

use super::{Backend, Continuation, Pool, PoolPlan};
use crate::execute::{Halt, Job};
use crate::kernel::Sharing;

mod deque;
mod futex;
mod park;
mod process;
mod shared;
mod sources;
#[cfg(test)]
mod test;
mod worker;

use process::WorkerProcess;
use shared::{Phase, Shared};
use worker::Manner;

/// The atomics of this backend, by one name, so that the protocol can be checked with others.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}

/// Forked worker processes over shared memory.
pub const FORK: Fork = Fork;

/// See [`FORK`].
#[derive(Debug)]
pub struct Fork;

/// How many times an idle worker searches before it sleeps, where every worker has a core of its own: some
/// 30 us, about what it takes to be woken from sleep. So an idle spell costs at most twice what the best
/// choice would have cost it (Karlin, Li, Manasse and Owicki, "Empirical studies of competitive spinning",
/// SOSP 1991).
const SPIN_ROUNDS: u32 = 250;

/// How long the coordinator sleeps before it looks whether a worker has died. It bounds how late a death
/// is noticed, and costs two system calls each time.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How long workers that were asked to leave are waited for before they are killed.
const GRACE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

impl Backend for Fork {
    fn name(&self) -> &'static str {
        "fork"
    }

    fn why(&self) -> &'static str {
        "a pool of forked processes: stealing deques in shared memory, parking on futexes"
    }

    fn sharing(&self) -> Sharing {
        Sharing::Processes
    }

    fn continuations(&self) -> &'static [Continuation] {
        &[Continuation::Queue, Continuation::Inline]
    }

    fn start(&self, job: Arc<Job>, plan: PoolPlan) -> io::Result<Box<dyn Pool>> {
        process::require_one_thread()?;
        let cores = process::allowed_cores()?;
        let mut pool = ForkPool {
            shared: Shared::new(job, plan.worker_count)?,
            workers: Vec::with_capacity(plan.worker_count),
        };
        let manner = Manner {
            continuation: plan.continuation,
            // A worker that spins on a core that another needs only keeps it from its work.
            spin_rounds: if plan.worker_count <= cores.len() {
                SPIN_ROUNDS
            } else {
                0
            },
        };
        pool.shared.begin(plan.worker_count as u64);
        for me in 0..plan.worker_count {
            let core = plan.pin.then(|| cores[me % cores.len()]);
            let shared = &pool.shared;
            let worker = WorkerProcess::fork(|| worker::main(shared, me, manner, core))?;
            pool.workers.push(worker);
        }
        match pool.wait() {
            Ok(()) => Ok(Box::new(pool)),
            Err(Halt) => Err(pool.reason()),
        }
    }
}

/// The coordinator's side. It runs no task: a kernel that crashes must not take it along.
struct ForkPool {
    shared: Shared,
    /// Empty once the pool has failed.
    workers: Vec<WorkerProcess>,
}

impl Pool for ForkPool {
    fn run(&mut self) -> Result<(), Halt> {
        if self.workers.is_empty() {
            return Err(Halt);
        }
        let task_count = self.shared.job.graph().task_count() as u64;
        if task_count == 0 {
            return Ok(());
        }
        self.shared.begin(task_count);
        self.shared.hand_out_sources();
        self.wait()
    }

    fn worker_processes(&self) -> Vec<Pid> {
        self.workers.iter().map(|worker| worker.pid).collect()
    }
}

impl ForkPool {
    /// Waits until all that was handed out is done. Has an end even if workers die.
    fn wait(&mut self) -> Result<(), Halt> {
        loop {
            // Before the first sleep this costs nothing: the workers are still waking up.
            if let Some(index) = process::first_ended(&self.workers, AT_ONCE) {
                self.bury(index);
                return Err(Halt);
            }
            if self.shared.phase() == Phase::Going {
                self.shared.wait_at_most(LOOK_INTERVAL);
            }
            match self.shared.phase() {
                Phase::Going => {}
                Phase::Done => return Ok(()),
                Phase::Halted => {
                    self.stop();
                    return Err(Halt);
                }
            }
        }
    }

    /// Records that a worker has died, and stops the others.
    fn bury(&mut self, index: usize) {
        let ran = self.shared.current(index).map_or_else(
            || "between two tasks".into(),
            |task| format!("while it ran task {task}"),
        );
        let dead = self.workers.swap_remove(index);
        let pid = dead.pid;
        let how = dead.reap();
        // If the run has failed already, that reason stands, and this one only followed from it.
        self.shared
            .job
            .fail(format!("worker {index} (process {pid}) {how} {ran}"));
        self.stop();
    }

    /// Ends all workers: asks them to leave, kills those that do not, and leaves no zombie.
    fn stop(&mut self) {
        self.shared.dismiss();
        for worker in &self.workers {
            if process::first_ended(std::slice::from_ref(worker), GRACE).is_none() {
                self.workers.iter().for_each(WorkerProcess::kill);
                break;
            }
        }
        for worker in self.workers.drain(..) {
            worker.reap();
        }
    }

    /// Why the pool could not be started.
    fn reason(&self) -> io::Error {
        match self.shared.job.failure() {
            Some(failure) => io::Error::other(failure),
            None => io::Error::other("the workers could not be started"),
        }
    }
}

impl Drop for ForkPool {
    fn drop(&mut self) {
        self.stop();
    }
}
