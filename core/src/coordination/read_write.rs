use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::memory::SharedSlice;
use crate::sync::{Party, ReadWriteLock};

/// Parties that read a value under a lock that readers share, and now and then increment it under the same lock.
///
/// **Invariants.** The value is in two words, which a writer changes one after the other: a reader finds them equal. No
/// reader finds a smaller value than before. No increment is lost.
pub struct ReadWriteWork<L> {
    lock: L,
    value: SharedSlice<AtomicU64>,
    /// Reads and writes by each party and run.
    operations: u64,
    /// How many of a hundred operations are reads.
    read_percent: u64,
    party_count: u64,
}

impl<L: ReadWriteLock> ReadWriteWork<L> {
    /// `party_count` parties, each of which reads or writes `operations` times per run.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page.
    pub fn new(lock: L, party_count: u64, operations: u64, read_percent: u64) -> io::Result<Self> {
        Ok(Self {
            lock,
            value: SharedSlice::new(2)?,
            operations,
            read_percent,
            party_count,
        })
    }

    /// How many of the first `operations` operations of a party are reads.
    fn reads_among(&self, operations: u64) -> u64 {
        (u128::from(operations) * u128::from(self.read_percent) / 100) as u64
    }

    /// Whether each operation of a party is a read. Reads and writes are spread evenly.
    fn are_reads(&self) -> impl Iterator<Item = bool> {
        // In hundredths of a read.
        let mut due = 0;
        (0..self.operations).map(move |_| {
            due += self.read_percent;
            let is_read = due >= 100;
            if is_read {
                due -= 100;
            }
            is_read
        })
    }

    /// Reads the value under the lock. The party has last found `last`.
    fn read(&self, party: Party<'_>, last: u64) -> Result<u64, PartyError> {
        // Relaxed: the lock orders this after the writers.
        let [first, second] = [0, 1].map(|at| self.value[at].load(Ordering::Relaxed));
        if first != second {
            return Err(PartyError::Violated(format!(
                "party {} read while another one wrote",
                party.index
            )));
        }
        if first < last {
            return Err(PartyError::Violated(format!(
                "party {} read {first} after it had read {last}",
                party.index
            )));
        }
        Ok(first)
    }

    /// Increments the value under the lock: a load and a store per word.
    fn write(&self) {
        for word in self.value.iter() {
            // Relaxed: the lock orders this after all earlier accesses.
            let value = word.load(Ordering::Relaxed);
            word.store(value + 1, Ordering::Relaxed);
        }
    }
}

impl<L: ReadWriteLock> Coordination for ReadWriteWork<L> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        let mut last = 0;
        for is_read in self.are_reads() {
            match is_read {
                true => {
                    let _guard = self.lock.read(party).await?;
                    last = self.read(party, last)?;
                }
                false => {
                    let _guard = self.lock.write(party).await?;
                    self.write();
                }
            }
        }
        Ok(seed)
    }

    fn reset(&self) {
        for word in self.value.iter() {
            // Relaxed: nothing is running.
            word.store(0, Ordering::Relaxed);
        }
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let writes = self.operations - self.reads_among(self.operations);
        let expected = writes * self.party_count * run_count;
        // Relaxed: nothing is running.
        let found = self.value.iter().map(|word| word.load(Ordering::Relaxed));
        match found.clone().all(|value| value == expected) {
            true => Ok(Findings::new()),
            false => Err(format!(
                "the value under the lock is {:?} after {expected} increments",
                found.collect::<Vec<_>>()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::fixture::run_together;
    use crate::graph::TaskId;
    use crate::sync::{Halted, PosixReadWriteLock, ThreadReadWriteLock, WaitTable, at_once};

    /// Lets everybody in.
    struct Open;

    impl ReadWriteLock for Open {
        type ReadGuard<'a> = ();
        type WriteGuard<'a> = ();

        fn try_read(&self) -> Option<()> {
            Some(())
        }

        async fn wait_read<'a>(&'a self, _: Party<'a>) -> Result<(), Halted> {
            Ok(())
        }

        fn try_write(&self) -> Option<()> {
            Some(())
        }

        async fn wait_write<'a>(&'a self, _: Party<'a>) -> Result<(), Halted> {
            Ok(())
        }
    }

    fn outcome(lock: impl ReadWriteLock) -> Result<Findings, String> {
        let work = ReadWriteWork::new(lock, 3, 5_000, 70).unwrap();
        run_together(&work, 3);
        work.verify(1)
    }

    #[test]
    fn readers_see_whole_writes_and_none_is_lost() {
        assert_eq!(outcome(ThreadReadWriteLock::default()), Ok(Findings::new()));
        assert_eq!(
            outcome(PosixReadWriteLock::new().unwrap()),
            Ok(Findings::new())
        );
    }

    #[test]
    fn reads_are_spread_evenly_among_writes() {
        let work = ReadWriteWork::new(Open, 1, 10, 70).unwrap();
        let are_reads = work.are_reads().enumerate();
        let reads: Vec<_> = are_reads.filter(|one| one.1).map(|one| one.0).collect();
        assert_eq!(reads, [1, 2, 4, 5, 7, 8, 9]);
        assert_eq!(work.reads_among(10), 7);
    }

    #[test]
    fn a_lock_that_lets_a_reader_in_while_another_writes_is_found() {
        let table = WaitTable::new(1).unwrap();
        let work = ReadWriteWork::new(Open, 1, 10, 70).unwrap();
        // Half of a write.
        work.value[0].store(1, Ordering::Relaxed);
        let party = Party::new(&table, TaskId(0));
        let expected = PartyError::Violated("party 0 read while another one wrote".into());
        assert_eq!(at_once(work.take_part(party, 7)), Err(expected));
    }

    #[test]
    fn a_lock_that_lets_two_writers_in_is_found() {
        let table = WaitTable::new(1).unwrap();
        let work = ReadWriteWork::new(Open, 1, 10, 70).unwrap();
        let party = Party::new(&table, TaskId(0));
        assert_eq!(at_once(work.take_part(party, 7)), Ok(7));
        assert_eq!(work.verify(1), Ok(Findings::new()));
        // The other writer had loaded the value before this party wrote, and stores it after.
        work.value
            .iter()
            .for_each(|word| word.store(2, Ordering::Relaxed));
        let expected = PartyError::Violated("party 0 read 2 after it had read 3".into());
        assert_eq!(work.read(party, 3), Err(expected));
        let expected = "the value under the lock is [2, 2] after 3 increments";
        assert_eq!(work.verify(1), Err(expected.into()));
    }
}
