use std::io;

use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::sync::{Lock, Party, RacyCounter, SharedCounter};

/// Parties that increment one counter, each time under a lock.
///
/// **Invariant.** No increment is lost. Each is a load and a store, so one is lost if two parties are under the lock at once.
pub struct MutexWork<L, C = RacyCounter> {
    lock: L,
    counter: C,
    /// By each party and run.
    increments: u64,
    party_count: u64,
}

impl<L: Lock> MutexWork<L> {
    /// `party_count` parties, each of which increments the counter `increments` times per run.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page.
    pub fn new(lock: L, party_count: u64, increments: u64) -> io::Result<Self> {
        Ok(Self {
            lock,
            counter: RacyCounter::new()?,
            increments,
            party_count,
        })
    }
}

impl<L: Lock, C: SharedCounter> MutexWork<L, C> {
    /// Increments up to `left` times, until the party must sleep for the lock, and returns how many times are left.
    ///
    /// No async function, because the variables of one are in memory, and to take a lock the processor waits for all that was
    /// written before.
    fn increment_awake(&self, mut left: u64) -> u64 {
        while left > 0 {
            let Some(_guard) = self.lock.lock_awake() else {
                break;
            };
            self.counter.add(1);
            left -= 1;
        }
        left
    }
}

impl<L: Lock, C: SharedCounter + 'static> Coordination for MutexWork<L, C> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        let mut left = self.increments;
        loop {
            left = self.increment_awake(left);
            if left == 0 {
                return Ok(seed);
            }
            let _guard = self.lock.wait(party).await?;
            self.counter.add(1);
            left -= 1;
        }
    }

    fn reset(&self) {
        self.counter.reset();
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let expected = self.increments * self.party_count * run_count;
        check_total(self.counter.value(), expected)
    }
}

/// Checks the value of a counter from which no increment may be missing.
pub(super) fn check_total(found: u64, expected: u64) -> Result<Findings, String> {
    match found == expected {
        true => Ok(Findings::new()),
        false => Err(format!(
            "the counter under the lock is {found} after {expected} increments"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::fixture::{MeetingCounter, OpenLock, run_together};
    use crate::sync::{PosixMutex, SpinLock, ThreadLock};

    fn outcome(lock: impl Lock) -> Result<Findings, String> {
        let work = MutexWork::new(lock, 2, 10_000).unwrap();
        run_together(&work, 2);
        work.verify(1)
    }

    #[test]
    fn under_a_lock_no_increment_is_lost() {
        assert_eq!(outcome(ThreadLock::new("it")), Ok(Findings::new()));
        assert_eq!(outcome(PosixMutex::new("it").unwrap()), Ok(Findings::new()));
        assert_eq!(outcome(SpinLock::new("it").unwrap()), Ok(Findings::new()));
    }

    #[test]
    fn a_lock_that_lets_a_second_party_in_is_found() {
        let work = MutexWork {
            lock: OpenLock,
            counter: MeetingCounter::new(2),
            increments: 3,
            party_count: 2,
        };
        run_together(&work, 2);
        let expected = "the counter under the lock is 3 after 6 increments";
        assert_eq!(work.verify(1), Err(expected.into()));
        work.reset();
        assert_eq!(work.verify(0), Ok(Findings::new()));
    }
}
