use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::kernel::Findings;
use crate::memory::{Padded, SharedSlice};

/// Counts the parties that have finished, so that the last one of each run can tidy up for the next run.
pub(super) struct Leaving {
    party_count: u64,
    left: SharedSlice<Padded<AtomicU64>>,
}

impl Leaving {
    pub(super) fn new(party_count: u64) -> io::Result<Self> {
        Ok(Self {
            party_count,
            left: SharedSlice::new(1)?,
        })
    }

    /// To be called by each party once per run, when it is done. Returns whether all others of this run are done too; what
    /// they did is then visible.
    pub(super) fn is_last(&self) -> bool {
        // AcqRel: each party releases what it did, and the last one acquires all of it.
        let earlier = self.left[0].fetch_add(1, Ordering::AcqRel);
        (earlier + 1).is_multiple_of(self.party_count)
    }

    /// Checks that all parties of `run_count` runs since the reset have finished. Nothing is running.
    pub(super) fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let expected = self.party_count * run_count;
        // Relaxed: nothing is running.
        match self.left[0].load(Ordering::Relaxed) {
            found if found == expected => Ok(Findings::new()),
            found => Err(format!("{found} parties finished instead of {expected}")),
        }
    }

    /// Nothing is running.
    pub(super) fn reset(&self) {
        // Relaxed: nothing is running.
        self.left[0].store(0, Ordering::Relaxed);
    }
}
