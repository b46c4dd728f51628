//! Barriers: nobody passes before everybody has arrived.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

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

/// A barrier that can be broken: all parties that are there or arrive later are then told, until it is repaired.
pub trait BreakableBarrier: Barrier {
    /// Waits until all parties have arrived, and returns `true`; or until the barrier is broken, and returns `false`. A party
    /// that has waited for `limit` breaks it.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed.
    fn meet(
        &self,
        party: Party<'_>,
        limit: Option<Duration>,
    ) -> impl Future<Output = Result<bool, Halted>> + Send;

    /// Breaks the barrier, as a party does that will not arrive.
    fn leave(&self);

    /// Makes the barrier as if it were new. Nobody may be there.
    fn repair(&self);
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
    is_broken: bool,
}

impl ThreadBarrier {
    /// A barrier for `party_count` parties.
    pub fn new(party_count: u32) -> Self {
        Self {
            party_count,
            state: Mutex::new(State {
                arrived_count: 0,
                round: 0,
                is_broken: false,
            }),
            everybody_is_here: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under the mutex")
    }
}

impl Barrier for ThreadBarrier {
    async fn wait(&self, party: Party<'_>) -> Result<(), Halted> {
        // Whoever waits without being told has a barrier that nobody breaks.
        self.meet(party, None).await.map(|_| ())
    }
}

impl BreakableBarrier for ThreadBarrier {
    async fn meet(&self, party: Party<'_>, limit: Option<Duration>) -> Result<bool, Halted> {
        let mut state = self.lock();
        if state.is_broken {
            return Ok(false);
        }
        state.arrived_count += 1;
        if state.arrived_count == self.party_count {
            state.arrived_count = 0;
            state.round = state.round.wrapping_add(1);
            self.everybody_is_here.notify_all();
            return Ok(true);
        }
        let round = state.round;
        let _waiting = party.waits_for(BARRIER);
        let waits = WaitLimit::new(limit);
        while state.round == round && !state.is_broken {
            party.look()?;
            let Some(time) = waits.left() else {
                state.is_broken = true;
                self.everybody_is_here.notify_all();
                break;
            };
            let waited = self.everybody_is_here.wait_timeout(state, time);
            state = waited.expect("nothing panics under the mutex").0;
        }
        Ok(state.round != round)
    }

    fn leave(&self) {
        self.lock().is_broken = true;
        self.everybody_is_here.notify_all();
    }

    fn repair(&self) {
        let mut state = self.lock();
        state.is_broken = false;
        state.arrived_count = 0;
    }
}

/// How long a party waits before it looks around.
struct WaitLimit(Option<Instant>);

impl WaitLimit {
    fn new(limit: Option<Duration>) -> Self {
        Self(limit.map(|limit| Instant::now() + limit))
    }

    /// The time until the party looks again; `None` if it has waited for too long.
    fn left(&self) -> Option<Duration> {
        let Some(end) = self.0 else {
            return Some(LOOK_INTERVAL);
        };
        let left = end.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left.min(LOOK_INTERVAL))
    }
}

/// A barrier for processes: two words in shared pages.
///
/// **Invariant.** `arrived` counts the parties that have arrived in this round. The last one sets it back to 0 before it
/// changes `round`, and nobody arrives for the next round before `round` has changed, because the parties are fixed.
///
/// The lowest bit of `round` says that the barrier is broken. `round` of a broken barrier does not change, so a party that
/// finds another round has met all others, and one that finds the same round with this bit has not.
pub struct SharedBarrier {
    party_count: u32,
    arrived: SharedSlice<Padded<AtomicU32>>,
    /// Twice the number of times that all parties have met, plus [`BROKEN`] if the barrier is broken. Blocked parties sleep
    /// on this word.
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

/// The barrier is broken.
const BROKEN: u32 = 1;

impl SharedBarrier {
    /// Changes the round from `before` to `after`, and wakes everybody, unless it has changed.
    fn change_round(&self, before: u32, after: u32) -> bool {
        let round = &self.round[0];
        // AcqRel: whoever sees the new round sees what all parties did before it. Acquire: another party has changed it.
        let changed = round
            .compare_exchange(before, after, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if changed {
            futex::wake(round, u32::MAX >> 1);
        }
        changed
    }
}

impl Barrier for SharedBarrier {
    async fn wait(&self, party: Party<'_>) -> Result<(), Halted> {
        // Whoever waits without being told has a barrier that nobody breaks.
        self.meet(party, None).await.map(|_| ())
    }
}

impl BreakableBarrier for SharedBarrier {
    async fn meet(&self, party: Party<'_>, limit: Option<Duration>) -> Result<bool, Halted> {
        let (arrived, round) = (&self.arrived[0], &self.round[0]);
        // Acquire: if the barrier is broken, this sees what was done before. Otherwise this party passed the last round, which
        // ordered its change before this; it can only be broken before this party has arrived.
        let before = round.load(Ordering::Acquire);
        if before & BROKEN != 0 {
            return Ok(false);
        }
        // AcqRel: each arrival releases what its party did, and the last one acquires all of it.
        if arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.party_count {
            // Relaxed: the change of `round` releases it to those who arrive next.
            arrived.store(0, Ordering::Relaxed);
            return Ok(self.change_round(before, before.wrapping_add(2)));
        }
        let _waiting = party.waits_for(BARRIER);
        let waits = WaitLimit::new(limit);
        loop {
            // Acquire: pairs with the exchange of the last party, or of whoever broke the barrier.
            let now = round.load(Ordering::Acquire);
            if now != before {
                return Ok(now & !BROKEN != before);
            }
            party.look()?;
            match waits.left() {
                Some(time) => futex::wait_at_most(round, before, time),
                // If this fails, the round has changed, and the next turn sees how.
                None => _ = self.change_round(before, before | BROKEN),
            }
        }
    }

    fn leave(&self) {
        // AcqRel: as in `change_round`.
        self.round[0].fetch_or(BROKEN, Ordering::AcqRel);
        futex::wake(&self.round[0], u32::MAX >> 1);
    }

    fn repair(&self) {
        // Relaxed, both: nobody is there, and the caller orders them before whoever arrives next.
        self.arrived[0].store(0, Ordering::Relaxed);
        self.round[0].fetch_and(!BROKEN, Ordering::Relaxed);
    }
}
