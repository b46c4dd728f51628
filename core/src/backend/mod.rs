//! The two traits of a runtime, and the plan that it receives.
//!
//! Backends decide where and when tasks run. A backend never times a run and never decides what a task does. It
//! calls [`Job::execute`] exactly once for every task that is ready, and makes sure that the dependents which this
//! makes ready run too.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::execute::{Ending, Halt, Job};
use crate::graph::{TaskGraph, TaskId};
use crate::kernel::{Setting, Sharing, Venue};
use crate::parameter::{Parameter, Parameters};

mod backend_fn;
mod cores;
mod family;
mod placement;
mod pool_fn;
mod verify;

pub use backend_fn::backend_fn;
pub use cores::Cores;
pub use family::Family;
pub use placement::{Lent, Placement};
pub use pool_fn::pool_fn;
pub use verify::verify_runs;

/// A way to run task graphs.
pub trait Backend: Sync {
    /// The name on the command line and in records.
    fn name(&self) -> &'static str;

    /// A description in one line.
    fn why(&self) -> &'static str;

    /// Whether its workers share one address space.
    fn sharing(&self) -> Sharing {
        Sharing::Threads
    }

    /// What it runs its tasks on.
    fn family(&self) -> Family {
        match self.sharing() {
            Sharing::Threads => Family::Threads,
            Sharing::Processes => Family::Processes,
        }
    }

    /// The async runtime whose timers and primitives its tasks can await, such as `tokio`; `None` if its tasks are not
    /// awaited, or if no kernel knows the runtime. Such a kernel is not applicable.
    fn runtime(&self) -> Option<&'static str> {
        None
    }

    /// Whether commands run it if no backend is named.
    fn is_default(&self) -> bool {
        true
    }

    /// Checks that this system allows what the backend needs.
    ///
    /// # Errors
    ///
    /// Why the backend cannot run here, in a sentence.
    fn check_system(&self) -> Result<(), String> {
        Ok(())
    }

    /// The number of workers, if the backend supports only one number.
    fn fixed_worker_count(&self) -> Option<usize> {
        None
    }

    /// How many tasks can be in progress at once with this many workers; `None` if there is no limit. `waits` says
    /// whether tasks only wait. Async backends let any number of such tasks wait at once.
    fn parallelism(&self, worker_count: usize, waits: bool) -> Option<usize> {
        let _ = waits;
        Some(worker_count)
    }

    /// Why it cannot run tasks that only wait for a time; `None` if it can. Such a kernel is not applicable, and
    /// [`start`](Backend::start) must refuse it.
    fn why_not_wait(&self) -> Option<&'static str> {
        None
    }

    /// What it can do with the first dependent that a task makes ready. Empty if it has no choice. The first entry
    /// is the default.
    fn continuations(&self) -> &'static [Continuation] {
        &[]
    }

    /// Options of this backend, such as the size of a window.
    fn options(&self) -> &'static [Parameter] {
        &[]
    }

    /// Whether it binds its workers to cores with [`PoolPlan::enter`] if [`PoolPlan::pin`] is set. With `--pin=auto`, a
    /// backend that cannot do this is not asked to. With `--pin`, a backend fails if its workers turn out not to be
    /// bound.
    fn can_pin(&self) -> bool {
        false
    }

    /// Whether it runs graphs that are known beforehand.
    fn runs_graphs(&self) -> bool {
        true
    }

    /// Whether it runs recursive programs, see [`Job::recursion`]. Workers must then be able to spawn tasks and wait for
    /// them.
    fn runs_recursion(&self) -> bool {
        false
    }

    /// Why it does not run recursive programs, if it does not. The words follow its name and a colon.
    fn why_no_recursion(&self) -> &'static str {
        "its tasks are those of a graph that is known beforehand"
    }

    /// Where `task_count` tasks run with this many workers.
    fn venue(&self, task_count: u64, worker_count: usize) -> Venue<'_> {
        let mut venue = Venue::new(self.name(), task_count, worker_count);
        venue.sharing = self.sharing();
        venue.is_async = self.family() == Family::Async;
        venue.runtime = self.runtime();
        venue.is_fixed = self.fixed_worker_count().is_some();
        venue.parallelism = self.parallelism(worker_count, true);
        venue.why_not_wait = self.why_not_wait();
        venue
    }

    /// Where a kernel for `graph` runs with this many workers. A backend of [`Family::Async`] must run its tasks with
    /// [`Job::run_async`].
    fn setting<'a>(&self, graph: &'a TaskGraph, worker_count: usize) -> Setting<'a> {
        let mut setting = Setting::new(graph, self.sharing(), worker_count);
        setting.is_async = self.family() == Family::Async;
        setting.runtime = self.runtime();
        setting
    }

    /// Starts the workers. They run nothing before [`Pool::run`].
    ///
    /// # Errors
    ///
    /// If the system refuses a thread, a process or memory.
    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>>;
}

/// Workers that are ready to run a job. Dropping it stops them.
pub trait Pool {
    /// Runs the whole graph once. A sample times this call and nothing else.
    ///
    /// # Errors
    ///
    /// [`Halt`] if the run failed; [`Job::failure`] has the reason. The pool can then only be dropped.
    fn run(&mut self) -> Result<(), Halt>;

    /// Returns the deaths of workers since the last call, in all runs that survived them, and clears the list. Empty
    /// if nobody died. It is called once per sample, which may have many runs. A sample with deaths is degraded, and
    /// its figures are kept apart.
    fn take_deaths(&mut self) -> Vec<Death> {
        Vec::new()
    }

    /// The process ids of the workers; empty if the workers are threads of this process.
    fn worker_processes(&self) -> Vec<u32> {
        Vec::new()
    }
}

/// The most workers of one pool: more than any machine has cores, but few enough to start.
pub const MOST_WORKERS: u32 = 4096;

/// How to set up a pool. [`PoolPlan::plain`] makes a plan, whose fields can then be changed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PoolPlan {
    /// How many tasks may run at once; at least 1.
    pub worker_count: usize,
    /// What to do with the first dependent that a task makes ready, if the backend has a choice.
    pub continuation: Continuation,
    /// Whether to bind worker `i` to core `i` modulo the number of cores. [`PoolPlan::enter`] does it.
    pub pin: bool,
    /// How often a task is tried again after its worker process died.
    pub retry_limit: u32,
    /// A worker process that runs one task for longer than this is killed. `None` for no limit.
    pub task_timeout: Option<Duration>,
    /// The values of [`Backend::options`].
    pub options: Parameters,
}

impl PoolPlan {
    /// A plan for this many workers with the defaults: the default continuation and options of `backend`, no
    /// pinning, no retries.
    pub fn plain(backend: &dyn Backend, worker_count: usize) -> Self {
        let continuation = backend.continuations().first().copied();
        let options = Parameters::check(backend.options(), &BTreeMap::new());
        Self {
            worker_count,
            continuation: continuation.unwrap_or(Continuation::Queue),
            pin: false,
            retry_limit: 0,
            task_timeout: None,
            options: options.expect("every option has a default"),
        }
    }

    /// Makes the calling thread worker `index` of `job`: notes it ([`Job::note_worker`]), and binds it to its core if the
    /// plan says so. A thread that the pool has started calls it before its first task. A thread that is only lent to the
    /// pool uses [`Placement::enter_lent`] and [`Job::note_worker`].
    ///
    /// # Errors
    ///
    /// [`Halt`] when the system refuses the core; the job has then failed with this reason.
    pub fn enter(&self, index: usize, job: &Job) -> Result<(), Halt> {
        job.note_worker(index);
        let bound = Placement::new(self).and_then(|placement| placement.enter(index));
        bound.map_err(|error| job.fail(format!("worker {index} cannot be bound: {error}")))
    }
}

/// What a worker does with the first dependent that its task makes ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Continuation {
    /// It goes into the queue like all others.
    Queue,
    /// The worker runs it at once, without a queue.
    Inline,
}

impl Continuation {
    /// All continuations.
    pub const ALL: [Self; 2] = [Self::Queue, Self::Inline];

    /// The name on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Inline => "inline",
        }
    }

    /// The continuation of this name; `None` if there is none.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// A worker process that died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    /// The number of the worker, from 0.
    pub worker: u32,
    /// How it ended.
    pub ending: Ending,
    /// The task that it ran; `None` between two tasks.
    pub task: Option<TaskId>,
    /// How often the task had been tried, including this attempt; 0 without a task.
    pub attempt_count: u32,
}
