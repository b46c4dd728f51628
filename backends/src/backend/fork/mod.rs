//! A pool of forked processes. The README in this folder describes the protocol.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::Timespec;

use super::support::casualties::Casualties;
use super::support::process::{self, EndedChildren};
use super::support::reserving::{RESERVE, Reserving};
use super::{Backend, Continuation, Death, Placement, Pool, PoolPlan};
use crate::execute::{Halt, Job};
use crate::kernel::Sharing;
use crate::parameter::{DefaultValue, Parameter, ParameterKind};

mod crew;
mod deque;
mod futex;
mod park;
mod phase;
mod shared;
mod sources;
mod spawning;
mod watch;
mod worker;

use crew::Crew;
use phase::Phase;
use shared::PoolPages;
use watch::StuckWatch;
use worker::WorkerManner;

/// The atomics of this backend under one name, so that a model checker can replace them.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}

/// Forked worker processes over shared memory.
pub const FORK: Fork = Fork;

/// See [`FORK`].
#[derive(Debug)]
pub struct Fork;

/// How long the coordinator sleeps before it looks for stuck workers. A death interrupts its sleep, unless it comes
/// in the few instructions before the sleep. This limits how late such a death is noticed.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How long to wait for workers that were asked to leave before they are killed.
const GRACE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// More rounds than this take minutes, which is pointless to avoid a wake-up of 20 µs.
const MOST_ROUNDS: u64 = 1_000_000_000;

/// How many times an idle worker searches before it sleeps, if every worker has a core of its own. The default takes
/// about 30 µs, which is about what a wake-up takes. An idle spell therefore costs at most twice the best possible
/// choice (Karlin, Li, Manasse and Owicki, "Empirical studies of competitive spinning", SOSP 1991).
pub(super) const WORKER_SPIN: Parameter = Parameter {
    name: "worker_spin",
    why: "how many times an idle worker searches before it sleeps, if every worker has its own core",
    kind: ParameterKind::Count {
        min: 0,
        max: MOST_ROUNDS,
    },
    default: Some(DefaultValue::Count(250)),
};

/// How many times the coordinator checks whether the run is over before it sleeps.
pub(super) const COORDINATOR_SPIN: Parameter = Parameter {
    name: "coordinator_spin",
    why: "how many times the coordinator checks whether the run is over before it sleeps; uses a core",
    kind: ParameterKind::Count {
        min: 0,
        max: MOST_ROUNDS,
    },
    default: Some(DefaultValue::Count(0)),
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

    fn options(&self) -> &'static [Parameter] {
        &[WORKER_SPIN, COORDINATOR_SPIN, RESERVE]
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn runs_recursion(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        start(job, plan, 1)
    }
}

/// Starts a pool with `thread_count` threads per process; the last process may have fewer.
pub(super) fn start(
    job: Arc<Job>,
    plan: &PoolPlan,
    thread_count: usize,
) -> io::Result<Box<dyn Pool>> {
    process::require_one_thread()?;
    let placement = Placement::new(plan)?;
    // If there are more workers than cores, a spinning worker only takes a core from another.
    let spin_rounds = match placement.is_crowded() {
        true => 0,
        false => plan.options.count(WORKER_SPIN.name),
    };
    let manner = WorkerManner {
        continuation: plan.continuation,
        spin_rounds,
        // An idle worker that sleeps at once could not run the task that it has reserved.
        reserving: Reserving::new(&plan.options, plan.worker_count > 1 && spin_rounds > 0),
    };
    let mut pool = ForkPool {
        shared: PoolPages::new(job, plan.worker_count)?,
        crew: Crew::new(plan, thread_count, manner, placement),
        ended_children: EndedChildren::watch()?,
        casualties: Casualties::new(plan.retry_limit),
        task_timeout: plan.task_timeout,
        spin_rounds: plan.options.count(COORDINATOR_SPIN.name),
        has_failed: false,
    };
    pool.hire_for_runs()?;
    Ok(Box::new(pool))
}

/// The coordinator's side. It runs no tasks, so that a kernel that crashes does not take the coordinator with it.
struct ForkPool {
    shared: PoolPages,
    crew: Crew,
    ended_children: EndedChildren,
    casualties: Casualties,
    task_timeout: Option<Duration>,
    /// How many times the coordinator checks before it sleeps.
    spin_rounds: u64,
    has_failed: bool,
}

/// What ended a wait.
enum RunEvent {
    /// All tasks that were handed out are done.
    Done,
    /// A process has ended without being asked to.
    Died,
}

impl Pool for ForkPool {
    fn run(&mut self) -> Result<(), Halt> {
        if self.has_failed {
            return Err(Halt);
        }
        let result = self.run_or_halt();
        if result.is_err() {
            self.has_failed = true;
            self.crew.stop(&self.shared);
        }
        result
    }

    fn take_deaths(&mut self) -> Vec<Death> {
        // If the other workers finish the run alone, the run does not notice the death. Here no clock is running.
        if !self.has_failed && self.crew.has_ended() && self.replace_the_dead().is_err() {
            self.has_failed = true;
            self.crew.stop(&self.shared);
        }
        self.casualties.take()
    }

    fn worker_processes(&self) -> Vec<u32> {
        self.crew.pids().into_iter().map(process::id).collect()
    }
}

impl ForkPool {
    fn run_or_halt(&mut self) -> Result<(), Halt> {
        self.casualties.begin_run();
        let graph = self.shared.job.graph();
        let task_count = graph.task_count() as u64;
        if task_count == 0 {
            return Ok(());
        }
        let source_count = graph.sources().len();
        self.shared.begin(task_count);
        self.shared.hand_out(source_count);
        while let RunEvent::Died = self.wait()? {
            self.recover()?;
        }
        self.casualties.verdict(&self.shared.job)?;
        if self.casualties.has_any_in_run() {
            // The crew that finished this run knows only the remaining tasks of this run.
            self.replace_the_dead()?;
        }
        Ok(())
    }

    /// Replaces the whole crew by one that is ready for the next run.
    fn replace_the_dead(&mut self) -> Result<(), Halt> {
        self.bury()?;
        self.hire_for_runs()
            .map_err(|error| self.shared.job.fail(error.to_string()))
    }

    /// Starts a crew that begins a run with the sources. No worker may exist yet.
    fn hire_for_runs(&mut self) -> io::Result<()> {
        let sources = self.shared.job.graph().sources();
        self.crew.hire(&self.shared, sources)
    }

    /// Waits until all tasks that were handed out are done, or a worker has died. Returns in either case.
    fn wait(&mut self) -> Result<RunEvent, Halt> {
        let phase = self.shared.phase();
        for _ in 0..self.spin_rounds {
            if phase.get() != Phase::Going {
                break;
            }
            std::hint::spin_loop();
        }
        let mut watch = StuckWatch::new(self.task_timeout);
        let mut is_time_to_look = false;
        loop {
            match phase.get() {
                // The other workers can finish the run without a worker whose setup failed.
                Phase::Done if self.shared.job.is_halted() => return Err(Halt),
                Phase::Done => return Ok(RunEvent::Done),
                Phase::Halted => return Err(Halt),
                Phase::Going => {}
            }
            // A child that ends after this point interrupts the sleep.
            if (self.ended_children.are_news() || is_time_to_look) && self.crew.has_ended() {
                return Ok(RunEvent::Died);
            }
            if is_time_to_look {
                self.crew.kill_stuck(&self.shared, &mut watch);
            }
            is_time_to_look = phase.wait_at_most(LOOK_INTERVAL);
        }
    }

    /// Continues a run in which a worker has died: all others finish their current task and leave, the remaining
    /// work is computed from the finished tasks, and a new crew does it.
    fn recover(&mut self) -> Result<(), Halt> {
        self.bury()?;
        let left = self.shared.job.recover(self.casualties.given_up());
        self.shared.begin(left.task_count);
        if left.task_count == 0 {
            self.shared.phase().done();
            return Ok(());
        }
        self.crew
            .hire(&self.shared, &left.ready)
            .map_err(|error| self.shared.job.fail(error.to_string()))?;
        self.shared.hand_out(left.ready.len());
        Ok(())
    }

    /// Dismisses the crew, records the deaths, and clears the shared words.
    fn bury(&mut self) -> Result<(), Halt> {
        for loss in self.crew.lay_off(&self.shared, self.task_timeout) {
            let tasks = loss.tasks.iter().map(|task| Some(*task));
            let blameless = loss.tasks.is_empty().then_some(None);
            for task in tasks.chain(blameless) {
                self.casualties
                    .enter(&self.shared.job, loss.worker, loss.ending, task)?;
            }
        }
        self.shared.job.outcome()?;
        self.shared.clear();
        Ok(())
    }
}

impl Drop for ForkPool {
    fn drop(&mut self) {
        self.crew.stop(&self.shared);
    }
}

#[cfg(test)]
mod tests;
