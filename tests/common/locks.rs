//! Runs that fail while a party waits for a lock: they must end with the reason, on every backend.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use taskdyno_backends::coordinated::{ParkingLotLock, TokioLock};
use taskdyno_core::backend::{Backend, Family};
use taskdyno_core::coordination::{Coordinated, Coordination, PartyError};
use taskdyno_core::execute::Job;
use taskdyno_core::graph::TaskId;
use taskdyno_core::kernel::Findings;
use taskdyno_core::sync::{
    Barrier, Lock, Party, PosixMutex, SharedBarrier, SpinLock, ThreadLock, WaitTable, at_once,
};

use crate::coordinated::{assert_out_of_cheese, independent};

/// What a party is said to wait for.
const NAME: &str = "it";

/// On two workers of `backend`, one party fails while the other waits for a lock that nobody ever gives back. With each lock
/// whose waiters learn that a run has failed.
pub(crate) fn a_lock_is_never_given_back(backend: &dyn Backend) {
    if !runs_two(backend) {
        return;
    }
    if backend.family() == Family::Async {
        return never_given_back(backend, TokioLock::new(NAME));
    }
    if backend.family() == Family::Threads {
        never_given_back(backend, ParkingLotLock::new(NAME));
    }
    never_given_back(backend, PosixMutex::new(NAME).unwrap());
    never_given_back(backend, SpinLock::new(NAME).unwrap());
}

/// On two workers of `backend`, one party fails while it holds a lock for which the other waits. With each lock that blocks:
/// an async task holds none while it waits.
pub(crate) fn a_party_fails_under_a_lock(backend: &dyn Backend) {
    if !runs_two(backend) || backend.family() == Family::Async {
        return;
    }
    if backend.family() == Family::Threads {
        fails_under(backend, ThreadLock::new(NAME));
        fails_under(backend, ParkingLotLock::new(NAME));
    }
    fails_under(backend, PosixMutex::new(NAME).unwrap());
    fails_under(backend, SpinLock::new(NAME).unwrap());
}

/// Whether two parties can run at once, and can be awaited if they are async tasks.
fn runs_two(backend: &dyn Backend) -> bool {
    if backend.family() == Family::Async && backend.runtime().is_none() {
        return false;
    }
    let worker_count = backend.fixed_worker_count().unwrap_or(2);
    backend.venue(2, worker_count).holds(2).is_ok()
}

fn never_given_back(backend: &dyn Backend, lock: impl Lock) {
    let lock = Arc::new(lock);
    let _held = lock.try_lock().unwrap();
    let waits = Arc::new(WaitTable::new(2).unwrap());
    let work = NeverGivenBack {
        lock: Arc::clone(&lock),
        waits: Arc::clone(&waits),
        is_async: backend.family() == Family::Async,
    };
    ends_with_the_reason(backend, work, &waits);
}

fn fails_under(backend: &dyn Backend, lock: impl Lock) {
    let waits = Arc::new(WaitTable::new(2).unwrap());
    let work = FailsUnder {
        lock,
        both: SharedBarrier::new(2).unwrap(),
        waits: Arc::clone(&waits),
    };
    ends_with_the_reason(backend, work, &waits);
}

/// Runs `work` and asserts that the run fails with what party 0 says.
fn ends_with_the_reason(backend: &dyn Backend, work: impl Coordination, waits: &Arc<WaitTable>) {
    let graph = independent(2);
    let mut setting = backend.setting(&graph, 2);
    setting.waits = Some(waits);
    let kernel = Coordinated::boxed(work, &setting).unwrap();
    assert_out_of_cheese(backend, Job::new(graph, kernel).unwrap(), 2, TaskId(0));
}

fn is_waited_for(waits: &WaitTable) -> bool {
    waits.waiting().iter().any(|(_, what)| what == NAME)
}

fn block_until_waited_for(waits: &WaitTable) {
    while !is_waited_for(waits) {
        thread::yield_now();
    }
}

/// Ready when the lock is waited for. Until then, the runtime polls again as soon as it has polled other tasks.
fn ready_or_again(waits: &WaitTable, context: &Context<'_>) -> Poll<()> {
    if is_waited_for(waits) {
        return Poll::Ready(());
    }
    context.waker().wake_by_ref();
    Poll::Pending
}

fn out_of_cheese() -> PartyError {
    PartyError::Violated("out of cheese".into())
}

/// Party 1 waits for a lock that the test holds, and party 0 fails as soon as it does.
struct NeverGivenBack<L> {
    lock: Arc<L>,
    waits: Arc<WaitTable>,
    is_async: bool,
}

impl<L: Lock> Coordination for NeverGivenBack<L> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        if party.index == 1 {
            self.lock.lock(party).await?;
            return Ok(seed);
        }
        match self.is_async {
            true => poll_fn(|context| ready_or_again(&self.waits, context)).await,
            false => block_until_waited_for(&self.waits),
        }
        Err(out_of_cheese())
    }

    fn verify(&self, _: u64) -> Result<Findings, String> {
        Ok(Findings::new())
    }
}

/// Party 0 fails while it holds the lock, as soon as party 1 waits for it.
struct FailsUnder<L> {
    lock: L,
    both: SharedBarrier,
    waits: Arc<WaitTable>,
}

impl<L: Lock> Coordination for FailsUnder<L> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        if party.index == 1 {
            at_once(self.both.wait(party))?;
            at_once(self.lock.lock(party))?;
            return Ok(seed);
        }
        let _held = at_once(self.lock.lock(party))?;
        at_once(self.both.wait(party))?;
        block_until_waited_for(&self.waits);
        Err(out_of_cheese())
    }

    fn verify(&self, _: u64) -> Result<Findings, String> {
        Ok(Findings::new())
    }
}
