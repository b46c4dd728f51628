//! The heart: what every backend calls for every task.
//!
//! A backend decides where and when a task runs. What running means is here, once: fold the outputs of
//! the predecessors into a seed, run the kernel, store the output, count down the dependents and hand
//! back those that are now ready. Each step checks the one before it, so a wrong order, a lost task and a
//! task run twice are caught in every run and not only in tests:
//!
//! | fault | caught by |
//! |---|---|
//! | a task runs before an input is there | [`Failure::MissingInput`], when the seed is folded |
//! | a task runs twice | [`Failure::NotOnce`], when it begins; [`Failure::Miscounted`], after the run |
//! | a task is lost | [`Failure::Lost`], after the run, or [`Failure::NotOnce`] in the run that follows |
//! | an output is wrong | [`Failure::WrongDigest`], after the run |
//! | a byte that was handed on is wrong | [`Failure::WrongPayload`], when it is read |

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::graph::{TaskGraph, TaskId};
use crate::kernel::{Findings, Kernel};

mod digest;
mod failure;
mod payload;
mod pending;
mod recovery;
mod reserve;
mod slots;

pub use digest::expected_digest;
use digest::{Digest, SPREAD, Seed};
use failure::FailureCell;
pub use failure::{Ending, Failure, Halt};
use payload::Payload;
pub use recovery::Remainder;
pub use reserve::Reserved;
use slots::{Slots, Stamp};

/// The atomics of the protocol, by one name, so that it can be checked with others.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicU32, Ordering};
}

/// A graph, a kernel, and the state of the run that is going on.
///
/// Backends share one `Job` among their workers. A job runs many times, once after the other.
pub struct Job {
    graph: TaskGraph,
    kernel: Box<dyn Kernel>,
    slots: Slots,
    /// What tasks hand on beside their output words, if anything.
    payload: Option<Payload>,
    failure: FailureCell,
}

/// The most bytes that a task can hand on.
pub const OUTPUT_BYTES_MAX: u32 = 1 << 30;

impl Job {
    /// A job that has not run yet.
    ///
    /// # Errors
    ///
    /// When the system refuses the shared pages.
    pub fn new(graph: TaskGraph, kernel: Box<dyn Kernel>) -> io::Result<Self> {
        let slots = Slots::new(&graph)?;
        Ok(Self {
            graph,
            kernel,
            slots,
            payload: None,
            failure: FailureCell::new()?,
        })
    }

    /// The same job, in which each task hands on `byte_count` bytes beside its output word, and reads and
    /// checks all those of its predecessors. None by default; at most [`OUTPUT_BYTES_MAX`].
    ///
    /// # Errors
    ///
    /// When the system refuses the shared pages.
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

    /// Moves on to the next run. The caller must see to it that nothing is running, and must hand the
    /// start over to its workers with release and acquire.
    ///
    /// Now and then this first checks that the run before left nothing undone, because the numbers of runs repeat;
    /// what it finds is in [`failure`](Job::failure), and the run that begins will not verify.
    pub fn begin_run(&self) {
        if self.slots.is_check_due() {
            self.check_last_run();
        }
        self.slots.begin_run();
    }

    // Cold: once in 32,768 runs.
    #[cold]
    fn check_last_run(&self) {
        if let Err(failure) = self.slots.verify(&self.graph) {
            self.failure.set(&failure);
        }
    }

    /// Runs `task`: checks its inputs, does its work, stores its output. Its dependents are not counted
    /// down; a backend that watches [`is_done`](Job::is_done) needs no counting.
    ///
    /// # Errors
    ///
    /// [`Halt`] when the run has failed; the reason is in [`failure`](Job::failure).
    // Always: the call and what it saves and restores are a seventh of an empty task.
    #[inline(always)]
    pub fn run(&self, task: TaskId) -> Result<(), Halt> {
        if let Some(payload) = &self.payload {
            return self.run_with(payload, task);
        }
        let stamp = self.slots.stamp();
        let seed = self.seed(task, stamp)?;
        let value = self.work(task, seed)?;
        self.store(task, value, stamp)
    }

    /// [`run`](Job::run) where tasks hand on bytes.
    // Cold: one test is all that tasks without bytes pay for those with.
    #[cold]
    fn run_with(&self, payload: &Payload, task: TaskId) -> Result<(), Halt> {
        let stamp = self.slots.stamp();
        let seed = self.seed(task, stamp)?;
        self.check_payloads(payload, task, stamp)?;
        let value = self.work(task, seed)?;
        payload.write(task, stamp.word(value));
        self.store(task, value, stamp)
    }

    /// The async twin of [`run`](Job::run): where the kernel only waits, `sleep` is awaited in its place.
    ///
    /// # Errors
    ///
    /// As [`run`](Job::run).
    #[inline]
    pub async fn run_async<F: Future<Output = ()>>(
        &self,
        task: TaskId,
        sleep: impl FnOnce(Duration) -> F,
    ) -> Result<(), Halt> {
        let Some(duration) = self.kernel.wait(task) else {
            return self.run(task);
        };
        let stamp = self.slots.stamp();
        let seed = self.seed(task, stamp)?;
        if let Some(payload) = &self.payload {
            self.check_payloads(payload, task, stamp)?;
        }
        // A timer of no time would still be a turn through the runtime, a millisecond of it in tokio's.
        if !duration.is_zero() {
            sleep(duration).await;
        }
        let value = self.kernel.expected(task, seed);
        if let Some(payload) = &self.payload {
            payload.write(task, stamp.word(value));
        }
        self.store(task, value, stamp)
    }

    /// Counts `task` as finished for its dependents, and calls `ready` for each that may now run.
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
    /// As [`run`](Job::run).
    #[inline]
    pub fn execute(&self, task: TaskId, ready: impl FnMut(TaskId)) -> Result<(), Halt> {
        self.run(task)?;
        self.complete(task, ready);
        Ok(())
    }

    /// The bytes that `task` hands on, in words; empty if it hands on none. For backends that carry them from
    /// one memory to another.
    pub fn payload(&self, task: TaskId) -> &[AtomicU64] {
        self.payload
            .as_ref()
            .map_or(&[], |payload| payload.of(task))
    }

    /// Whether `task` has finished in this run; what it wrote is then visible to the caller.
    #[inline]
    pub fn is_done(&self, task: TaskId) -> bool {
        self.slots.value(task, self.slots.stamp()).is_some()
    }

    /// After workers have died in this run: puts every count right by what is done, and returns what is
    /// left to do without the tasks `given_up` and all that depend on them. Nothing may be running.
    pub fn recover(&self, given_up: &[TaskId]) -> Remainder {
        let is_done = |task| self.is_done(task);
        recovery::remainder(&self.graph, is_done, given_up, |reset| {
            self.slots.reset_pending(reset);
        })
    }

    /// Whether the run has failed. Whoever waits for another task must look here too.
    #[inline]
    pub fn is_halted(&self) -> bool {
        self.failure.is_set()
    }

    /// Makes the run fail, unless it has failed already.
    pub fn fail(&self, message: impl Into<String>) -> Halt {
        self.failure.set(&Failure::Backend {
            message: message.into(),
        })
    }

    /// Makes the run fail for this reason, unless it has failed already. Not for what the verifier finds.
    pub fn fail_with(&self, failure: &Failure) -> Halt {
        self.failure.set(failure)
    }

    /// What [`Pool::run`](crate::backend::Pool::run) returns for a run in which nothing happens any more.
    ///
    /// # Errors
    ///
    /// [`Halt`] when the run has failed; the reason is in [`failure`](Job::failure).
    pub fn outcome(&self) -> Result<(), Halt> {
        if self.is_halted() { Err(Halt) } else { Ok(()) }
    }

    /// Why the run failed, if it has.
    pub fn failure(&self) -> Option<Failure> {
        self.failure.get()
    }

    /// Why a run stopped before its end: [`failure`](Job::failure), or that the backend gave no reason.
    pub fn why_halted(&self) -> Failure {
        self.failure().unwrap_or_else(|| Failure::Backend {
            message: "it stopped without giving a reason".into(),
        })
    }

    /// Checks the run that has just ended against `expected`, the digest of a serial run, and that neither it nor any
    /// run before has failed, whatever the backend made of it. Nothing may be running.
    ///
    /// # Errors
    ///
    /// What the run got wrong.
    pub fn verify(&self, expected: u64) -> Result<(), Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        let found = self.slots.verify(&self.graph)?;
        if found == expected {
            Ok(())
        } else {
            Err(Failure::WrongDigest { found, expected })
        }
    }

    /// Checks what `run_count` runs have done beyond their outputs. See [`Kernel::verify`].
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
    // Always: as for `run`, in every backend.
    #[inline(always)]
    fn seed(&self, task: TaskId, stamp: Stamp) -> Result<u64, Halt> {
        if !self.slots.is_due(task, stamp) {
            return Err(self.not_once(task));
        }
        let mut seed = Seed::new(task);
        for &predecessor in self.graph.predecessors(task) {
            match self.slots.value(predecessor, stamp) {
                Some(value) => seed.fold(value),
                None => return Err(self.missing_input(task, predecessor)),
            }
        }
        Ok(seed.finish())
    }

    /// Has the kernel do the work of `task`, and returns its output.
    // Always: as for `run`.
    #[inline(always)]
    fn work(&self, task: TaskId, seed: u64) -> Result<u64, Halt> {
        let run = AssertUnwindSafe(|| self.kernel.run(task, seed));
        catch_unwind(run).map_err(|panic| self.panicked(task, &*panic))
    }

    /// Compares every byte that the predecessors of `task` have handed on, which have all finished.
    fn check_payloads(&self, payload: &Payload, task: TaskId, stamp: Stamp) -> Result<(), Halt> {
        for &predecessor in self.graph.predecessors(task) {
            let Some(value) = self.slots.value(predecessor, stamp) else {
                return Err(self.missing_input(task, predecessor));
            };
            if let Err(byte) = payload.check(predecessor, stamp.word(value)) {
                return Err(self.failure.set(&Failure::WrongPayload {
                    task,
                    predecessor,
                    byte,
                }));
            }
        }
        Ok(())
    }

    // Always: as for `run`.
    #[inline(always)]
    fn store(&self, task: TaskId, value: u64, stamp: Stamp) -> Result<(), Halt> {
        let last = self.graph.successors(task).is_empty();
        if self.slots.store(task, value, last, stamp) {
            Ok(())
        } else {
            Err(self.not_once(task))
        }
    }

    #[cold]
    fn missing_input(&self, task: TaskId, predecessor: TaskId) -> Halt {
        self.failure
            .set(&Failure::MissingInput { task, predecessor })
    }

    #[cold]
    fn not_once(&self, task: TaskId) -> Halt {
        self.failure.set(&Failure::NotOnce { task })
    }

    #[cold]
    fn panicked(&self, task: TaskId, panic: &(dyn Any + Send)) -> Halt {
        let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
        let message = text.or_else(|| panic.downcast_ref::<String>().cloned());
        self.failure.set(&Failure::Panicked {
            task,
            message: message.unwrap_or_else(|| "(no message)".into()),
        })
    }
}

/// The bytes that a job of this size takes at most, without what its kernel holds: the graph and its list of
/// sources, an output word, a count and `output_bytes` bytes a task, and a value a task while the expected
/// digest is computed.
pub fn job_byte_len(task_count: u64, edge_count: u64, output_bytes: u32) -> u64 {
    const SOURCE_AND_VALUE: u64 = 4 + 8;
    TaskGraph::byte_len(task_count, edge_count)
        .saturating_add(Slots::byte_len(task_count))
        .saturating_add(Payload::byte_len(task_count, output_bytes))
        .saturating_add(task_count.saturating_mul(SOURCE_AND_VALUE))
}

#[cfg(test)]
mod test;
