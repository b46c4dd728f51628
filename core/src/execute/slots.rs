//! What a run writes: an output word and a pending count a task, in shared pages.
//!
//! **Output word.** The top 16 bits are the number of the run (its *stamp*), the low 48 bits the value.
//! A task may begin in run `r` only where its word is stamped `r - 1`, so a task that ran twice and a task
//! that was lost in the run before are both caught, and nothing has to be cleared between runs.
//!
//! **When the number wraps.** The stamp repeats after 65,536 runs, and a word that was left alone for that long would
//! look like a fresh one. So all words are checked after every 32,768 runs, see [`CHECK_INTERVAL`]: each must be of
//! the run that has just ended. A word can only repeat its stamp across two such checks, and it cannot pass both,
//! since they look for different stamps. That costs one look at each task in the time of 32,768 runs of it.
//!
//! **Pending count.** The number of predecessors that have not been counted as finished, and whether the task is kept
//! for someone, see [`Pending`]. Whoever takes it to zero at once puts back the full number for the next run.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

use super::failure::Failure;
use super::pending::{MOST_PREDECESSORS, Pending};
use super::recovery::Reset;
use crate::graph::{TaskGraph, TaskId};
use crate::memory::SharedSlice;

/// Bits of an output word that hold the value.
const VALUE_BITS: u32 = 48;
/// The part of an output word that holds the value.
pub(super) const VALUE_MASK: u64 = (1 << VALUE_BITS) - 1;

/// After how many runs all words are checked: half of what a stamp can number. With a check in every full turn, always
/// at the same stamp, a word of just that stamp would pass each of them.
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

    /// Whether this is the stamp of the run after the one in which `word` was stored.
    #[inline]
    fn is_just_after(self, word: u64) -> bool {
        word ^ self.0.wrapping_sub(1 << VALUE_BITS) <= VALUE_MASK
    }
}

/// The state of a run. See the module for the two words of a task.
pub(super) struct Slots {
    /// One word: the stamp of the run that is going on.
    stamp: SharedSlice<CachePadded<AtomicU64>>,
    outputs: SharedSlice<AtomicU64>,
    pending: SharedSlice<AtomicU32>,
}

impl Slots {
    /// Slots for `graph`, before its first run.
    pub(super) fn new(graph: &TaskGraph) -> io::Result<Self> {
        let slots = Self {
            stamp: SharedSlice::new(1)?,
            outputs: SharedSlice::new(graph.task_count())?,
            pending: SharedSlice::new(graph.task_count())?,
        };
        for task in graph.tasks() {
            let count = graph.predecessors(task).len() as u32;
            if count > MOST_PREDECESSORS {
                return Err(io::Error::other(format!(
                    "task {} depends on {count} tasks; {MOST_PREDECESSORS} is the most",
                    task.0
                )));
            }
            // Relaxed: no worker exists yet; starting one orders this before all it does.
            slots.pending[task.index()].store(count, Ordering::Relaxed);
            // Touches the page, so that the first run does not pay for it.
            slots.outputs[task.index()].store(0, Ordering::Relaxed);
        }
        Ok(slots)
    }

    /// Moves on to the next run. Nothing may be running.
    pub(super) fn begin_run(&self) {
        let next = self.stamp().0.wrapping_add(1 << VALUE_BITS);
        // Relaxed: the backend's own hand-over to its workers orders this before their first task.
        self.stamp[0].store(next, Ordering::Relaxed);
    }

    /// Whether the words must be [verified](Self::verify) before the next run begins, so that none of them can outlast
    /// its stamp.
    #[inline]
    pub(super) fn is_check_due(&self) -> bool {
        let run = self.stamp().0 >> VALUE_BITS;
        (run + 1).is_multiple_of(CHECK_INTERVAL)
    }

    /// The stamp of the run that is going on. A task asks for it once, and not for each input.
    #[inline]
    pub(super) fn stamp(&self) -> Stamp {
        // Relaxed: see `begin_run`.
        Stamp(self.stamp[0].load(Ordering::Relaxed))
    }

    /// The value that `task` stored in the run of `stamp`, if it has.
    #[inline]
    pub(super) fn value(&self, task: TaskId, stamp: Stamp) -> Option<u64> {
        // Acquire: pairs with the Release in `store`, so that whoever sees the output sees all that the
        // task wrote before it. This is what orders tasks in backends that watch outputs.
        let word = self.outputs[task.index()].load(Ordering::Acquire);
        let value = word ^ stamp.0;
        (value <= VALUE_MASK).then_some(value)
    }

    /// Whether `task` has run in the run before the one of `stamp` and not in this one yet: what has to be so
    /// when it begins.
    ///
    /// Looked at before the task's work and not when its output is stored: the line that the word lies in was
    /// just read for the inputs, or comes while the kernel works. Once a neighbour has written to it, a look
    /// costs another way across cores, on top of the one that the store costs (25 ns of 135 in a stencil of
    /// width 2, Zen 4).
    ///
    /// Two executions that overlap can both pass. Where a task has none to depend on it,
    /// [`store`](Self::store) settles it. Where it has, both count its dependents down, or hand them out if they wait for
    /// nothing else: that shows as a wrong count (`Failure::Miscounted`), as a dependent that comes too early, or as
    /// one that comes twice. A backend that never counts, such as
    /// `static`, has to see to it by itself that no two workers have the same task.
    #[inline]
    pub(super) fn is_due(&self, task: TaskId, stamp: Stamp) -> bool {
        // Relaxed: only the stamp is looked at, and nothing is read through it.
        let before = self.outputs[task.index()].load(Ordering::Relaxed);
        stamp.is_just_after(before)
    }

    /// Stores the value of `task` in the run of `stamp`. With `last`, which must be set for a task without
    /// dependents, `false` if another execution has stored one in the meantime.
    #[inline]
    pub(super) fn store(&self, task: TaskId, value: u64, last: bool, stamp: Stamp) -> bool {
        let word = stamp.word(value);
        let output = &self.outputs[task.index()];
        // Release: see `value`. Of the old word only the stamp is looked at, so nothing is acquired.
        if last {
            return stamp.is_just_after(output.swap(word, Ordering::Release));
        }
        output.store(word, Ordering::Release);
        true
    }

    /// Counts one finished predecessor of `task`; `true` if it was the last and the task is the caller's.
    #[inline]
    pub(super) fn count_down(&self, graph: &TaskGraph, task: TaskId) -> bool {
        let full = graph.predecessors(task).len() as u32;
        self.pending(task).count_down(full)
    }

    /// How many predecessors `task` waits for, and whose it is.
    #[inline]
    pub(super) fn pending(&self, task: TaskId) -> Pending<'_> {
        Pending(&self.pending[task.index()])
    }

    /// Checks that every task stored its output in this run and every count is back where it began, and
    /// returns the digest of the outputs. Nothing may be running.
    pub(super) fn verify(&self, graph: &TaskGraph) -> Result<u64, Failure> {
        let mut digest = super::Digest::default();
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

    /// Sets the count of a task, after workers have died. Nothing may be running.
    pub(super) fn reset_pending(&self, reset: Reset) {
        // Relaxed: nobody else is there; starting new workers orders this before all they do.
        self.pending[reset.task.index()].store(reset.pending, Ordering::Relaxed);
    }

    /// The bytes that slots for this many tasks take.
    pub(super) fn byte_len(task_count: u64) -> u64 {
        task_count.saturating_mul((size_of::<AtomicU64>() + size_of::<AtomicU32>()) as u64)
    }
}
