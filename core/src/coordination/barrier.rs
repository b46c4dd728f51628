use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::memory::{Padded, SharedSlice};
use crate::sync::{Barrier, Party};

/// Parties that meet at a barrier, phase after phase.
///
/// **Invariant.** When a party passes the barrier, all parties have arrived for this phase, and none has arrived more than
/// once since.
pub struct BarrierWork<B> {
    barrier: B,
    party_count: u64,
    phase_count: u64,
    /// How often any party has arrived.
    arrivals: SharedSlice<Padded<AtomicU64>>,
}

impl<B: Barrier> BarrierWork<B> {
    /// `party_count` parties that meet `phase_count` times per run at `barrier`, which is made for them.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page.
    pub fn new(barrier: B, party_count: u64, phase_count: u64) -> io::Result<Self> {
        Ok(Self {
            barrier,
            party_count,
            phase_count,
            arrivals: SharedSlice::new(1)?,
        })
    }
}

impl<B: Barrier> Coordination for BarrierWork<B> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        let arrivals = &self.arrivals[0];
        for _ in 0..self.phase_count {
            // Relaxed: the barrier orders the arrivals before whatever follows it.
            let earlier = arrivals.fetch_add(1, Ordering::Relaxed);
            let phase = earlier / self.party_count;
            self.barrier.wait(party).await?;
            let arrived = arrivals.load(Ordering::Relaxed) - phase * self.party_count;
            if !(self.party_count..=2 * self.party_count - 1).contains(&arrived) {
                return Err(PartyError::Violated(format!(
                    "party {} passed the barrier of phase {phase} when {arrived} of {} parties had arrived",
                    party.index, self.party_count
                )));
            }
        }
        Ok(seed)
    }

    fn reset(&self) {
        // Relaxed: nothing is running.
        self.arrivals[0].store(0, Ordering::Relaxed);
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let expected = self.party_count * self.phase_count * run_count;
        // Relaxed: nothing is running.
        match self.arrivals[0].load(Ordering::Relaxed) {
            found if found == expected => Ok(Findings::new()),
            found => Err(format!(
                "{found} arrivals at the barrier instead of {expected}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskId;
    use crate::sync::{Halted, WaitTable, at_once};

    /// Lets everybody through.
    struct Open;

    impl Barrier for Open {
        async fn wait(&self, _: Party<'_>) -> Result<(), Halted> {
            Ok(())
        }
    }

    #[test]
    fn a_barrier_that_lets_one_through_early_is_found() {
        let table = WaitTable::new(2).unwrap();
        let work = BarrierWork::new(Open, 2, 3).unwrap();
        let fault = at_once(work.take_part(Party::new(&table, TaskId(0)), 7));
        let expected = "party 0 passed the barrier of phase 0 when 1 of 2 parties had arrived";
        assert_eq!(fault, Err(PartyError::Violated(expected.into())));
    }

    #[test]
    fn a_party_that_stays_away_is_found() {
        let table = WaitTable::new(1).unwrap();
        let work = BarrierWork::new(Open, 1, 3).unwrap();
        let party = Party::new(&table, TaskId(0));
        assert_eq!(at_once(work.take_part(party, 7)), Ok(7));
        assert_eq!(work.verify(1), Ok(Findings::new()));
        let expected = "3 arrivals at the barrier instead of 6";
        assert_eq!(work.verify(2), Err(expected.into()));
        work.reset();
        assert_eq!(work.verify(0), Ok(Findings::new()));
    }
}
