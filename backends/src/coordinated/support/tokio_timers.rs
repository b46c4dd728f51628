use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use tokio::sync::Notify;
use tokio::time::timeout_at;

use crate::sync::{Halted, Party, Timers};

/// Timers for async tasks: the timers of tokio, each with a `Notify` that ends its waiting.
pub(in crate::coordinated) struct TokioTimers(Vec<Timer>);

struct Timer {
    /// One of the words below. It leaves `OPEN` by a compare-exchange, so a timer has one fate.
    fate: AtomicU32,
    is_cancelled: Notify,
}

const OPEN: u32 = 0;
const FIRED: u32 = 1;
const CANCELLED: u32 = 2;

impl TokioTimers {
    pub(in crate::coordinated) fn new(party_count: usize) -> Self {
        let timer = || Timer {
            fate: AtomicU32::new(OPEN),
            is_cancelled: Notify::new(),
        };
        Self((0..party_count).map(|_| timer()).collect())
    }
}

impl Timer {
    fn decide(&self, chosen: u32) -> bool {
        // AcqRel: whoever decides releases what it did before to the other side, whose exchange fails and acquires it.
        self.fate
            .compare_exchange(OPEN, chosen, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

impl Timers for TokioTimers {
    async fn wait(&self, party: Party<'_>, due: Instant) -> Result<bool, Halted> {
        let timer = &self.0[party.index];
        let _waiting = party.waits_for("its timer");
        // `Notify` keeps one wake-up for whoever comes later, so the first may be of an earlier run. Acquire: pairs with
        // `decide` in `cancel`.
        while timer.fate.load(Ordering::Acquire) == OPEN {
            let cancelled = timeout_at(due.into(), timer.is_cancelled.notified());
            if cancelled.await.is_err() {
                return Ok(timer.decide(FIRED));
            }
        }
        Ok(false)
    }

    fn cancel(&self, index: usize) -> bool {
        let timer = &self.0[index];
        let is_in_time = timer.decide(CANCELLED);
        if is_in_time {
            timer.is_cancelled.notify_one();
        }
        is_in_time
    }

    fn reset(&self) {
        for timer in &self.0 {
            // Relaxed: nobody uses the timers, and the end of the run orders this before whoever does next.
            timer.fate.store(OPEN, Ordering::Relaxed);
        }
    }
}
