use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Coordination, Fault};
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
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, Fault> {
        let arrivals = &self.arrivals[0];
        for _ in 0..self.phase_count {
            // Relaxed: the barrier orders the arrivals before whatever follows it.
            let earlier = arrivals.fetch_add(1, Ordering::Relaxed);
            let phase = earlier / self.party_count;
            self.barrier.wait(party).await?;
            let arrived = arrivals.load(Ordering::Relaxed) - phase * self.party_count;
            if !(self.party_count..=2 * self.party_count - 1).contains(&arrived) {
                return Err(Fault::Violated(format!(
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
            found => Err(format!("{found} arrivals at the barrier instead of {expected}")),
        }
    }
}
