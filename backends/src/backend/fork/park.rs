//! Where idle workers sleep, and why no wake-up is lost.
//!
//! Every worker has a seat, which is its own futex word. One count holds the number of seats taken. The worker or
//! waker that moves a seat from `PARKED` to `AWAKE` decrements the count, and no other does, so the count stays
//! correct.
//!
//! **Invariant: no wake-up is lost.** A worker takes its seat, passes a full fence, and searches once more before it
//! sleeps. A worker that makes a task takeable passes a full fence, then reads the count. All fences have one order.
//! If the sleeper's fence comes first, the other worker sees the seat taken and wakes it. If the other's fence comes
//! first, the sleeper's last search finds the task. Without the fences both could miss each other, because a store
//! may be delayed past a later load.
//!
//! **A wake-up must be passed on.** It stands for a task that waits. A worker that takes a task and leaves another
//! behind wakes one more worker. A worker that was woken after it had already found something else also passes the
//! wake-up on.

use taskdyno_core::memory::Padded;

use super::atomic::{AtomicU32, Ordering, fence};
use super::futex;

/// The worker of this seat does not sleep, or has been woken.
const AWAKE: u32 = 0;
/// The worker of this seat sleeps, or is about to.
const PARKED: u32 = 1;

/// The seats of all workers: a view of words in shared pages. All zero means that all workers are awake.
#[derive(Clone, Copy)]
pub(super) struct Parking<'a> {
    /// How many seats are `PARKED`. A waker reads it before it reads the seats themselves.
    sleepers: &'a AtomicU32,
    seats: &'a [Padded<AtomicU32>],
}

impl<'a> Parking<'a> {
    pub(super) fn new(sleepers: &'a AtomicU32, seats: &'a [Padded<AtomicU32>]) -> Self {
        Self { sleepers, seats }
    }

    /// Worker `me` takes its seat. It must search once more, and then either [`stay`](Self::stay) or
    /// [`leave`](Self::leave).
    pub(super) fn sit(&self, me: usize) {
        // Relaxed: the fence orders it before the search that follows.
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        // Release: a thread that sees the seat taken decrements the count only after it was incremented, see
        // `unpark`.
        self.seats[me].store(PARKED, Ordering::Release);
        // The sleeper's fence of the invariant.
        fence(Ordering::SeqCst);
    }

    /// Worker `me` sleeps until it is woken.
    pub(super) fn stay(&self, me: usize) {
        // Acquire: pairs with the Release in `unpark`. The worker's next search finds what it was woken for, without
        // sitting down again first.
        while self.seats[me].load(Ordering::Acquire) == PARKED {
            futex::wait(&self.seats[me], PARKED);
        }
    }

    /// Worker `me` leaves its seat because its last search found something. Returns `true` if it was woken at that
    /// moment; then it must pass the wake-up on.
    #[must_use]
    pub(super) fn leave(&self, me: usize) -> bool {
        !self.unpark(me)
    }

    /// Wakes one worker, if any sleeps. The caller must have passed a full fence since it made a task takeable.
    #[inline]
    pub(super) fn wake_one(&self) {
        // Relaxed: the caller's fence, the waker's fence of the invariant, orders it.
        if self.sleepers.load(Ordering::Relaxed) > 0 {
            self.wake(1);
        }
    }

    /// Wakes up to `count` workers that sleep. The caller must have passed the fence, as for
    /// [`wake_one`](Self::wake_one).
    #[cold]
    pub(super) fn wake(&self, count: usize) {
        let parked = (0..self.seats.len()).filter(|seat| {
            // Relaxed: only a first look, to leave the cache lines of awake workers alone.
            self.seats[*seat].load(Ordering::Relaxed) == PARKED && self.unpark(*seat)
        });
        for seat in parked.take(count) {
            futex::wake(&self.seats[seat]);
        }
    }

    /// Wakes this worker, if it sleeps. The caller must have passed the fence, as for [`wake_one`](Self::wake_one), since
    /// it did what the worker waits for.
    pub(super) fn wake_worker(&self, worker: usize) {
        // Relaxed: as in `wake_one`.
        let is_parked = self.seats[worker].load(Ordering::Relaxed) == PARKED;
        if is_parked && self.unpark(worker) {
            futex::wake(&self.seats[worker]);
        }
    }

    /// Moves `seat` from `PARKED` to `AWAKE`; `false` if another thread was faster.
    fn unpark(&self, seat: usize) -> bool {
        // Acquire: the count was incremented before the seat was taken, see `sit`. Release: the waker hands over
        // what it has done, see `stay`. Acquire on failure too: a worker that finds itself woken must pass the
        // wake-up on to any worker that its waker could see asleep, so it must see them as well.
        let won =
            self.seats[seat].compare_exchange(PARKED, AWAKE, Ordering::AcqRel, Ordering::Acquire);
        if won.is_ok() {
            // Relaxed: the fences of `sit` and of the wakers give the order that is needed.
            let before = self.sleepers.fetch_sub(1, Ordering::Relaxed);
            debug_assert!(
                before > 0,
                "the count of sleepers was decremented before it was incremented"
            );
        }
        won.is_ok()
    }
}
