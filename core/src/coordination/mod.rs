//! Kernels whose tasks coordinate: each task is a party that waits for others. There is one file per workload.
//!
//! A body is generic over the primitive that it uses, and checks an invariant that a broken primitive violates. Which
//! primitive a backend gets is decided where the forms are known, beside the backends.

use std::collections::BTreeMap;
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;

use crate::graph::TaskId;
use crate::kernel::{Awaited, Findings, Kernel, Setting};
use crate::latency::Histogram;
use crate::sync::{Halted, Party, WaitTable, at_once};

mod attempt;
mod barrier;
mod broken_barrier;
mod channels;
mod condition;
mod event;
#[cfg(test)]
mod fixture;
mod leaving;
mod map_order;
mod mutex;
mod pipe_exchange;
mod read_write;
mod reentrant;
mod semaphore;
mod timer;
#[cfg(test)]
mod together;

pub use attempt::{Attempt, AttemptWork, TimedAttempt, TryAttempt};
pub use barrier::BarrierWork;
pub use broken_barrier::BrokenBarrierWork;
pub use channels::{Actor, PingPong, ProducerConsumer, ThreadRing, Traffic};
pub use condition::{ConditionWork, Wakes};
pub use event::{EVENT_LATENCIES, EventWork};
pub use map_order::{MapOrderWork, RESULT_LATENCIES, ResultOrder};
pub use mutex::MutexWork;
pub use pipe_exchange::{LEAST_MESSAGE_BYTES, PipeExchange, ROUND_TRIP};
pub use read_write::ReadWriteWork;
pub use reentrant::ReentrantWork;
pub use semaphore::{SEMAPHORE_LATENCIES, SemaphoreWork};
pub use timer::{Cancel, TIMER_LATENCIES, TimerWork};

/// What the parties of a workload do, and the invariant that must hold afterwards.
pub trait Coordination: Send + Sync + 'static {
    /// What one party does. Its output is `seed`, or something that the invariant needs.
    fn take_part(
        &self,
        party: Party<'_>,
        seed: u64,
    ) -> impl Future<Output = Result<u64, PartyError>> + Send;

    /// The output of [`take_part`](Self::take_part) if nothing is broken.
    fn expected(&self, party: usize, seed: u64) -> u64 {
        let _ = party;
        seed
    }

    /// See [`Kernel::awaits_descriptors`].
    fn awaits_descriptors(&self) -> bool {
        false
    }

    /// Clears what earlier runs left behind. Nothing is running.
    fn reset(&self) {}

    /// The run has failed: ends the waiting of parties that cannot [look](Party::look). Called on any thread or process,
    /// while parties take part, and after looking tells them.
    fn halt(&self) {}

    /// Checks the invariant after `run_count` runs since [`reset`](Self::reset). Nothing is running.
    ///
    /// # Errors
    ///
    /// How it was violated.
    fn verify(&self, run_count: u64) -> Result<Findings, String>;

    /// See [`Kernel::record_latencies`].
    fn record_latencies(&self, on: bool) {
        let _ = on;
    }

    /// See [`Kernel::take_latencies`].
    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::new()
    }
}

/// Why a party could not take part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartyError {
    /// The run has failed.
    #[error(transparent)]
    Halted(#[from] Halted),
    /// The primitive violated the invariant.
    #[error("{0}")]
    Violated(String),
}

/// A kernel whose tasks are the parties of a coordination.
pub struct Coordinated<C> {
    work: C,
    waits: Arc<WaitTable>,
    /// Whether the forms of its primitives are awaited instead of blocking.
    is_async: bool,
    party_count: u64,
}

impl<C: Coordination> Coordinated<C> {
    /// A kernel for `setting`, whose tasks take part in `work`.
    ///
    /// # Errors
    ///
    /// If the system refuses shared pages.
    pub fn boxed(work: C, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        Ok(Box::new(Self {
            work,
            waits: setting.wait_table()?,
            is_async: setting.is_async,
            party_count: setting.graph.task_count() as u64,
        }))
    }
}

impl<C: Coordination> Kernel for Coordinated<C> {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        let party = Party::new(&self.waits, task);
        output(at_once(self.work.take_part(party, seed)))
    }

    fn expected(&self, task: TaskId, seed: u64) -> u64 {
        self.work.expected(task.index(), seed)
    }

    fn is_awaited(&self) -> bool {
        self.is_async
    }

    fn awaited(&self, task: TaskId, seed: u64) -> Awaited<'_> {
        let party = Party::new(&self.waits, task);
        Box::pin(async move { output(self.work.take_part(party, seed).await) })
    }

    fn awaits_descriptors(&self) -> bool {
        self.work.awaits_descriptors()
    }

    fn has_parties(&self) -> bool {
        true
    }

    fn halt(&self) {
        self.waits.halt();
        self.work.halt();
    }

    fn reset(&self) {
        self.work.reset();
    }

    fn verify(&self, task_run_count: u64) -> Result<Findings, String> {
        self.work.verify(task_run_count / self.party_count.max(1))
    }

    fn record_latencies(&self, on: bool) {
        self.work.record_latencies(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        self.work.take_latencies()
    }
}

/// The output of a party. A fault ends the task like a panic, but without the message of a panic on standard error.
fn output(result: Result<u64, PartyError>) -> u64 {
    result.unwrap_or_else(|fault| resume_unwind(Box::new(fault.to_string())))
}
