//! What the tests of several workloads share: parties on threads of their own, and monitors that are broken on purpose.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Coordination, PartyError};
use crate::graph::TaskId;
use crate::sync::{Halted, Monitor, Party, ThreadMonitor, WaitTable, at_once};

/// What each of `party_count` parties returns for the seed 7. Each is on a thread of its own.
pub(super) fn together(work: &impl Coordination, party_count: u32) -> Vec<Result<u64, PartyError>> {
    let table = WaitTable::new(party_count as usize).unwrap();
    start(work, &table, party_count, || {})
}

/// Like [`together`], for primitives that wake nobody: fails the run when every party has finished or waits.
pub(super) fn stuck(work: &impl Coordination, party_count: u32) -> Vec<Result<u64, PartyError>> {
    let table = WaitTable::new(party_count as usize).unwrap();
    let finished_count = AtomicUsize::new(0);
    let when_finished = || {
        // Relaxed: only the number matters.
        finished_count.fetch_add(1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        let parties = scope.spawn(|| start(work, &table, party_count, when_finished));
        // Nobody who waits is ever woken, so this cannot be true too early.
        let is_stuck = || {
            let waiting_count = table.waiting().len();
            waiting_count + finished_count.load(Ordering::Relaxed) == party_count as usize
        };
        while !is_stuck() {
            thread::yield_now();
        }
        table.halt();
        work.halt();
        parties.join().unwrap()
    })
}

fn start(
    work: &impl Coordination,
    table: &WaitTable,
    party_count: u32,
    when_finished: impl Fn() + Sync,
) -> Vec<Result<u64, PartyError>> {
    let take_part = |index| {
        let result = at_once(work.take_part(Party::new(table, TaskId(index)), 7));
        when_finished();
        result
    };
    let take_part = &take_part;
    thread::scope(|scope| {
        let parties = (0..party_count).map(|index| scope.spawn(move || take_part(index)));
        let parties: Vec<_> = parties.collect();
        let results = parties.into_iter().map(|party| party.join().unwrap());
        results.collect()
    })
}

/// Loses every wake-up.
#[derive(Default)]
pub(super) struct Deaf(ThreadMonitor);

impl Monitor for Deaf {
    fn locked<R>(&self, change: impl FnOnce() -> R) -> R {
        self.0.locked(change)
    }

    fn wait_until<R: Send>(
        &self,
        place: usize,
        party: Party<'_>,
        what: &str,
        check: impl FnMut() -> Option<R> + Send,
    ) -> impl Future<Output = Result<R, Halted>> + Send {
        self.0.wait_until(place, party, what, check)
    }

    fn wake_one(&self, _: usize) {}

    fn wake_all(&self, _: usize) {}

    fn halt(&self) {
        self.0.halt();
    }
}

/// Drops what it finds if it finds something else too.
#[derive(Default)]
pub(super) struct Dropping(ThreadMonitor);

impl Monitor for Dropping {
    fn locked<R>(&self, change: impl FnOnce() -> R) -> R {
        self.0.locked(change)
    }

    fn wait_until<R: Send>(
        &self,
        place: usize,
        party: Party<'_>,
        what: &str,
        mut check: impl FnMut() -> Option<R> + Send,
    ) -> impl Future<Output = Result<R, Halted>> + Send {
        let check = move || {
            let found = check()?;
            Some(check().unwrap_or(found))
        };
        self.0.wait_until(place, party, what, check)
    }

    fn wake_one(&self, place: usize) {
        self.0.wake_one(place);
    }

    fn wake_all(&self, place: usize) {
        self.0.wake_all(place);
    }
}
