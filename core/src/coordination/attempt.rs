use std::hint;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::mutex::check_total;
use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::memory::{Padded, SharedSlice};
use crate::sync::{Halted, Lock, Party, RacyCounter, SharedCounter, TimedLock};

/// A way to take a lock that may give up.
pub trait Attempt: Send + Sync + 'static {
    /// The lock.
    type Lock: Lock;

    /// Takes the lock, or gives up.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed.
    fn attempt<'a>(
        &'a self,
        party: Party<'a>,
    ) -> impl Future<Output = Result<Option<<Self::Lock as Lock>::Guard<'a>>, Halted>> + Send;
}

/// Gives up at once.
pub struct TryAttempt<L>(pub L);

/// Gives up after a time.
pub struct TimedAttempt<L> {
    /// The lock.
    pub lock: L,
    /// The time.
    pub limit: Duration,
}

impl<L: Lock> Attempt for TryAttempt<L> {
    type Lock = L;

    async fn attempt<'a>(&'a self, _: Party<'a>) -> Result<Option<L::Guard<'a>>, Halted> {
        Ok(self.0.try_lock())
    }
}

impl<L: TimedLock> Attempt for TimedAttempt<L> {
    type Lock = L;

    async fn attempt<'a>(&'a self, party: Party<'a>) -> Result<Option<L::Guard<'a>>, Halted> {
        self.lock.lock_within(self.limit, party).await
    }
}

/// Parties that increment one counter under a lock, if they get it. A party that does not get it goes on to its next attempt.
///
/// **Invariants.** The counter is the number of attempts that succeeded; as for a [`MutexWork`](super::MutexWork), increments
/// are lost if two parties are under the lock at once. Every attempt succeeded or was given up.
pub struct AttemptWork<A, C = RacyCounter> {
    attempt: A,
    counter: C,
    tally: Tally,
    /// By each party and run.
    attempts: u64,
    /// How long a party keeps the lock after its increment, so that others give up.
    hold: Duration,
    party_count: u64,
}

/// How many attempts of all parties ended in which way.
struct Tally(SharedSlice<Padded<AtomicU64>>);

impl Tally {
    fn new() -> io::Result<Self> {
        SharedSlice::new(2).map(Self)
    }

    fn succeeded(&self) -> &AtomicU64 {
        &self.0[0]
    }

    fn given_up(&self) -> &AtomicU64 {
        &self.0[1]
    }
}

impl<A: Attempt> AttemptWork<A> {
    /// `party_count` parties, each of which makes `attempts` attempts per run, and keeps the lock for `hold` after its
    /// increment if it gets it.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new(attempt: A, party_count: u64, attempts: u64, hold: Duration) -> io::Result<Self> {
        Ok(Self {
            attempt,
            counter: RacyCounter::new()?,
            tally: Tally::new()?,
            attempts,
            hold,
            party_count,
        })
    }
}

impl<A: Attempt, C: SharedCounter + 'static> Coordination for AttemptWork<A, C> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        let mut succeeded = 0;
        for _ in 0..self.attempts {
            if let Some(_guard) = self.attempt.attempt(party).await? {
                self.counter.add(1);
                keep_busy(self.hold);
                succeeded += 1;
            }
        }
        // Relaxed: only the totals matter, and the end of the run orders the reader after them.
        let add = |tally: &AtomicU64, count| tally.fetch_add(count, Ordering::Relaxed);
        add(self.tally.succeeded(), succeeded);
        add(self.tally.given_up(), self.attempts - succeeded);
        Ok(seed)
    }

    fn reset(&self) {
        self.counter.reset();
        // Relaxed: nothing is running.
        self.tally.succeeded().store(0, Ordering::Relaxed);
        self.tally.given_up().store(0, Ordering::Relaxed);
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        // Relaxed: nothing is running.
        let succeeded = self.tally.succeeded().load(Ordering::Relaxed);
        let given_up = self.tally.given_up().load(Ordering::Relaxed);
        check_total(self.counter.value(), succeeded)?;
        let expected = self.attempts * self.party_count * run_count;
        match succeeded + given_up == expected {
            true => Ok(Findings::from([
                ("lock_successes_count".into(), succeeded),
                ("lock_give_ups_count".into(), given_up),
            ])),
            false => Err(format!(
                "{succeeded} attempts succeeded and {given_up} were given up, of {expected}"
            )),
        }
    }
}

/// Keeps the core busy. Not a wait, because a guard cannot be kept while an async task waits.
fn keep_busy(duration: Duration) {
    if duration.is_zero() {
        return;
    }
    let end = Instant::now() + duration;
    while Instant::now() < end {
        hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::fixture::{MeetingCounter, OpenLock, run_together};
    use crate::graph::TaskId;
    use crate::sync::{PosixMutex, ThreadLock, WaitTable, at_once};

    fn found(findings: &Findings) -> (u64, u64) {
        (
            findings["lock_successes_count"],
            findings["lock_give_ups_count"],
        )
    }

    #[test]
    fn every_attempt_succeeds_or_is_given_up() {
        let lock = TryAttempt(ThreadLock::new("it"));
        let work = AttemptWork::new(lock, 2, 5_000, Duration::ZERO).unwrap();
        run_together(&work, 2);
        let (succeeded, given_up) = found(&work.verify(1).unwrap());
        assert_eq!(succeeded + given_up, 10_000);
        assert!(work.verify(2).is_err(), "half of the attempts are missing");
    }

    #[test]
    fn while_another_holds_the_lock_all_attempts_are_given_up() {
        let table = WaitTable::new(1).unwrap();
        let lock = PosixMutex::new("it").unwrap();
        let limit = Duration::from_micros(10);
        let work = AttemptWork::new(TimedAttempt { lock, limit }, 1, 3, Duration::ZERO).unwrap();
        let guard = work.attempt.lock.try_lock().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| at_once(work.take_part(Party::new(&table, TaskId(0)), 7)));
        });
        drop(guard);
        assert_eq!(found(&work.verify(1).unwrap()), (0, 3));
    }

    #[test]
    fn a_lock_that_lets_a_second_party_in_is_found() {
        let work = AttemptWork {
            attempt: TryAttempt(OpenLock),
            counter: MeetingCounter::new(2),
            tally: Tally::new().unwrap(),
            attempts: 3,
            hold: Duration::from_nanos(1),
            party_count: 2,
        };
        run_together(&work, 2);
        let expected = "the counter under the lock is 3 after 6 increments";
        assert_eq!(work.verify(1), Err(expected.into()));
    }
}
