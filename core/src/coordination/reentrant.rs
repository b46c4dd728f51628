use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::mutex::check_total;
use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::memory::{Padded, SharedSlice};
use crate::sync::{Lock, Party, RacyCounter, SharedCounter, at_once};

/// Parties that increment one counter under a lock, which each of them takes several times before it gives it back as often.
///
/// **Invariants.** Whoever has taken the lock for the nth time finds that it was taken n times. No increment is lost.
pub struct ReentrantWork<L> {
    lock: L,
    counter: RacyCounter,
    /// How often the lock is held.
    level: SharedSlice<Padded<AtomicU64>>,
    /// By each party and run.
    increments: u64,
    /// How often a party takes the lock per increment.
    depth: u64,
    party_count: u64,
}

impl<L: Lock> ReentrantWork<L> {
    /// `party_count` parties, each of which increments the counter `increments` times per run. The lock is one that blocks,
    /// and that its holder may take again.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new(lock: L, party_count: u64, increments: u64, depth: u64) -> io::Result<Self> {
        Ok(Self {
            lock,
            counter: RacyCounter::new()?,
            level: SharedSlice::new(1)?,
            increments,
            depth,
            party_count,
        })
    }

    /// Takes the lock once more. It was held `level` times.
    fn enter<'a>(&'a self, party: Party<'a>, level: u64) -> Result<L::Guard<'a>, PartyError> {
        let guard = at_once(self.lock.lock(party))?;
        // Relaxed, here and below: the lock orders the accesses of different parties.
        let found = self.level[0].fetch_add(1, Ordering::Relaxed);
        match found == level {
            true => Ok(guard),
            false => Err(PartyError::Violated(format!(
                "party {} has taken the lock {} times, but it was taken {} times",
                party.index,
                level + 1,
                found + 1
            ))),
        }
    }

    fn leave(&self, guard: L::Guard<'_>) {
        self.level[0].fetch_sub(1, Ordering::Relaxed);
        drop(guard);
    }
}

impl<L: Lock> Coordination for ReentrantWork<L> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        let mut guards = Vec::with_capacity(self.depth as usize);
        for _ in 0..self.increments {
            for level in 0..self.depth {
                guards.push(self.enter(party, level)?);
            }
            self.counter.add(1);
            while let Some(guard) = guards.pop() {
                self.leave(guard);
            }
        }
        Ok(seed)
    }

    fn reset(&self) {
        self.counter.reset();
        self.level[0].store(0, Ordering::Relaxed);
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let expected = self.increments * self.party_count * run_count;
        check_total(self.counter.value(), expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::fixture::{OpenLock, run_together};
    use crate::graph::TaskId;
    use crate::sync::{PosixMutex, WaitTable};

    #[test]
    fn the_holder_may_take_the_lock_again_and_nobody_else() {
        let lock = PosixMutex::reentrant("it").unwrap();
        let work = ReentrantWork::new(lock, 2, 5_000, 3).unwrap();
        run_together(&work, 2);
        assert_eq!(work.verify(1), Ok(Findings::new()));
    }

    #[test]
    fn a_lock_that_lets_a_second_party_in_is_found() {
        let table = WaitTable::new(2).unwrap();
        let work = ReentrantWork::new(OpenLock, 2, 1, 2).unwrap();
        work.enter(Party::new(&table, TaskId(0)), 0).unwrap();
        let second = at_once(work.take_part(Party::new(&table, TaskId(1)), 7));
        let expected = "party 1 has taken the lock 1 times, but it was taken 2 times";
        assert_eq!(second, Err(PartyError::Violated(expected.into())));
    }
}
