//! The core: what every backend calls for every task.
//!
//! A backend decides where and when a task runs. This module alone decides what running means: fold the outputs of
//! the predecessors into a seed, run the kernel, store the output, count down the dependents, and return those that
//! are now ready. Each step checks the step before it, so a wrong order, a lost task and a task that runs twice are
//! found in every run and not only in tests:
//!
//! | fault | found as |
//! |---|---|
//! | a task runs before an input is available | [`Failure::MissingInput`], when the seed is folded |
//! | a task runs twice | [`Failure::NotOnce`], when it begins; [`Failure::Miscounted`], after the run |
//! | a task is lost | [`Failure::Lost`], after the run, or [`Failure::NotOnce`] in the next run |
//! | an output is wrong | [`Failure::WrongDigest`], after the run |
//! | a byte passed to a dependent is wrong | [`Failure::WrongPayload`], when it is read |

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;

use crate::graph::{TaskGraph, TaskId};
use crate::kernel::{Findings, Kernel};
pub use crate::random::fold;

mod awaited;
mod digest;
mod failure;
mod payload;
mod pending;
mod recovery;
mod recursive;
mod reserve;
mod slots;
mod stages;
mod workers;

pub use digest::{Digest, Seed, VALUE_MASK, expected_digest, expected_task_count};
use failure::FailureCell;
pub use failure::{Ending, Failure, Halt};
pub use payload::Content;
use payload::Payload;
pub use recovery::Remainder;
pub use reserve::Reserved;
use slots::{Slots, Stamp};
use workers::WorkerThreads;

/// The atomics of the protocol under one name, so that a model checker can replace them.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicU32, Ordering};
}

/// A graph, a kernel, and the state of the current run.
///
/// The workers of a backend share one `Job`. A job can run many times, one run after another.
pub struct Job {
    graph: TaskGraph,
    kernel: Box<dyn Kernel>,
    slots: Slots,
    /// The bytes that tasks pass on besides their output words, if any.
    payload: Option<Payload>,
    failure: FailureCell,
    workers: WorkerThreads,
}

/// The most bytes that a task can pass on.
pub const OUTPUT_BYTES_MAX: u32 = 1 << 30;

impl Job {
    /// A job that has not run yet.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new(graph: TaskGraph, kernel: Box<dyn Kernel>) -> io::Result<Self> {
        let slots = Slots::new(&graph)?;
        Ok(Self {
            graph,
            kernel,
            slots,
            payload: None,
            failure: FailureCell::new()?,
            workers: WorkerThreads::default(),
        })
    }

    /// The same job, but each task also passes on `byte_count` bytes, and reads and checks all bytes of its
    /// predecessors. The default is 0; the most is [`OUTPUT_BYTES_MAX`].
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn with_output_bytes(mut self, byte_count: u32) -> io::Result<Self> {
        let payload = || Payload::new(self.graph.task_count(), byte_count);
        self.payload = (byte_count > 0).then(payload).transpose()?;
        Ok(self)
    }

    /// The graph.
    #[inline]
    pub fn graph(&self) -> &TaskGraph {
        &self.graph
    }

    /// The kernel.
    pub fn kernel(&self) -> &dyn Kernel {
        self.kernel.as_ref()
    }

    /// Whether some task waits for time or for other tasks, so that an async backend awaits it. If so, its runtime needs
    /// timers.
    pub fn any_waits(&self) -> bool {
        let mut tasks = self.graph.tasks();
        self.kernel.is_awaited() || tasks.any(|task| self.kernel.wait(task).is_some())
    }

    /// Makes the seeds of the following runs depend on `nonce`, so that no output can be remembered from runs with
    /// another one. The nonce of a new job is 0. Nothing may be running.
    pub fn set_nonce(&self, nonce: u64) {
        self.slots.set_nonce(nonce);
    }

    /// Begins the next run. The caller must make sure that nothing is running, and must hand over the start to its
    /// workers with release and acquire.
    ///
    /// The numbers of runs repeat, so every 32,768 runs this first checks that the previous run left nothing undone.
    /// A fault that it finds is in [`failure`](Job::failure), and the new run will not verify.
    pub fn begin_run(&self) {
        if self.slots.is_check_due() {
            self.check_last_run();
        }
        self.slots.begin_run();
    }

    // Cold: called once per 32,768 runs.
    #[cold]
    fn check_last_run(&self) {
        if let Err(failure) = self.slots.verify(&self.graph) {
            self.failure.set(&failure);
        }
    }

    /// Runs `task`: checks its inputs, does its work, stores its output. It does not count down the dependents: a
    /// backend that watches [`is_done`](Job::is_done) needs no counting.
    ///
    /// # Errors
    ///
    /// [`Halt`] if the run has failed; [`failure`](Job::failure) has the reason.
    // Always inline: the call and the registers that it saves take a seventh of the time of an empty task.
    #[inline(always)]
    pub fn run(&self, task: TaskId) -> Result<(), Halt> {
        if self.payload.is_some() {
            return self.run_with_payload(task);
        }
        let stamp = self.slots.stamp();
        let seed = self.seed(task, stamp)?;
        let value = self.work(task, seed)?;
        self.store(task, value, stamp)
    }

    /// Counts `task` as finished for its dependents, and calls `ready` for each dependent that may now run.
    #[inline]
    pub fn complete(&self, task: TaskId, mut ready: impl FnMut(TaskId)) {
        for &successor in self.graph.successors(task) {
            if self.slots.count_down(&self.graph, successor) {
                ready(successor);
            }
        }
    }

    /// [`run`](Job::run), then [`complete`](Job::complete): what most backends call for every task.
    ///
    /// # Errors
    ///
    /// As for [`run`](Job::run).
    #[inline]
    pub fn execute(&self, task: TaskId, ready: impl FnMut(TaskId)) -> Result<(), Halt> {
        self.run(task)?;
        self.complete(task, ready);
        Ok(())
    }

    /// The bytes that `task` passes on, as words; empty if there are none. For backends that copy them from one
    /// memory to another.
    pub fn payload(&self, task: TaskId) -> &[AtomicU64] {
        self.payload
            .as_ref()
            .map_or(&[], |payload| payload.of(task))
    }

    /// Whether `task` has finished in this run. If it has, what it wrote is visible to the caller.
    #[inline]
    pub fn is_done(&self, task: TaskId) -> bool {
        self.slots.value(task, self.slots.stamp()).is_some()
    }

    /// For use after workers have died in this run: corrects every count from the finished tasks, and returns the
    /// remaining work without the tasks `given_up` and all that depend on them. Nothing may be running.
    pub fn recover(&self, given_up: &[TaskId]) -> Remainder {
        let is_done = |task| self.is_done(task);
        recovery::remainder(&self.graph, is_done, given_up, |reset| {
            self.slots.reset_pending(reset);
        })
    }

    /// Whether the run has failed. A worker that waits for another task must check this too.
    #[inline]
    pub fn is_halted(&self) -> bool {
        self.failure.is_set()
    }

    /// Makes the run fail with this message, unless it has already failed.
    pub fn fail(&self, message: impl Into<String>) -> Halt {
        self.halt(&Failure::Backend {
            message: message.into(),
        })
    }

    /// Makes the run fail for this reason, unless it has already failed. Not for failures that the verifier finds.
    pub fn fail_with(&self, failure: &Failure) -> Halt {
        self.halt(failure)
    }

    /// What [`Pool::run`](crate::backend::Pool::run) returns at the end of a run, when no worker executes a task any more.
    ///
    /// # Errors
    ///
    /// [`Halt`] if the run has failed; [`failure`](Job::failure) has the reason.
    pub fn outcome(&self) -> Result<(), Halt> {
        if self.is_halted() { Err(Halt) } else { Ok(()) }
    }

    /// Why the run failed; `None` if it has not failed.
    pub fn failure(&self) -> Option<Failure> {
        self.failure.get()
    }

    /// Why a run stopped before its end: [`failure`](Job::failure), or a failure that says that the backend gave no
    /// reason.
    pub fn why_halted(&self) -> Failure {
        self.failure().unwrap_or_else(|| Failure::Backend {
            message: "it stopped without giving a reason".into(),
        })
    }

    /// Checks that every task of the run that has just ended ran once, and that neither this run nor any earlier one
    /// failed, even if the backend ignored the failure. Returns the digest of the outputs. Nothing may be running.
    ///
    /// # Errors
    ///
    /// The first fault found.
    pub fn digest(&self) -> Result<u64, Failure> {
        match self.failure() {
            Some(failure) => Err(failure),
            None => self.slots.verify(&self.graph),
        }
    }

    /// Checks the run that has just ended like [`digest`](Job::digest): its digest must be `expected`, that of a serial
    /// run with the same nonce.
    ///
    /// # Errors
    ///
    /// The first fault found.
    pub fn verify(&self, expected: u64) -> Result<(), Failure> {
        let found = self.digest()?;
        if found == expected {
            Ok(())
        } else {
            Err(Failure::WrongDigest { found, expected })
        }
    }

    /// Checks the effects of `run_count` runs other than their outputs. See [`Kernel::verify`].
    ///
    /// # Errors
    ///
    /// What the kernel found wrong.
    pub fn verify_kernel(&self, run_count: u64) -> Result<Findings, Failure> {
        let task_run_count = self.graph.task_count() as u64 * run_count;
        let findings = self.kernel.verify(task_run_count);
        findings.map_err(|message| Failure::Kernel { message })
    }

    /// Checks that `task` is due, and folds its inputs into its seed.
    // Always inline: as for `run`, in every backend.
    #[inline(always)]
    fn seed(&self, task: TaskId, stamp: Stamp) -> Result<u64, Halt> {
        if !self.slots.is_due(task, stamp) {
            return Err(self.not_once(task));
        }
        let mut seed = Seed::new(task, self.slots.nonce());
        for &predecessor in self.graph.predecessors(task) {
            match self.slots.value(predecessor, stamp) {
                Some(value) => seed.fold(value),
                None => return Err(self.missing_input(task, predecessor)),
            }
        }
        Ok(seed.finish())
    }

    /// Makes the kernel do the work of `task`, and returns its output.
    // Always inline: as for `run`.
    #[inline(always)]
    fn work(&self, task: TaskId, seed: u64) -> Result<u64, Halt> {
        let run = AssertUnwindSafe(|| self.kernel.run(task, seed));
        catch_unwind(run).map_err(|panic| self.panicked(task, &*panic))
    }

    // Always inline: as for `run`.
    #[inline(always)]
    fn store(&self, task: TaskId, value: u64, stamp: Stamp) -> Result<(), Halt> {
        let last = self.graph.successors(task).is_empty();
        if self.slots.store(task, value, last, stamp) {
            Ok(())
        } else {
            Err(self.not_once(task))
        }
    }

    /// Records why the run has failed, unless it has already failed, and tells the kernel's tasks to stop waiting.
    #[cold]
    fn halt(&self, failure: &Failure) -> Halt {
        let halt = self.failure.set(failure);
        self.kernel.halt();
        halt
    }

    #[cold]
    fn missing_input(&self, task: TaskId, predecessor: TaskId) -> Halt {
        self.halt(&Failure::MissingInput { task, predecessor })
    }

    #[cold]
    fn not_once(&self, task: TaskId) -> Halt {
        self.halt(&Failure::NotOnce { task })
    }

    #[cold]
    fn panicked(&self, task: TaskId, panic: &(dyn Any + Send)) -> Halt {
        let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
        let message = text.or_else(|| panic.downcast_ref::<String>().cloned());
        self.halt(&Failure::Panicked {
            task,
            message: message.unwrap_or_else(|| "(no message)".into()),
        })
    }
}

/// The most bytes that a job of this size takes, without the memory of its kernel: the graph and its list of
/// sources; one output word, one count and `output_bytes` bytes per task; and one value per task while the expected
/// digest is computed.
pub fn job_byte_len(task_count: u64, edge_count: u64, output_bytes: u32) -> u64 {
    const SOURCE_AND_VALUE: u64 = 4 + 8;
    TaskGraph::byte_len(task_count, edge_count)
        .saturating_add(Slots::byte_len(task_count))
        .saturating_add(Payload::byte_len(task_count, output_bytes))
        .saturating_add(task_count.saturating_mul(SOURCE_AND_VALUE))
}

#[cfg(test)]
mod tests;
