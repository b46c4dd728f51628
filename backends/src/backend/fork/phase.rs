//! The progress of the work that was handed out last: one word, on which the coordinator sleeps.
//!
//! **Invariant: the coordinator is not left asleep.** It moves the word from `GOING` to `AWAITED` before it sleeps,
//! and sleeps only while the word is `AWAITED`. The worker that ends the phase exchanges the word, and wakes the
//! coordinator if the word was `AWAITED`. One of the two exchanges comes first: either the coordinator's fails and
//! it does not sleep, or the worker's finds `AWAITED`. If the coordinator spins, no worker has to make a system
//! call.

use std::time::Duration;

use super::atomic::{AtomicU32, Ordering};
use super::futex;

const GOING: u32 = 0;
/// Like `GOING`, but the coordinator sleeps, or is about to.
const AWAITED: u32 = 1;
const DONE: u32 = 2;
const HALTED: u32 = 3;

/// The state of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is work left.
    Going,
    /// Everything is done.
    Done,
    /// A task failed, or the setup of a worker failed.
    Halted,
}

/// A view of the word in shared pages. Zero is [`Phase::Going`].
#[derive(Clone, Copy)]
pub(super) struct PhaseWord<'a>(&'a AtomicU32);

impl<'a> PhaseWord<'a> {
    pub(super) fn new(word: &'a AtomicU32) -> Self {
        Self(word)
    }

    /// Begins a phase with work. Only for the coordinator, when no work is left.
    pub(super) fn begin(&self) {
        // Relaxed: the operation that hands out the work orders it.
        self.0.store(GOING, Ordering::Relaxed);
    }

    /// Ends the phase: everything is done.
    pub(super) fn done(&self) {
        self.end(DONE);
    }

    /// Ends the phase: a task failed, or the setup of a worker failed.
    #[cold]
    pub(super) fn halt(&self) {
        self.end(HALTED);
    }

    fn end(&self, word: u32) {
        // Release: pairs with the Acquire in `get`.
        if self.0.swap(word, Ordering::Release) == AWAITED {
            futex::wake(self.0);
        }
    }

    #[inline]
    pub(super) fn get(&self) -> Phase {
        // Acquire: pairs with the Release in `end`, so that the coordinator sees all outputs.
        match self.0.load(Ordering::Acquire) {
            GOING | AWAITED => Phase::Going,
            DONE => Phase::Done,
            _ => Phase::Halted,
        }
    }

    /// Sleeps while the phase is `Going`, for at most `limit`; `true` if it slept that long. Only for the
    /// coordinator.
    pub(super) fn wait_at_most(&self, limit: Duration) -> bool {
        // Relaxed: it only says that the coordinator sleeps. After waking, the coordinator reads the word again.
        match self
            .0
            .compare_exchange(GOING, AWAITED, Ordering::Relaxed, Ordering::Relaxed)
        {
            Ok(_) | Err(AWAITED) => futex::wait_at_most(self.0, AWAITED, limit),
            Err(_) => false,
        }
    }
}
