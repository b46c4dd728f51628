//! Recursive programs on workers that have queues of tasks: how a worker spawns children and waits for them.
//!
//! A task with several children puts all but the first into its worker's queue, runs the first, and then takes the others
//! back, newest first. A child that another worker has taken in the meantime is waited for, and the worker runs other
//! tasks while it waits. Queues carry numbers, as they do for graphs:
//!
//! ```text
//! 0       the root, which is the one task of the graph
//! 1 + i   the child in place i; every worker has places of its own, which it uses like a stack
//! ```
//!
//! A place holds the state of a child, and later its result. It is in shared pages, so workers can be processes.
//!
//! **Who may access a place.** The owner writes the state and then pushes the number. Whoever takes the number from a
//! queue runs the child; the queue gives it to one worker only, and makes the state visible to it. If that is the owner,
//! nothing more is written. If not, the worker writes the result and then [`DONE`], and only now the owner reads the
//! result and uses the place again.

use std::io;

use super::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::memory::{Shareable, SharedSlice};
use crate::recursion::{Folded, MOST_WORDS, Words};

/// The most children of one worker that wait at the same time. Only places that are used take memory. The numbers of all
/// places of [`MOST_WORKERS`](crate::backend::MOST_WORKERS) workers have 32 bits.
const PLACES: usize = (1 << 20) - 1;

/// The child in this place waits in a queue, or is run by another worker.
const WAITING: u32 = 0;
/// Another worker has written the result.
const DONE: u32 = 1;

/// One cache line.
#[derive(Default)]
#[repr(align(64))]
struct ChildPlace {
    state: [AtomicU64; MOST_WORDS],
    result: [AtomicU64; 3],
    status: AtomicU32,
}

// SAFETY: zero is a valid value of every field, all are atomic, and none needs a drop.
unsafe impl Shareable for ChildPlace {}

/// The places of all workers.
pub(crate) struct Places {
    places: SharedSlice<ChildPlace>,
    per_worker: usize,
    /// How many tasks all workers have executed in this run.
    executed: SharedSlice<AtomicU64>,
}

impl Places {
    /// Places for this many workers.
    pub(crate) fn new(worker_count: usize) -> io::Result<Self> {
        Self::with_places(worker_count, PLACES)
    }

    /// `per_worker` places for each of this many workers.
    pub(crate) fn with_places(worker_count: usize, per_worker: usize) -> io::Result<Self> {
        Ok(Self {
            places: SharedSlice::new(worker_count * per_worker)?,
            per_worker,
            executed: SharedSlice::new(1)?,
        })
    }

    /// Begins to count the tasks of a run. No other worker runs any.
    pub(crate) fn begin_count(&self) {
        // Relaxed: the push of the first child publishes it.
        self.executed[0].store(0, Ordering::Relaxed);
    }

    /// Adds tasks that the calling worker has executed. It does so before it [finishes](Self::finish) a child.
    pub(crate) fn count(&self, executed: u64) {
        // Relaxed: `finish` publishes it.
        self.executed[0].fetch_add(executed, Ordering::Relaxed);
    }

    /// How many tasks were counted in this run. It has all of them when the root has joined its children.
    pub(crate) fn counted(&self) -> u64 {
        // Relaxed: the Acquire in `is_done` orders it after every `count`.
        self.executed[0].load(Ordering::Relaxed)
    }

    /// How many places each worker has.
    pub(crate) fn per_worker(&self) -> usize {
        self.per_worker
    }

    /// The worker whose place this is.
    pub(crate) fn owner(&self, place: usize) -> usize {
        place / self.per_worker
    }

    /// Puts a child into a place of the calling worker. Its number is pushed after this.
    #[inline]
    pub(crate) fn put(&self, place: usize, state: Words) {
        let place = &self.places[place];
        // Relaxed, all of it: the Release of the push publishes it.
        for (word, value) in place.state.iter().zip(state) {
            word.store(value, Ordering::Relaxed);
        }
        place.status.store(WAITING, Ordering::Relaxed);
    }

    /// The child in a place whose number was taken from a queue.
    pub(crate) fn state(&self, place: usize) -> Words {
        let state = &self.places[place].state;
        // Relaxed: the Acquire of the queue orders it after `put`.
        std::array::from_fn(|at| state[at].load(Ordering::Relaxed))
    }

    /// Stores the result of a child that the calling worker took from another one. `false` if there is one already.
    #[must_use]
    pub(crate) fn finish(&self, place: usize, folded: Folded) -> bool {
        let place = &self.places[place];
        let result = [folded.value, folded.digest, folded.task_count];
        // Relaxed: the Release below publishes it.
        for (word, value) in place.result.iter().zip(result) {
            word.store(value, Ordering::Relaxed);
        }
        // Release: pairs with the Acquire in `is_done`; what the child wrote elsewhere becomes visible too.
        place.status.swap(DONE, Ordering::Release) == WAITING
    }

    /// Whether the child in a place of the calling worker was run by another worker, and has ended.
    #[inline]
    pub(crate) fn is_done(&self, place: usize) -> bool {
        // Acquire: see `finish`.
        self.places[place].status.load(Ordering::Acquire) == DONE
    }

    /// The result of a child that is done.
    pub(crate) fn result(&self, place: usize) -> Folded {
        let result = &self.places[place].result;
        // Relaxed: the Acquire of `is_done` orders it after `finish`.
        let [value, digest, task_count] =
            std::array::from_fn(|at| result[at].load(Ordering::Relaxed));
        Folded {
            value,
            digest,
            task_count,
        }
    }
}
