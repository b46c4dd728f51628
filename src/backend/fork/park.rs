//! Where idle workers sleep, and how none of them is forgotten there.
//!
//! Every worker has a seat, a futex word of its own, and there is one count of the seats taken. Whoever
//! moves a seat from `PARKED` to `AWAKE`, its worker or a waker, takes one off the count, and nobody else
//! does: the count can never go astray.
//!
//! **Invariant: no wake-up is lost.** A worker takes its seat, passes a full fence, and searches once more
//! before it sleeps. Whoever makes a task takeable passes a full fence, then looks at the count. In the one
//! order that all fences have, either the worker's fence comes first, and the other sees the seat taken and
//! wakes it; or the other's comes first, and the worker's last search finds the task. Without the fences
//! both could miss each other, since a store may be delayed past a later load.
//!
//! **A wake-up is a debt.** It stands for a task that waits. A worker that takes a task and leaves another
//! behind wakes one more; one that was woken while it had already found something else passes the wake-up on.

use crossbeam_utils::CachePadded;

use super::atomic::{AtomicU32, Ordering, fence};
use super::futex;

/// The worker of this seat is not asleep, or has been woken.
const AWAKE: u32 = 0;
/// The worker of this seat sleeps, or is about to.
const PARKED: u32 = 1;

/// The seats of all workers: a view of words in shared pages. All zero means that everyone is awake.
#[derive(Clone, Copy)]
pub(super) struct Parking<'a> {
    /// How many seats are `PARKED`. A waker reads it before it looks at the seats themselves.
    sleepers: &'a AtomicU32,
    seats: &'a [CachePadded<AtomicU32>],
}

impl<'a> Parking<'a> {
    pub(super) fn new(sleepers: &'a AtomicU32, seats: &'a [CachePadded<AtomicU32>]) -> Self {
        Self { sleepers, seats }
    }

    /// Worker `me` takes its seat. It must search once more, and then either [`stay`](Self::stay) or
    /// [`leave`](Self::leave).
    pub(super) fn sit(&self, me: usize) {
        // Relaxed: the fence orders it before the search that follows.
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        // Release: who sees the seat taken counts it down only after it was counted up, see `unpark`.
        self.seats[me].store(PARKED, Ordering::Release);
        // The worker's half of the invariant.
        fence(Ordering::SeqCst);
    }

    /// Worker `me` sleeps until it is woken.
    pub(super) fn stay(&self, me: usize) {
        // Acquire: pairs with the Release in `unpark`. What the worker was woken for is found by its next
        // search, and not only by the one after it has sat down again.
        while self.seats[me].load(Ordering::Acquire) == PARKED {
            futex::wait(&self.seats[me], PARKED);
        }
    }

    /// Worker `me` leaves its seat, since its last search found something. `true` if it was woken at that
    /// moment: then it owes the wake-up to another.
    #[must_use]
    pub(super) fn leave(&self, me: usize) -> bool {
        !self.unpark(me)
    }

    /// Wakes one worker, if any sleeps. The caller has passed a full fence since it made a task takeable.
    #[inline]
    pub(super) fn wake_one(&self) {
        // Relaxed: the caller's fence, its half of the invariant, orders it.
        if self.sleepers.load(Ordering::Relaxed) > 0 {
            self.wake(1);
        }
    }

    /// Wakes up to `count` workers that sleep. The fence is the caller's, as with
    /// [`wake_one`](Self::wake_one).
    #[cold]
    pub(super) fn wake(&self, count: usize) {
        let parked = (0..self.seats.len()).filter(|seat| {
            // Relaxed: a first look only, to leave the cache lines of those awake alone.
            self.seats[*seat].load(Ordering::Relaxed) == PARKED && self.unpark(*seat)
        });
        for seat in parked.take(count) {
            futex::wake(&self.seats[seat]);
        }
    }

    /// Moves `seat` from `PARKED` to `AWAKE`; `false` if another was faster.
    fn unpark(&self, seat: usize) -> bool {
        // Acquire: the count went up before the seat was taken, see `sit`. Release: whoever wakes hands
        // over what it has done, see `stay`. Acquire on failure too: a worker that finds itself woken owes
        // a wake-up to whoever its waker could see asleep, so it has to see them as well.
        let won =
            self.seats[seat].compare_exchange(PARKED, AWAKE, Ordering::AcqRel, Ordering::Acquire);
        if won.is_ok() {
            // Relaxed: the fences of `sit` and of the wakers order what they need of it.
            let before = self.sleepers.fetch_sub(1, Ordering::Relaxed);
            debug_assert!(
                before > 0,
                "a seat was counted down before it was counted up"
            );
        }
        won.is_ok()
    }
}
