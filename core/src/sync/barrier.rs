//! Barriers: nobody passes before everybody has arrived.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};

use super::futex;
use super::party::{Halted, LOOK_INTERVAL, Party};
use crate::memory::{Padded, SharedSlice};

/// A place where a fixed number of parties meet, again and again.
pub trait Barrier: Send + Sync + 'static {
    /// Waits until all parties have arrived.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed.
    fn wait(&self, party: Party<'_>) -> impl Future<Output = Result<(), Halted>> + Send;
}

/// What a blocked party is said to wait for.
const BARRIER: &str = "the barrier";

/// A barrier for threads: a mutex and a condition, like the barrier of the standard library, which cannot be left when
/// the run has failed.
pub struct ThreadBarrier {
    party_count: u32,
    state: Mutex<State>,
    everybody_is_here: Condvar,
}

struct State {
    arrived_count: u32,
    /// How often all parties have met.
    round: u32,
}

impl ThreadBarrier {
    /// A barrier for `party_count` parties.
    pub fn new(party_count: u32) -> Self {
        Self {
            party_count,
            state: Mutex::new(State {
                arrived_count: 0,
                round: 0,
            }),
            everybody_is_here: Condvar::new(),
        }
    }
}

impl Barrier for ThreadBarrier {
    async fn wait(&self, party: Party<'_>) -> Result<(), Halted> {
        let mut state = self.state.lock().expect("nothing panics under the mutex");
        state.arrived_count += 1;
        if state.arrived_count == self.party_count {
            state.arrived_count = 0;
            state.round = state.round.wrapping_add(1);
            self.everybody_is_here.notify_all();
            return Ok(());
        }
        let round = state.round;
        let _waiting = party.waits_for(BARRIER);
        while state.round == round {
            party.look()?;
            let waited = self
                .everybody_is_here
                .wait_timeout(state, LOOK_INTERVAL)
                .expect("nothing panics under the mutex");
            state = waited.0;
        }
        Ok(())
    }
}

/// A barrier for processes: two words in shared pages.
///
/// **Invariant.** `arrived` counts the parties that have arrived in this round. The last one sets it back to 0 before it
/// changes `round`, and nobody arrives for the next round before `round` has changed, because the parties are fixed.
pub struct SharedBarrier {
    party_count: u32,
    arrived: SharedSlice<Padded<AtomicU32>>,
    /// How often all parties have met. Blocked parties sleep on this word.
    round: SharedSlice<Padded<AtomicU32>>,
}

impl SharedBarrier {
    /// A barrier for `party_count` parties.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new(party_count: u32) -> io::Result<Self> {
        Ok(Self {
            party_count,
            arrived: SharedSlice::new(1)?,
            round: SharedSlice::new(1)?,
        })
    }
}

impl Barrier for SharedBarrier {
    async fn wait(&self, party: Party<'_>) -> Result<(), Halted> {
        let (arrived, round) = (&self.arrived[0], &self.round[0]);
        // Relaxed: this party passed the last round, which ordered its change before this; the round cannot change
        // before this party has arrived.
        let before = round.load(Ordering::Relaxed);
        // AcqRel: each arrival releases what its party did, and the last one acquires all of it.
        if arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.party_count {
            // Relaxed: the store to `round` releases it to those who arrive next.
            arrived.store(0, Ordering::Relaxed);
            // Release: whoever sees the new round sees what all parties did before it.
            round.store(before.wrapping_add(1), Ordering::Release);
            futex::wake(round, u32::MAX >> 1);
            return Ok(());
        }
        let _waiting = party.waits_for(BARRIER);
        // Acquire: pairs with the Release of the last party.
        while round.load(Ordering::Acquire) == before {
            party.look()?;
            futex::wait_at_most(round, before, LOOK_INTERVAL);
        }
        Ok(())
    }
}
