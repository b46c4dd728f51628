//! A lock whose waiters stay on their cores.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{hint, thread};

use super::lock::Lock;
use super::party::{Halted, Party};
use crate::memory::{Padded, SharedSlice};

/// How often a waiter looks at the lock before it lets another thread have its core. Without this, a waiter on the core of
/// the holder would spin until the system takes the core away from it.
const LOOKS_PER_TURN: u32 = 100;

/// A word that is 1 while somebody holds the lock, for threads and for processes. Waiters read it until it changes, and
/// now and then give up their turn on the core. They never sleep.
pub struct SpinLock {
    word: SharedSlice<Padded<AtomicU32>>,
    name: &'static str,
}

/// Somebody holds a [`SpinLock`] for as long as this lives.
pub struct SpinGuard<'a>(&'a AtomicU32);

impl SpinLock {
    /// A lock that parties call `name` when they wait for it.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page.
    pub fn new(name: &'static str) -> io::Result<Self> {
        Ok(Self {
            word: SharedSlice::new(1)?,
            name,
        })
    }

    /// Looks at the lock until it can be taken. Without success, lets another thread have the core.
    #[cold]
    fn spin_for_a_turn(&self) -> Option<SpinGuard<'_>> {
        for _ in 0..LOOKS_PER_TURN {
            // Relaxed: it only says whether trying is worthwhile. Reading leaves the line with all waiters.
            let is_free = self.word[0].load(Ordering::Relaxed) == 0;
            if let Some(guard) = is_free.then(|| self.try_lock()).flatten() {
                return Some(guard);
            }
            hint::spin_loop();
        }
        thread::yield_now();
        None
    }
}

impl Lock for SpinLock {
    type Guard<'a> = SpinGuard<'a>;

    #[inline]
    fn try_lock(&self) -> Option<SpinGuard<'_>> {
        let word = &self.word[0];
        // Acquire: pairs with the Release of the last holder, so that this one sees what it did.
        let taken = word.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed);
        taken.is_ok().then(|| SpinGuard(word))
    }

    #[inline]
    fn lock_awake(&self) -> Option<SpinGuard<'_>> {
        self.try_lock().or_else(|| self.spin_for_a_turn())
    }

    async fn wait<'a>(&'a self, party: Party<'a>) -> Result<SpinGuard<'a>, Halted> {
        // A turn is short, so no limit is needed for looking in time.
        party.blocks(self.name, |_| self.spin_for_a_turn())
    }
}

impl Drop for SpinGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release: the next holder sees what this one did.
        self.0.store(0, Ordering::Release);
    }
}
