//! What tests of coordinations need: parties that run at once, and primitives that are broken on purpose.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::Coordination;
use crate::graph::TaskId;
use crate::sync::{Halted, Lock, Party, SharedCounter, WaitTable, at_once};

/// Runs each party on a thread of its own.
///
/// # Panics
///
/// If a party finds the invariant violated.
pub(super) fn run_together(work: &impl Coordination, party_count: u32) {
    let table = WaitTable::new(party_count as usize).unwrap();
    thread::scope(|scope| {
        for index in 0..party_count {
            let party = Party::new(&table, TaskId(index));
            scope.spawn(move || assert_eq!(at_once(work.take_part(party, 7)), Ok(7)));
        }
    });
    assert_eq!(table.waiting(), []);
}

/// Lets everybody in.
pub(super) struct OpenLock;

impl Lock for OpenLock {
    type Guard<'a> = ();

    fn try_lock(&self) -> Option<()> {
        Some(())
    }

    async fn wait<'a>(&'a self, _: Party<'a>) -> Result<(), Halted> {
        Ok(())
    }
}

/// A counter whose parties meet between load and store, so all increments of a round but one are lost. It hangs if they
/// cannot all be there.
pub(super) struct MeetingCounter {
    value: AtomicU64,
    all: Barrier,
}

impl MeetingCounter {
    pub(super) fn new(party_count: usize) -> Self {
        Self {
            value: AtomicU64::new(0),
            all: Barrier::new(party_count),
        }
    }
}

impl SharedCounter for MeetingCounter {
    fn add(&self, amount: u64) {
        // Relaxed, here and below: the barrier orders the accesses of different rounds.
        let value = self.value.load(Ordering::Relaxed);
        self.all.wait();
        self.value.store(value + amount, Ordering::Relaxed);
        self.all.wait();
    }

    fn value(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }

    fn reset(&self) {
        self.value.store(0, Ordering::Relaxed);
    }
}
