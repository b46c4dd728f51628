use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::memory::{Padded, SharedSlice};
use crate::sync::{BreakableBarrier, Party};

/// Parties of which one does not come to the barrier, phase after phase. In even phases it says that it leaves; in odd phases it
/// is late: it comes after all others have lost their patience. A second barrier, to which everybody comes, separates the phases.
///
/// **Invariant.** All are told that the barrier is broken, those who wait and the one who comes late. Nobody passes.
pub struct BrokenBarrierWork<B> {
    /// The barrier that is broken and repaired.
    barrier: B,
    /// Where everybody meets, so that nobody is at the other barrier when it is repaired.
    aside: B,
    party_count: u64,
    phase_count: u64,
    /// How often any party was told.
    told_count: SharedSlice<Padded<AtomicU64>>,
}

/// How long parties wait for one that is late.
const PATIENCE: Duration = Duration::from_micros(100);

impl<B: BreakableBarrier> BrokenBarrierWork<B> {
    /// `party_count` parties that are told `phase_count` times per run. `barrier` and `aside` are made for them.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page.
    pub fn new(barrier: B, aside: B, party_count: u64, phase_count: u64) -> io::Result<Self> {
        Ok(Self {
            barrier,
            aside,
            party_count,
            phase_count,
            told_count: SharedSlice::new(1)?,
        })
    }

    /// Comes to the barrier, which is broken or will be.
    async fn be_told(
        &self,
        party: Party<'_>,
        phase: u64,
        patience: Option<Duration>,
    ) -> Result<(), PartyError> {
        if self.barrier.meet(party, patience).await? {
            return Err(PartyError::Violated(format!(
                "party {} passed the barrier of phase {phase}, to which one party did not come",
                party.index
            )));
        }
        // Relaxed: only the total matters.
        self.told_count[0].fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn leave_or_be_late(&self, party: Party<'_>, phase: u64) -> Result<(), PartyError> {
        if leaves(phase) {
            self.barrier.leave();
        }
        self.aside.wait(party).await?;
        self.be_told(party, phase, None).await?;
        self.barrier.repair();
        Ok(())
    }
}

/// Whether the party that does not come says so.
fn leaves(phase: u64) -> bool {
    phase.is_multiple_of(2)
}

impl<B: BreakableBarrier> Coordination for BrokenBarrierWork<B> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        for phase in 0..self.phase_count {
            if phase % self.party_count == party.index as u64 {
                self.leave_or_be_late(party, phase).await?;
            } else {
                let patience = (!leaves(phase)).then_some(PATIENCE);
                self.be_told(party, phase, patience).await?;
                self.aside.wait(party).await?;
            }
            self.aside.wait(party).await?;
        }
        Ok(seed)
    }

    fn reset(&self) {
        // Relaxed: nothing is running.
        self.told_count[0].store(0, Ordering::Relaxed);
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let expected = self.party_count * self.phase_count * run_count;
        // Relaxed: nothing is running.
        match self.told_count[0].load(Ordering::Relaxed) {
            found if found == expected => Ok(Findings::new()),
            found => Err(format!(
                "parties were told {found} times that the barrier is broken, instead of {expected} times"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::together::{stuck, together};
    use crate::graph::TaskId;
    use crate::sync::{Barrier, Halted, SharedBarrier, ThreadBarrier, WaitTable, at_once};

    fn all_are_told<B: BreakableBarrier>(barrier: impl Fn() -> B) {
        // The parties take turns, so in five phases each of three both leaves and is late, or nearly so.
        let work = BrokenBarrierWork::new(barrier(), barrier(), 3, 5).unwrap();
        for _ in 0..2 {
            assert_eq!(together(&work, 3), [Ok(7), Ok(7), Ok(7)]);
        }
        assert_eq!(work.verify(2), Ok(Findings::new()));
        let expected = "parties were told 30 times that the barrier is broken, instead of 15 times";
        assert_eq!(work.verify(1), Err(expected.into()));
        work.reset();
        assert_eq!(work.verify(0), Ok(Findings::new()));
    }

    #[test]
    fn all_are_told_that_the_barrier_is_broken() {
        all_are_told(|| ThreadBarrier::new(3));
        all_are_told(|| SharedBarrier::new(3).unwrap());
    }

    fn a_repaired_barrier_works<B: BreakableBarrier>(barrier: B) {
        let table = WaitTable::new(1).unwrap();
        let party = Party::new(&table, TaskId(0));
        let meet = || at_once(barrier.meet(party, None));
        assert_eq!(meet(), Ok(true));
        barrier.leave();
        assert_eq!([meet(), meet()], [Ok(false), Ok(false)]);
        barrier.repair();
        assert_eq!([meet(), meet()], [Ok(true), Ok(true)]);
    }

    #[test]
    fn a_barrier_is_broken_until_it_is_repaired() {
        a_repaired_barrier_works(ThreadBarrier::new(1));
        a_repaired_barrier_works(SharedBarrier::new(1).unwrap());
    }

    /// Lets everybody through, or else never tells anybody that a party will not come.
    struct Faulty {
        barrier: ThreadBarrier,
        lets_through: bool,
    }

    impl Barrier for Faulty {
        fn wait(&self, party: Party<'_>) -> impl Future<Output = Result<(), Halted>> + Send {
            self.barrier.wait(party)
        }
    }

    impl BreakableBarrier for Faulty {
        async fn meet(&self, party: Party<'_>, _: Option<Duration>) -> Result<bool, Halted> {
            match self.lets_through {
                true => Ok(true),
                false => self.barrier.meet(party, None).await,
            }
        }

        fn leave(&self) {}

        fn repair(&self) {}
    }

    fn faulty(lets_through: bool) -> BrokenBarrierWork<Faulty> {
        let barrier = || Faulty {
            barrier: ThreadBarrier::new(3),
            lets_through,
        };
        BrokenBarrierWork::new(barrier(), barrier(), 3, 5).unwrap()
    }

    #[test]
    fn a_barrier_that_lets_parties_through_without_one_of_them_is_found() {
        let table = WaitTable::new(3).unwrap();
        let party = Party::new(&table, TaskId(2));
        let expected = "party 2 passed the barrier of phase 0, to which one party did not come";
        assert_eq!(
            at_once(faulty(true).take_part(party, 7)),
            Err(PartyError::Violated(expected.into()))
        );
    }

    #[test]
    fn a_barrier_that_tells_nobody_never_ends_by_itself() {
        let halted = Err(PartyError::Halted(Halted));
        assert_eq!(stuck(&faulty(false), 3), vec![halted; 3]);
    }
}
