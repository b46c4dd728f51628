//! The permits of a semaphore in one word, so that processes can share them and sleep on it.
//!
//! The low 16 bits are the permits that nobody has. The high 16 bits are the number of parties that wait.
//!
//! **Invariant: nobody is left asleep while there is a permit.** Whoever waits first adds itself to the word, and sleeps only
//! while the word is one without a permit. Whoever gives a permit back adds it to the word, and wakes one sleeper if the word
//! had a waiter. These additions have one order. Either the giver sees the waiter and wakes one, or the waiter sees the
//! permit and does not sleep. A woken waiter that another party overtook still counts as waiting, so that party wakes it.
//!
//! A waiter that dies stays in the count, which costs a call of the system per permit that is given back, and nothing else.

use super::atomic::{AtomicU32, Ordering};
use super::futex;
use super::party::LOOK_INTERVAL;

/// The most permits, and the most waiters.
pub(super) const MOST_PERMITS: u32 = PERMITS;

/// The bits of the permits.
const PERMITS: u32 = 0xffff;
/// One party that waits.
const WAITER: u32 = PERMITS + 1;

/// A view of the word.
#[derive(Clone, Copy)]
pub(super) struct Permits<'a>(&'a AtomicU32);

impl<'a> Permits<'a> {
    pub(super) fn new(word: &'a AtomicU32) -> Self {
        Self(word)
    }

    /// Takes a permit if there is one.
    #[inline]
    pub(super) fn try_take(self) -> bool {
        // Relaxed: the exchange decides.
        self.exchange(self.0.load(Ordering::Relaxed), 1).is_ok()
    }

    /// Waits for a permit and takes it.
    pub(super) fn take(self) {
        // Relaxed: the order of the changes of this one word is all that the invariant needs.
        let mut word = self.0.fetch_add(WAITER, Ordering::Relaxed) + WAITER;
        while let Err(without) = self.exchange(word, 1 + WAITER) {
            // Time limits nothing here: whoever gives a permit back wakes a waiter.
            futex::wait_at_most(self.0, without, LOOK_INTERVAL);
            // Relaxed: the exchange decides.
            word = self.0.load(Ordering::Relaxed);
        }
    }

    /// Subtracts `amount` as soon as the word has a permit.
    ///
    /// # Errors
    ///
    /// The word, if it has none.
    #[inline]
    fn exchange(self, mut word: u32, amount: u32) -> Result<(), u32> {
        while word & PERMITS > 0 {
            // Acquire: pairs with the Release of whoever gave the permit back, so that this party sees what it did.
            match self.0.compare_exchange_weak(
                word,
                word - amount,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
        Err(word)
    }

    /// Gives a permit back.
    #[inline]
    pub(super) fn give_back(self) {
        // Release: whoever takes the permit sees what this party did with it.
        if self.0.fetch_add(1, Ordering::Release) >= WAITER {
            futex::wake(self.0, 1);
        }
    }
}
