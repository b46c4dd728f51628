//! How far the work that was handed out last has come: one word, which the coordinator sleeps on.
//!
//! **Invariant: the coordinator is not left asleep.** It moves the word from `GOING` to `AWAITED` before it
//! sleeps, and it sleeps only while the word is `AWAITED`. Whoever ends the phase exchanges the word, and wakes the
//! coordinator if it was `AWAITED`. One of the two exchanges comes first: either the coordinator's fails and it does
//! not sleep, or the other one's finds `AWAITED`. So a coordinator that spins costs nobody a system call.

use std::time::Duration;

use super::atomic::{AtomicU32, Ordering};
use super::futex;

const GOING: u32 = 0;
/// As `GOING`, and the coordinator sleeps, or is about to.
const AWAITED: u32 = 1;
const DONE: u32 = 2;
const HALTED: u32 = 3;

/// How far the work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Something is left to do.
    Going,
    /// Everything is done.
    Done,
    /// A task failed, or a worker could not be set up.
    Halted,
}

/// A view of the word in shared pages. Zero is [`Phase::Going`].
#[derive(Clone, Copy)]
pub(super) struct PhaseWord<'a>(&'a AtomicU32);

impl<'a> PhaseWord<'a> {
    pub(super) fn new(word: &'a AtomicU32) -> Self {
        Self(word)
    }

    /// From now on there is something to do. Coordinator only, when nothing is.
    pub(super) fn begin(&self) {
        // Relaxed: whatever hands the work out orders it before.
        self.0.store(GOING, Ordering::Relaxed);
    }

    /// Everything is done.
    pub(super) fn done(&self) {
        self.end(DONE);
    }

    /// A task failed, or a worker could not be set up.
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
        // Acquire: pairs with the Release in `end`. The coordinator sees all outputs.
        match self.0.load(Ordering::Acquire) {
            GOING | AWAITED => Phase::Going,
            DONE => Phase::Done,
            _ => Phase::Halted,
        }
    }

    /// Sleeps while the phase is `Going`, for at most `limit`; `true` if it lasted that long. Coordinator only.
    pub(super) fn wait_at_most(&self, limit: Duration) -> bool {
        // Relaxed: it tells only that somebody sleeps, and who is told looks again.
        match self
            .0
            .compare_exchange(GOING, AWAITED, Ordering::Relaxed, Ordering::Relaxed)
        {
            Ok(_) | Err(AWAITED) => futex::wait_at_most(self.0, AWAITED, limit),
            Err(_) => false,
        }
    }
}
