//! Events: many parties wait until one sets them.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::futex;
use super::monitor::{Monitor, ThreadMonitor};
use super::party::{Halted, LOOK_INTERVAL, Party};
use crate::memory::{Padded, SharedSlice};

/// A flag that parties wait for.
pub trait Event: Send + Sync + 'static {
    /// Waits until the event is set. What the setter did before is then visible.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed.
    fn wait(&self, party: Party<'_>) -> impl Future<Output = Result<(), Halted>> + Send;

    /// Sets the event, and lets everybody through from now on.
    fn set(&self);

    /// Clears the event. Nobody may be waiting for it.
    fn clear(&self);

    /// See [`Monitor::halt`].
    fn halt(&self) {}
}

/// What a blocked party is said to wait for.
const EVENT: &str = "the event";

/// An event for threads: a flag under a mutex, and a condition.
#[derive(Default)]
pub struct ThreadEvent {
    monitor: ThreadMonitor,
    /// Relaxed, always: it is used under the lock of the monitor, which orders everything.
    is_set: AtomicBool,
}

impl Event for ThreadEvent {
    async fn wait(&self, party: Party<'_>) -> Result<(), Halted> {
        let check = || self.is_set.load(Ordering::Relaxed).then_some(());
        self.monitor.wait_until(0, party, EVENT, check).await
    }

    fn set(&self) {
        let set = || self.is_set.store(true, Ordering::Relaxed);
        self.monitor.locked(set);
        self.monitor.wake_all(0);
    }

    fn clear(&self) {
        let clear = || self.is_set.store(false, Ordering::Relaxed);
        self.monitor.locked(clear);
    }

    fn halt(&self) {
        self.monitor.halt();
    }
}

/// An event for processes: one word in shared pages, which is 1 while the event is set. Blocked parties sleep on it.
pub struct SharedEvent(SharedSlice<Padded<AtomicU32>>);

impl SharedEvent {
    /// An event that is not set.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page.
    pub fn new() -> io::Result<Self> {
        Ok(Self(SharedSlice::new(1)?))
    }

    fn is_set(&self) -> bool {
        // Acquire: pairs with the Release in `set`.
        self.0[0].load(Ordering::Acquire) == 1
    }
}

impl Event for SharedEvent {
    async fn wait(&self, party: Party<'_>) -> Result<(), Halted> {
        if self.is_set() {
            return Ok(());
        }
        let _waiting = party.waits_for(EVENT);
        while !self.is_set() {
            party.look()?;
            futex::wait_at_most(&self.0[0], 0, LOOK_INTERVAL);
        }
        Ok(())
    }

    fn set(&self) {
        // Release: whoever passes sees what the setter did before.
        self.0[0].store(1, Ordering::Release);
        futex::wake(&self.0[0], u32::MAX >> 1);
    }

    fn clear(&self) {
        // Relaxed: nobody waits, and the caller orders this before whoever waits next.
        self.0[0].store(0, Ordering::Relaxed);
    }
}
