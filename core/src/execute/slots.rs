//! What a run writes: one output word and one pending count per task, in shared pages.
//!
//! **Output word.** The top 16 bits are the number of the run (its *stamp*), the low 48 bits the value. A task may
//! begin in run `r` only if its word is stamped `r - 1`. This finds tasks that ran twice and tasks that were lost in
//! the previous run, and nothing has to be cleared between runs.
//!
//! **When the number wraps.** The stamp repeats after 65,536 runs, and a word that was not written for that long
//! would look current. So all words are checked after every 32,768 runs, see [`CHECK_INTERVAL`]: each must be from
//! the run that has just ended. A word can repeat its stamp only across two such checks, and it cannot pass both,
//! because they expect different stamps. The cost is one read of each word per 32,768 runs.
//!
//! **Pending count.** The number of predecessors that have not been counted as finished, and whether the task is
//! reserved, see [`Pending`]. The worker that takes it to zero immediately restores the full number for the next
//! run.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::digest::{Digest, VALUE_BITS, VALUE_MASK};
use super::failure::Failure;
use super::pending::{MOST_PREDECESSORS, Pending};
use super::recovery::Reset;
use crate::graph::{TaskGraph, TaskId};
use crate::memory::{Padded, Shareable, SharedSlice};

/// After how many runs all words are checked: half the number of stamps. If they were checked once per full turn,
/// always at the same stamp, a word with just that stamp would pass every check.
const CHECK_INTERVAL: u64 = 1 << (u64::BITS - VALUE_BITS - 1);

/// The number of a run, in the top 16 bits.
#[derive(Clone, Copy)]
pub(super) struct Stamp(u64);

impl Stamp {
    /// The output word of a task that gives `value` in this run.
    #[inline]
    pub(super) fn word(self, value: u64) -> u64 {
        self.0 | (value & VALUE_MASK)
    }

    /// Whether this is the stamp of the run after the run that stored `word`.
    #[inline]
    fn is_just_after(self, word: u64) -> bool {
        word ^ self.0.wrapping_sub(1 << VALUE_BITS) <= VALUE_MASK
    }
}

/// What every task of a run reads, in one cache line.
struct RunWords {
    /// The stamp of the run.
    stamp: AtomicU64,
    /// What the seeds of the run depend on, besides the inputs of its tasks.
    nonce: AtomicU64,
}

// SAFETY: it consists of atomics, for which zero is valid, which are changed atomically, and which need no drop.
unsafe impl Shareable for RunWords {}

/// The state of a run. The module's documentation describes the two words of a task.
pub(super) struct Slots {
    /// One entry: what all tasks of the current run read.
    run: SharedSlice<Padded<RunWords>>,
    outputs: SharedSlice<AtomicU64>,
    pending: SharedSlice<AtomicU32>,
}

impl Slots {
    /// Slots for `graph`, before its first run.
    pub(super) fn new(graph: &TaskGraph) -> io::Result<Self> {
        let slots = Self {
            run: SharedSlice::new(1)?,
            outputs: SharedSlice::new(graph.task_count())?,
            pending: SharedSlice::new(graph.task_count())?,
        };
        for task in graph.tasks() {
            let count = graph.predecessors(task).len() as u32;
            if count > MOST_PREDECESSORS {
                return Err(io::Error::other(format!(
                    "task {} depends on {count} tasks, but at most {MOST_PREDECESSORS} are supported",
                    task.0
                )));
            }
            // Relaxed: no worker exists yet. Starting one orders this before everything that it does.
            slots.pending[task.index()].store(count, Ordering::Relaxed);
            // Touches the page, so that the first run does not have to.
            slots.outputs[task.index()].store(0, Ordering::Relaxed);
        }
        Ok(slots)
    }

    /// Begins the next run. Nothing may be running.
    pub(super) fn begin_run(&self) {
        let next = self.stamp().0.wrapping_add(1 << VALUE_BITS);
        // Relaxed: the backend's own hand-over to its workers orders this before their first task.
        self.run[0].stamp.store(next, Ordering::Relaxed);
    }

    /// Sets the nonce of the following runs. Nothing may be running.
    pub(super) fn set_nonce(&self, nonce: u64) {
        // Relaxed: as in `begin_run`, which comes after it.
        self.run[0].nonce.store(nonce, Ordering::Relaxed);
    }

    /// The nonce of the current run.
    #[inline]
    pub(super) fn nonce(&self) -> u64 {
        // Relaxed: see `begin_run`.
        self.run[0].nonce.load(Ordering::Relaxed)
    }

    /// Whether the words must be [verified](Self::verify) before the next run begins, so that none of them can
    /// outlast its stamp.
    #[inline]
    pub(super) fn is_check_due(&self) -> bool {
        let run = self.stamp().0 >> VALUE_BITS;
        (run + 1).is_multiple_of(CHECK_INTERVAL)
    }

    /// The stamp of the current run. A task reads it once, and not for each input.
    #[inline]
    pub(super) fn stamp(&self) -> Stamp {
        // Relaxed: see `begin_run`.
        Stamp(self.run[0].stamp.load(Ordering::Relaxed))
    }

    /// The value that `task` stored in the run of `stamp`; `None` if it has not.
    #[inline]
    pub(super) fn value(&self, task: TaskId, stamp: Stamp) -> Option<u64> {
        // Acquire: pairs with the Release in `store`, so that a thread that reads the output sees everything that
        // the task wrote before it. This orders the tasks in backends that watch outputs.
        let word = self.outputs[task.index()].load(Ordering::Acquire);
        let value = word ^ stamp.0;
        (value <= VALUE_MASK).then_some(value)
    }

    /// Whether `task` has run in the run before that of `stamp`, but not in this run yet. This must be so when it
    /// begins.
    ///
    /// It is checked before the task's work and not when its output is stored: the cache line of the word was just
    /// read for the inputs, or arrives while the kernel works. Once a neighbour has written to this line, a read
    /// moves it between cores once more, in addition to the store (25 ns of 135 in a stencil of width 2, Zen 4).
    ///
    /// Two executions that overlap can both pass. If the task has no dependents, [`store`](Self::store) finds this.
    /// Otherwise both count its dependents down, or return them if they wait for nothing else. This shows as a wrong
    /// count (`Failure::Miscounted`), as a dependent that runs too early, or as one that runs twice. A backend that
    /// never counts, such as `static`, must itself make sure that no two workers have the same task.
    #[inline]
    pub(super) fn is_due(&self, task: TaskId, stamp: Stamp) -> bool {
        // Relaxed: only the stamp is read, and no other data through it.
        let before = self.outputs[task.index()].load(Ordering::Relaxed);
        stamp.is_just_after(before)
    }

    /// Stores the value of `task` in the run of `stamp`. `last` must be set for a task without dependents. With
    /// `last`, returns `false` if another execution has stored a value in the meantime.
    #[inline]
    pub(super) fn store(&self, task: TaskId, value: u64, last: bool, stamp: Stamp) -> bool {
        let word = stamp.word(value);
        let output = &self.outputs[task.index()];
        // Release: see `value`. Only the stamp of the old word is read, so nothing is acquired.
        if last {
            return stamp.is_just_after(output.swap(word, Ordering::Release));
        }
        output.store(word, Ordering::Release);
        true
    }

    /// Counts one finished predecessor of `task`. Returns `true` if it was the last; the task then belongs to the
    /// caller.
    #[inline]
    pub(super) fn count_down(&self, graph: &TaskGraph, task: TaskId) -> bool {
        let full = graph.predecessors(task).len() as u32;
        self.pending(task).count_down(full)
    }

    /// How many predecessors `task` waits for, and who owns it.
    #[inline]
    pub(super) fn pending(&self, task: TaskId) -> Pending<'_> {
        Pending(&self.pending[task.index()])
    }

    /// Checks that every task stored its output in this run and that every count has its initial value, and returns
    /// the digest of the outputs. Nothing may be running.
    pub(super) fn verify(&self, graph: &TaskGraph) -> Result<u64, Failure> {
        let mut digest = Digest::default();
        let stamp = self.stamp();
        for task in graph.tasks() {
            let value = self.value(task, stamp).ok_or(Failure::Lost { task })?;
            let pending = self.pending[task.index()].load(Ordering::Relaxed);
            if pending as usize != graph.predecessors(task).len() {
                return Err(Failure::Miscounted { task });
            }
            digest.fold(value);
        }
        Ok(digest.finish())
    }

    /// Sets the count of a task after workers have died. Nothing may be running.
    pub(super) fn reset_pending(&self, reset: Reset) {
        // Relaxed: no worker exists. Starting new workers orders this before everything that they do.
        self.pending[reset.task.index()].store(reset.pending, Ordering::Relaxed);
    }

    /// The bytes that slots for this many tasks take.
    pub(super) fn byte_len(task_count: u64) -> u64 {
        task_count.saturating_mul((size_of::<AtomicU64>() + size_of::<AtomicU32>()) as u64)
    }
}
