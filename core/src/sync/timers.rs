//! Timers that can be cancelled. Each party has one.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::futex;
use super::party::{Halted, LOOK_INTERVAL, Party};
use crate::memory::{Padded, SharedSlice};

/// A timer for each party. A timer fires when it is due, unless it was cancelled before, and does so once.
pub trait Timers: Send + Sync + 'static {
    /// Waits with the timer of `party`, and returns whether it has fired at or after `due`. Otherwise it was cancelled.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed.
    fn wait(
        &self,
        party: Party<'_>,
        due: Instant,
    ) -> impl Future<Output = Result<bool, Halted>> + Send;

    /// Cancels the timer of the party `index`, which may have begun to wait or not. Returns whether this was in time: `false`
    /// if the timer has fired or was cancelled before.
    fn cancel(&self, index: usize) -> bool;

    /// Makes all timers as if they were new. Nobody may be using them.
    fn reset(&self);
}

/// What a party with a timer is said to wait for.
const TIMER: &str = "its timer";

/// What became of a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Fired,
    Cancelled,
}

/// Timers for threads: each party sleeps on a condition until it is due, as `threading.Timer` of Python does.
pub struct ThreadTimers(Vec<ThreadTimer>);

struct ThreadTimer {
    fate: Mutex<Fate>,
    is_cancelled: Condvar,
}

impl ThreadTimer {
    fn fate(&self) -> MutexGuard<'_, Fate> {
        self.fate.lock().expect("nothing panics under the mutex")
    }
}

impl ThreadTimers {
    /// Timers for `party_count` parties.
    pub fn new(party_count: usize) -> Self {
        let timer = || ThreadTimer {
            fate: Mutex::new(Fate::Open),
            is_cancelled: Condvar::new(),
        };
        Self((0..party_count).map(|_| timer()).collect())
    }
}

impl Timers for ThreadTimers {
    async fn wait(&self, party: Party<'_>, due: Instant) -> Result<bool, Halted> {
        let timer = &self.0[party.index];
        let mut fate = timer.fate();
        let _waiting = party.waits_for(TIMER);
        while *fate == Fate::Open {
            let Some(left) = time_left(due) else {
                *fate = Fate::Fired;
                break;
            };
            party.look()?;
            let waited = timer
                .is_cancelled
                .wait_timeout(fate, left.min(LOOK_INTERVAL));
            fate = waited.expect("nothing panics under the mutex").0;
        }
        Ok(*fate == Fate::Fired)
    }

    fn cancel(&self, index: usize) -> bool {
        let timer = &self.0[index];
        let mut fate = timer.fate();
        let is_in_time = *fate == Fate::Open;
        if is_in_time {
            *fate = Fate::Cancelled;
            timer.is_cancelled.notify_one();
        }
        is_in_time
    }

    fn reset(&self) {
        for timer in &self.0 {
            *timer.fate() = Fate::Open;
        }
    }
}

/// Timers for processes: each party sleeps until it is due on a word in shared pages that says what became of its timer.
///
/// **Invariant.** A word leaves `OPEN` by a compare-exchange, so either the party fires the timer or somebody cancels it, never
/// both.
pub struct SharedTimers(SharedSlice<Padded<AtomicU32>>);

const OPEN: u32 = 0;
const FIRED: u32 = 1;
const CANCELLED: u32 = 2;

impl SharedTimers {
    /// Timers for `party_count` parties.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new(party_count: usize) -> io::Result<Self> {
        Ok(Self(SharedSlice::new(party_count)?))
    }
}

impl Timers for SharedTimers {
    async fn wait(&self, party: Party<'_>, due: Instant) -> Result<bool, Halted> {
        let fate = &*self.0[party.index];
        let _waiting = party.waits_for(TIMER);
        // Acquire: pairs with `decide` in `cancel`.
        while fate.load(Ordering::Acquire) == OPEN {
            let Some(left) = time_left(due) else {
                return Ok(decide(fate, FIRED));
            };
            party.look()?;
            futex::wait_at_most(fate, OPEN, left.min(LOOK_INTERVAL));
        }
        Ok(false)
    }

    fn cancel(&self, index: usize) -> bool {
        let fate = &*self.0[index];
        let is_in_time = decide(fate, CANCELLED);
        if is_in_time {
            futex::wake(fate, 1);
        }
        is_in_time
    }

    fn reset(&self) {
        for fate in self.0.iter() {
            // Relaxed: nobody uses the timers, and the caller orders this before whoever does next.
            fate.store(OPEN, Ordering::Relaxed);
        }
    }
}

/// Makes `chosen` the fate of a timer, if it has none yet.
fn decide(fate: &AtomicU32, chosen: u32) -> bool {
    // AcqRel: whoever decides releases what it did before to the other side, and the other side, whose exchange fails,
    // acquires it.
    fate.compare_exchange(OPEN, chosen, Ordering::AcqRel, Ordering::Acquire)
        .is_ok()
}

/// The time until `due`; `None` if it has passed.
fn time_left(due: Instant) -> Option<Duration> {
    let left = due.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskId;
    use crate::sync::{WaitTable, at_once};

    fn one_timer_is_fired_or_cancelled(timers: impl Timers) {
        let table = WaitTable::new(1).unwrap();
        let party = Party::new(&table, TaskId(0));
        let long_ago = Instant::now();
        assert_eq!(at_once(timers.wait(party, long_ago)), Ok(true));
        assert!(!timers.cancel(0), "it has fired");
        timers.reset();
        assert!(timers.cancel(0));
        assert!(!timers.cancel(0), "it was cancelled");
        let hours_later = long_ago + Duration::from_hours(9);
        assert_eq!(at_once(timers.wait(party, hours_later)), Ok(false));
        timers.reset();
        table.halt();
        assert_eq!(at_once(timers.wait(party, hours_later)), Err(Halted));
    }

    #[test]
    fn a_timer_fires_or_is_cancelled() {
        one_timer_is_fired_or_cancelled(ThreadTimers::new(1));
        one_timer_is_fired_or_cancelled(SharedTimers::new(1).unwrap());
    }

    #[test]
    fn a_timer_is_cancelled_while_its_party_waits() {
        let timers = ThreadTimers::new(1);
        let table = WaitTable::new(1).unwrap();
        let due = Instant::now() + Duration::from_hours(9);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| at_once(timers.wait(Party::new(&table, TaskId(0)), due)));
            while table.waiting().is_empty() {
                std::thread::yield_now();
            }
            assert!(timers.cancel(0));
            assert_eq!(waiter.join().unwrap(), Ok(false));
        });
    }
}
