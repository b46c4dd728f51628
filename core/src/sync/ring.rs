//! A bounded queue in shared pages, for any number of senders and receivers that block.
//!
//! Senders and receivers take positions 0, 1, 2, .. by turns from a counter each. The message of position `p` passes
//! through place `p % capacity`.
//!
//! **Invariant.** The `turn` of a place says who may use it: `2 * lap` the sender, and `2 * lap + 1` the receiver, whose
//! position divided by the capacity is `lap`. Only they change it, to the next number, when they are done with the place.
//! So a position is used by one sender, then by one receiver, and a message can neither get lost nor arrive twice. Each
//! receiver's positions increase, so what one sender sends arrives at each receiver in order.
//!
//! A position that was taken is not given back. Whoever waits for its turn gives up only when the run has failed.

use super::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use super::channel::{MESSAGE, Message, ROOM};
use super::futex;
use super::party::{Halted, LOOK_INTERVAL, Party};

/// The queue: a view of words in shared pages. All zero is an empty queue.
pub(super) struct Ring<'a> {
    /// The next position to send to.
    pub(super) tail: &'a AtomicU64,
    /// The next position to receive from.
    pub(super) head: &'a AtomicU64,
    /// At least one.
    pub(super) places: &'a [Place],
}

/// The place of one message. It has a cache line to itself, because neighbours are used by different workers.
#[repr(align(64))]
pub(super) struct Place {
    pub(super) turn: AtomicU32,
    /// How many workers sleep on `turn`, or are about to.
    pub(super) sleeper_count: AtomicU32,
    pub(super) word: AtomicU64,
    pub(super) sent_ns: AtomicU64,
}

impl Ring<'_> {
    /// Sends `message`, and waits while the queue is full.
    #[inline]
    pub(super) fn send(&self, party: Party<'_>, message: Message) -> Result<(), Halted> {
        // Relaxed: each sender only needs a different position, and the turn orders what happens at the place.
        let position = self.tail.fetch_add(1, Ordering::Relaxed);
        let (place, turn) = self.place(position);
        place.wait_for(turn, party, ROOM)?;
        // Relaxed: the next turn releases both.
        place.word.store(message.word, Ordering::Relaxed);
        place.sent_ns.store(message.sent_ns, Ordering::Relaxed);
        place.give(turn.wrapping_add(1));
        Ok(())
    }

    /// Receives the next message, and waits while the queue is empty.
    #[inline]
    pub(super) fn receive(&self, party: Party<'_>) -> Result<Message, Halted> {
        // Relaxed: as in `send`.
        let position = self.head.fetch_add(1, Ordering::Relaxed);
        let (place, turn) = self.place(position);
        place.wait_for(turn.wrapping_add(1), party, MESSAGE)?;
        // Relaxed: `wait_for` acquired both.
        let message = Message {
            word: place.word.load(Ordering::Relaxed),
            sent_ns: place.sent_ns.load(Ordering::Relaxed),
        };
        place.give(turn.wrapping_add(2));
        Ok(message)
    }

    /// The place of `position`, and the turn of its sender. Turns repeat after 2^31 laps, which nobody waits for.
    #[inline]
    fn place(&self, position: u64) -> (&Place, u32) {
        let capacity = self.places.len() as u64;
        let turn = (position / capacity).wrapping_mul(2) as u32;
        (&self.places[(position % capacity) as usize], turn)
    }
}

impl Place {
    /// Waits until it is `turn`.
    #[inline]
    fn wait_for(&self, turn: u32, party: Party<'_>, what: &str) -> Result<(), Halted> {
        // Acquire: pairs with the Release in `give`.
        match self.turn.load(Ordering::Acquire) == turn {
            true => Ok(()),
            false => self.sleep_until(turn, party, what),
        }
    }

    #[cold]
    fn sleep_until(&self, turn: u32, party: Party<'_>, what: &str) -> Result<(), Halted> {
        let _waiting = party.waits_for(what);
        // Relaxed: the fence orders it.
        self.sleeper_count.fetch_add(1, Ordering::Relaxed);
        // SeqCst: either this worker sees the turn that `give` stores, or `give` sees this sleeper.
        fence(Ordering::SeqCst);
        let ended = loop {
            // Acquire: as in `wait_for`.
            let seen = self.turn.load(Ordering::Acquire);
            if seen == turn {
                break Ok(());
            }
            if let Err(halted) = party.look() {
                break Err(halted);
            }
            futex::wait_at_most(&self.turn, seen, LOOK_INTERVAL);
        };
        // Relaxed: a count that is too large costs one needless call of the system.
        self.sleeper_count.fetch_sub(1, Ordering::Relaxed);
        ended
    }

    /// Passes the place on, and wakes those who sleep: each sleeper checks whether it is its turn.
    #[inline]
    fn give(&self, turn: u32) {
        // Release: what this worker did with the message comes before the next turn.
        self.turn.store(turn, Ordering::Release);
        // SeqCst: pairs with the fence in `sleep_until`.
        fence(Ordering::SeqCst);
        // Relaxed: the fence orders it.
        if self.sleeper_count.load(Ordering::Relaxed) > 0 {
            futex::wake(&self.turn, u32::MAX >> 1);
        }
    }
}
