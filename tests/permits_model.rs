//! Checks the permits of the semaphore that processes share. Loom tries every order of the steps of its parties, and every
//! value that the memory model lets them read (within loom's bounds).
//!
//! The test compiles the file of the permits itself, with loom's atomics instead of the machine's and with a model of the
//! futex. If a party that has a permit does not see what the last one did, a Release or Acquire is missing. A lost wake-up
//! becomes a deadlock, which loom reports.

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

use crate::atomic::{AtomicU32, Ordering};
use crate::permits::Permits;

#[path = "common/modelled_futex.rs"]
mod futex;
#[path = "../core/src/sync/permits.rs"]
#[allow(dead_code, reason = "the model needs no limit on the permits")]
mod permits;

mod atomic {
    pub(super) use loom::sync::atomic::{AtomicU32, Ordering};
}

mod party {
    pub(super) use taskdyno_core::sync::LOOK_INTERVAL;
}

/// A semaphore, and what its parties count.
struct Pages {
    word: AtomicU32,
    in_use: AtomicU32,
    /// Changed by a load and a store, so no change is lost only if one party at a time has a permit.
    counter: AtomicU32,
}

impl Pages {
    fn new(permit_count: u32) -> Arc<Self> {
        Arc::new(Self {
            word: AtomicU32::new(permit_count),
            in_use: AtomicU32::new(0),
            counter: AtomicU32::new(0),
        })
    }

    /// Takes a permit, uses it, and gives it back.
    fn use_one(&self, permit_count: u32) {
        let permits = Permits::new(&self.word);
        if !permits.try_take() {
            permits.take();
        }
        // Relaxed, here and below: the permits are what must order the parties.
        let others = self.in_use.fetch_add(1, Ordering::Relaxed);
        assert!(others < permit_count, "{others} others have a permit");
        let value = self.counter.load(Ordering::Relaxed);
        self.counter.store(value + 1, Ordering::Relaxed);
        self.in_use.fetch_sub(1, Ordering::Relaxed);
        permits.give_back();
    }
}

/// Lets `party_count` parties use a permit each, and returns the counter.
fn counted(permit_count: u32, party_count: u32) -> u32 {
    let pages = Pages::new(permit_count);
    let others: Vec<_> = (1..party_count)
        .map(|_| {
            let pages = Arc::clone(&pages);
            thread::spawn(move || pages.use_one(permit_count))
        })
        .collect();
    pages.use_one(permit_count);
    for other in others {
        other.join().unwrap();
    }
    assert_eq!(pages.word.load(Ordering::Relaxed), permit_count);
    pages.counter.load(Ordering::Relaxed)
}

fn check(preemption_bound: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemption_bound);
    builder.check(body);
}

#[test]
fn two_parties_use_one_permit_in_turn() {
    check(4, || assert_eq!(counted(1, 2), 2));
}

#[test]
fn three_parties_use_one_permit_in_turn() {
    check(2, || assert_eq!(counted(1, 3), 3));
}

#[test]
fn three_parties_share_two_permits() {
    check(2, || {
        counted(2, 3);
    });
}
