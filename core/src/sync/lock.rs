//! Locks: one party at a time has what they protect.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::party::{Halted, Party};
use crate::memory::Padded;

/// A lock that one party holds at a time. Whoever has its guard holds it, and gives it back even when it panics. If the
/// holder is a process that dies, the backend ends all others.
pub trait Lock: Send + Sync + 'static {
    /// Gives the lock back when it is dropped.
    type Guard<'a>
    where
        Self: 'a;

    /// Takes the lock if nobody holds it.
    fn try_lock(&self) -> Option<Self::Guard<'_>>;

    /// Takes the lock if the party need not sleep for it. Forms whose waiters stay awake for a moment before they sleep do so
    /// here, and have not said yet that they wait.
    #[inline]
    fn lock_awake(&self) -> Option<Self::Guard<'_>> {
        self.try_lock()
    }

    /// Waits for the lock, which somebody held a moment ago, and says meanwhile that `party` waits.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed. Forms that are awaited need not look, because a runtime drops its tasks then.
    fn wait<'a>(
        &'a self,
        party: Party<'a>,
    ) -> impl Future<Output = Result<Self::Guard<'a>, Halted>> + Send;

    /// Takes the lock as soon as nobody else holds it.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    #[inline]
    fn lock<'a>(
        &'a self,
        party: Party<'a>,
    ) -> impl Future<Output = Result<Self::Guard<'a>, Halted>> + Send {
        async move {
            if let Some(guard) = self.lock_awake() {
                return Ok(guard);
            }
            self.wait(party).await
        }
    }
}

/// A lock for which a party can wait for a limited time.
pub trait TimedLock: Lock {
    /// [`wait`](Lock::wait), but for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Lock::wait).
    fn wait_within<'a>(
        &'a self,
        limit: Duration,
        party: Party<'a>,
    ) -> impl Future<Output = Result<Option<Self::Guard<'a>>, Halted>> + Send;

    /// Takes the lock if nobody else holds it for all of `limit`.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Lock::wait).
    #[inline]
    fn lock_within<'a>(
        &'a self,
        limit: Duration,
        party: Party<'a>,
    ) -> impl Future<Output = Result<Option<Self::Guard<'a>>, Halted>> + Send {
        async move {
            if let Some(guard) = self.try_lock() {
                return Ok(Some(guard));
            }
            self.wait_within(limit, party).await
        }
    }
}

/// The mutex of the standard library, for threads.
///
/// A party that waits for it does not look whether the run has failed. The standard library has no wait with a limit, and
/// nothing wakes a waiter but the holder. To try again after a pause would measure another lock, because giving this one back
/// would then not wake the next party. So a run that has failed ends when the holder has ended, which it does even if it
/// panics. What never ends is a circle of parties, each of which holds one such lock and waits for the next. The time limit
/// of the case ends it.
pub struct ThreadLock {
    /// By itself: who only reads the name must not wait for the cache line that waiters fight for.
    mutex: Padded<Mutex<()>>,
    name: &'static str,
}

impl ThreadLock {
    /// A lock that parties call `name` when they wait for it.
    pub fn new(name: &'static str) -> Self {
        Self {
            mutex: Padded::new(Mutex::new(())),
            name,
        }
    }
}

impl Lock for ThreadLock {
    type Guard<'a> = MutexGuard<'a, ()>;

    #[inline]
    fn try_lock(&self) -> Option<MutexGuard<'_, ()>> {
        match self.mutex.try_lock() {
            Ok(guard) => Some(guard),
            // Whoever panicked made the run fail, and there is nothing under the mutex that it could have broken.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    async fn wait<'a>(&'a self, party: Party<'a>) -> Result<MutexGuard<'a, ()>, Halted> {
        let _waiting = party.waits_for(self.name);
        // As in `try_lock`.
        let guard = self.mutex.lock();
        Ok(guard.unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskId;
    use crate::sync::{PosixMutex, SpinLock, WaitTable, at_once};

    /// What another thread gets that waits while this one keeps the lock. The run has failed already.
    fn waits_in_vain<L: Lock, T: Send>(
        lock: L,
        wait: impl Fn(&L, Party<'_>) -> Result<T, Halted> + Sync,
    ) -> Option<Halted> {
        let table = WaitTable::new(1).unwrap();
        table.halt();
        let _held = lock.try_lock().unwrap();
        let party = Party::new(&table, TaskId(0));
        let outcome = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| wait(&lock, party));
            waiting.join().unwrap()
        });
        assert_eq!(table.waiting(), []);
        outcome.err()
    }

    fn lock(lock: &impl Lock, party: Party<'_>) -> Result<(), Halted> {
        at_once(lock.lock(party)).map(drop)
    }

    #[test]
    fn a_failed_run_ends_the_wait_for_a_lock_that_is_never_given_back() {
        let plain = PosixMutex::new("it").unwrap();
        assert_eq!(waits_in_vain(plain, lock), Some(Halted));
        let reentrant = PosixMutex::reentrant("it").unwrap();
        assert_eq!(waits_in_vain(reentrant, lock), Some(Halted));
        let spin = SpinLock::new("it").unwrap();
        assert_eq!(waits_in_vain(spin, lock), Some(Halted));
    }

    #[test]
    fn a_failed_run_ends_a_wait_with_a_limit_of_hours() {
        let timed = PosixMutex::new("it").unwrap();
        let wait = |lock: &PosixMutex, party: Party<'_>| {
            let guard = at_once(lock.lock_within(Duration::from_hours(9), party))?;
            Ok(guard.is_some())
        };
        assert_eq!(waits_in_vain(timed, wait), Some(Halted));
    }
}
