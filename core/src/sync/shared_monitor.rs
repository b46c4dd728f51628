//! The monitor of processes.

use std::io;

use super::atomic::{AtomicU32, Ordering};
use super::futex;
use super::monitor::{Monitor, PLACE_COUNT};
use super::party::{Halted, LOOK_INTERVAL, Party};
use super::posix_mutex::PosixMutex;
use crate::memory::{Padded, SharedSlice};

/// A monitor for processes: a process-shared mutex, and for each place a word in shared pages that counts wake-ups.
///
/// **Invariant.** A party reads the count of its place while it holds the lock and has found that it must wait, and then
/// sleeps only while the count is that number. Whoever changes the state adds to the count after the change. So either the
/// party sees the change, or the count is no longer what it read: no wake-up comes too early to be seen.
///
/// A party would miss 2^32 wake-ups between its reading and its sleep.
pub struct SharedMonitor {
    lock: PosixMutex,
    /// How often each place was woken. Waiting parties sleep on these words.
    wakes: SharedSlice<Padded<AtomicU32>>,
}

impl SharedMonitor {
    /// A monitor at which nobody waits.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages or the mutex.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            lock: PosixMutex::new("the lock of a monitor")?,
            wakes: SharedSlice::new(PLACE_COUNT)?,
        })
    }

    fn wake(&self, place: usize, count: u32) {
        // Relaxed: the lock orders the change that a woken party then looks for. The lock also orders this after the reading
        // of every party that did not see the change: the party read the count before it released the lock, and the change
        // was made with the lock after that.
        self.wakes[place].fetch_add(1, Ordering::Relaxed);
        futex::wake(&self.wakes[place], count);
    }
}

impl Monitor for SharedMonitor {
    fn locked<R>(&self, change: impl FnOnce() -> R) -> R {
        self.lock.with(change)
    }

    async fn wait_until<R: Send>(
        &self,
        place: usize,
        party: Party<'_>,
        what: &str,
        mut check: impl FnMut() -> Option<R> + Send,
    ) -> Result<R, Halted> {
        let wakes = &self.wakes[place];
        // Relaxed: see `wake`.
        let mut check = || (check(), wakes.load(Ordering::Relaxed));
        let (found, mut seen) = self.lock.with(&mut check);
        if let Some(found) = found {
            return Ok(found);
        }
        let _waiting = party.waits_for(what);
        loop {
            // Relaxed: the lock orders the state that is read next.
            while wakes.load(Ordering::Relaxed) == seen {
                party.look()?;
                futex::wait_at_most(wakes, seen, LOOK_INTERVAL);
            }
            let (found, now) = self.lock.with(&mut check);
            if let Some(found) = found {
                return Ok(found);
            }
            seen = now;
        }
    }

    fn wake_one(&self, place: usize) {
        self.wake(place, 1);
    }

    fn wake_all(&self, place: usize) {
        self.wake(place, u32::MAX >> 1);
    }
}
