//! Monitors: a lock, and places where parties wait until what the lock protects has changed.

use std::sync::{Condvar, Mutex, MutexGuard};

use super::party::{Halted, Party};

/// The number of places of each monitor.
pub const PLACE_COUNT: usize = 2;

/// One lock, and [`PLACE_COUNT`] conditions, called places, at which parties wait.
///
/// A party that waits is woken only by [`wake_one`](Monitor::wake_one), [`wake_all`](Monitor::wake_all) or the end of the
/// run: it does not look by itself whether the state has changed. So a form that loses a wake-up never ends, and does not
/// only become slow.
pub trait Monitor: Send + Sync + 'static {
    /// Runs `change` while holding the lock.
    fn locked<R>(&self, change: impl FnOnce() -> R) -> R;

    /// Waits at `place` until `check`, which runs while the lock is held, returns something. `what` says what is awaited.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed.
    fn wait_until<R: Send>(
        &self,
        place: usize,
        party: Party<'_>,
        what: &str,
        check: impl FnMut() -> Option<R> + Send,
    ) -> impl Future<Output = Result<R, Halted>> + Send;

    /// Wakes one of the parties that wait at `place`. To be called after the change, with or without the lock.
    fn wake_one(&self, place: usize);

    /// Wakes all parties that wait at `place`. To be called after the change, with or without the lock.
    fn wake_all(&self, place: usize);

    /// The run has failed: makes all waiting parties look. Forms whose parties look by themselves need not do anything.
    fn halt(&self) {}
}

/// A monitor for threads: the mutex and the condition of the standard library.
#[derive(Default)]
pub struct ThreadMonitor {
    lock: Mutex<()>,
    places: [Condvar; PLACE_COUNT],
}

impl ThreadMonitor {
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().expect("nothing panics under the mutex")
    }
}

impl Monitor for ThreadMonitor {
    fn locked<R>(&self, change: impl FnOnce() -> R) -> R {
        let _held = self.lock();
        change()
    }

    async fn wait_until<R: Send>(
        &self,
        place: usize,
        party: Party<'_>,
        what: &str,
        mut check: impl FnMut() -> Option<R> + Send,
    ) -> Result<R, Halted> {
        let mut held = self.lock();
        if let Some(found) = check() {
            return Ok(found);
        }
        let _waiting = party.waits_for(what);
        loop {
            party.look()?;
            let woken = self.places[place].wait(held);
            held = woken.expect("nothing panics under the mutex");
            if let Some(found) = check() {
                return Ok(found);
            }
        }
    }

    fn wake_one(&self, place: usize) {
        self.places[place].notify_one();
    }

    fn wake_all(&self, place: usize) {
        self.places[place].notify_all();
    }

    fn halt(&self) {
        // A party looks while it holds the lock, and then waits. So it either sees that the run has failed, or waits already
        // when this has the lock.
        let _held = self.lock();
        for place in &self.places {
            place.notify_all();
        }
    }
}
