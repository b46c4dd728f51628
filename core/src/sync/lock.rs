//! Locks: one party at a time has what they protect.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::party::Party;

/// A lock that one party holds at a time. Whoever has its guard holds it.
///
/// A blocked party does not look whether the run has failed: the holder gives the lock back even when it panics. If the
/// holder is a process that dies, the backend ends all others. What holds a lock while it waits for something else can
/// deadlock, which the time limit of the case ends.
pub trait Lock: Send + Sync + 'static {
    /// Gives the lock back when it is dropped.
    type Guard<'a>
    where
        Self: 'a;

    /// What a blocked party is said to wait for.
    fn name(&self) -> &'static str;

    /// Takes the lock if nobody holds it.
    fn try_lock(&self) -> Option<Self::Guard<'_>>;

    /// Waits for the lock. [`lock`](Self::lock) also says who waits.
    fn wait(&self) -> impl Future<Output = Self::Guard<'_>> + Send;

    /// Takes the lock as soon as nobody else holds it.
    #[inline]
    fn lock<'a>(&'a self, party: Party<'a>) -> impl Future<Output = Self::Guard<'a>> + Send {
        async move {
            if let Some(guard) = self.try_lock() {
                return guard;
            }
            let _waiting = party.waits_for(self.name());
            self.wait().await
        }
    }
}

/// A lock for which a party can wait for a limited time.
pub trait TimedLock: Lock {
    /// Waits for the lock, but no longer than `limit`. [`lock_within`](Self::lock_within) also says who waits.
    fn wait_at_most(&self, limit: Duration)
    -> impl Future<Output = Option<Self::Guard<'_>>> + Send;

    /// Takes the lock if nobody else holds it for all of `limit`.
    #[inline]
    fn lock_within<'a>(
        &'a self,
        limit: Duration,
        party: Party<'a>,
    ) -> impl Future<Output = Option<Self::Guard<'a>>> + Send {
        async move {
            if let Some(guard) = self.try_lock() {
                return Some(guard);
            }
            let _waiting = party.waits_for(self.name());
            self.wait_at_most(limit).await
        }
    }
}

/// The mutex of the standard library, for threads.
pub struct ThreadLock {
    mutex: Mutex<()>,
    name: &'static str,
}

impl ThreadLock {
    /// A lock that parties call `name` when they wait for it.
    pub fn new(name: &'static str) -> Self {
        Self {
            mutex: Mutex::new(()),
            name,
        }
    }
}

impl Lock for ThreadLock {
    type Guard<'a> = MutexGuard<'a, ()>;

    fn name(&self) -> &'static str {
        self.name
    }

    #[inline]
    fn try_lock(&self) -> Option<MutexGuard<'_, ()>> {
        match self.mutex.try_lock() {
            Ok(guard) => Some(guard),
            // Whoever panicked made the run fail, and there is nothing under the mutex that it could have broken.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    async fn wait(&self) -> MutexGuard<'_, ()> {
        // As in `try_lock`.
        self.mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
