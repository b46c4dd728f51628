//! Locks that many readers share, or one writer has.

use std::cell::UnsafeCell;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use super::party::{Halted, Party};
use super::posix_mutex::{check, end_of_wait};
use crate::memory::{Shareable, SharedSlice};

/// A lock that any number of readers hold at a time, or one writer. Whoever has a guard holds it, and gives it back even when
/// it panics.
pub trait ReadWriteLock: Send + Sync + 'static {
    /// Gives the lock back when a reader drops it.
    type ReadGuard<'a>
    where
        Self: 'a;
    /// Gives the lock back when the writer drops it.
    type WriteGuard<'a>
    where
        Self: 'a;

    /// Takes the lock for reading if nobody prevents it.
    fn try_read(&self) -> Option<Self::ReadGuard<'_>>;

    /// Waits for the lock, for reading, and says meanwhile that `party` waits.
    ///
    /// # Errors
    ///
    /// As for [`Lock::wait`](super::Lock::wait).
    fn wait_read<'a>(
        &'a self,
        party: Party<'a>,
    ) -> impl Future<Output = Result<Self::ReadGuard<'a>, Halted>> + Send;

    /// Takes the lock for writing if nobody holds it.
    fn try_write(&self) -> Option<Self::WriteGuard<'_>>;

    /// Waits for the lock, for writing, and says meanwhile that `party` waits.
    ///
    /// # Errors
    ///
    /// As for [`Lock::wait`](super::Lock::wait).
    fn wait_write<'a>(
        &'a self,
        party: Party<'a>,
    ) -> impl Future<Output = Result<Self::WriteGuard<'a>, Halted>> + Send;

    /// Takes the lock for reading as soon as no writer holds it.
    ///
    /// # Errors
    ///
    /// As for [`Lock::wait`](super::Lock::wait).
    #[inline]
    fn read<'a>(
        &'a self,
        party: Party<'a>,
    ) -> impl Future<Output = Result<Self::ReadGuard<'a>, Halted>> + Send {
        async move {
            if let Some(guard) = self.try_read() {
                return Ok(guard);
            }
            self.wait_read(party).await
        }
    }

    /// Takes the lock for writing as soon as nobody else holds it.
    ///
    /// # Errors
    ///
    /// As for [`Lock::wait`](super::Lock::wait).
    #[inline]
    fn write<'a>(
        &'a self,
        party: Party<'a>,
    ) -> impl Future<Output = Result<Self::WriteGuard<'a>, Halted>> + Send {
        async move {
            if let Some(guard) = self.try_write() {
                return Ok(guard);
            }
            self.wait_write(party).await
        }
    }
}

/// What a party that reads is said to wait for.
pub const WAITS_TO_READ_UNDER: &str = "the lock, to read";

/// What a party that writes is said to wait for.
pub const WAITS_TO_WRITE_UNDER: &str = "the lock, to write";

/// The lock of the standard library, for threads. As for a [`ThreadLock`](super::ThreadLock), and for the same reason, a party
/// that waits for it does not look whether the run has failed.
#[derive(Default)]
pub struct ThreadReadWriteLock(RwLock<()>);

/// What is under the lock cannot be broken by a panic, which makes the run fail anyway.
fn taken<G>(result: Result<G, TryLockError<G>>) -> Option<G> {
    match result {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl ReadWriteLock for ThreadReadWriteLock {
    type ReadGuard<'a> = RwLockReadGuard<'a, ()>;
    type WriteGuard<'a> = RwLockWriteGuard<'a, ()>;

    #[inline]
    fn try_read(&self) -> Option<RwLockReadGuard<'_, ()>> {
        taken(self.0.try_read())
    }

    async fn wait_read<'a>(&'a self, party: Party<'a>) -> Result<RwLockReadGuard<'a, ()>, Halted> {
        let _waiting = party.waits_for(WAITS_TO_READ_UNDER);
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    #[inline]
    fn try_write(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        taken(self.0.try_write())
    }

    async fn wait_write<'a>(
        &'a self,
        party: Party<'a>,
    ) -> Result<RwLockWriteGuard<'a, ()>, Halted> {
        let _waiting = party.waits_for(WAITS_TO_WRITE_UNDER);
        Ok(self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A lock of the system in shared pages, for threads and for processes. POSIX has no robust form of it: if a holder dies,
/// the others wait until the backend ends them.
pub struct PosixReadWriteLock(SharedSlice<LockCell>);

#[repr(transparent)]
struct LockCell(UnsafeCell<libc::pthread_rwlock_t>);

// SAFETY: a POSIX lock is made for use by many threads at once.
unsafe impl Sync for LockCell {}
// SAFETY: all zero is a valid `pthread_rwlock_t` on Linux. All access goes through the pthread functions, which
// synchronise. It needs no drop before its pages are unmapped.
unsafe impl Shareable for LockCell {}

// The crate `libc` does not declare these two. POSIX does, with these types.
unsafe extern "C" {
    fn pthread_rwlock_timedrdlock(
        lock: *mut libc::pthread_rwlock_t,
        end: *const libc::timespec,
    ) -> libc::c_int;
    fn pthread_rwlock_timedwrlock(
        lock: *mut libc::pthread_rwlock_t,
        end: *const libc::timespec,
    ) -> libc::c_int;
}

/// The calling thread holds a [`PosixReadWriteLock`] for as long as this lives.
pub struct PosixReadWriteGuard<'a> {
    lock: &'a PosixReadWriteLock,
    /// Only the thread that took a POSIX lock may give it back, so this stays on its thread.
    _stays: PhantomData<*const ()>,
}

impl PosixReadWriteLock {
    /// A lock that nobody holds.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page or the lock.
    pub fn new() -> io::Result<Self> {
        let cell = SharedSlice::<LockCell>::new(1)?;
        let mut attributes = MaybeUninit::uninit();
        let pointer = attributes.as_mut_ptr();
        // SAFETY: the pointer refers to writable memory for one attribute object.
        check(unsafe { libc::pthread_rwlockattr_init(pointer) })?;
        // SAFETY: the attributes are initialised.
        check(unsafe {
            libc::pthread_rwlockattr_setpshared(pointer, libc::PTHREAD_PROCESS_SHARED)
        })?;
        // SAFETY: the lock is in a new mapping that no other code uses yet, and it does not move.
        check(unsafe { libc::pthread_rwlock_init(cell[0].0.get(), pointer) })?;
        // SAFETY: initialised above and not used again.
        check(unsafe { libc::pthread_rwlockattr_destroy(pointer) })?;
        Ok(Self(cell))
    }

    /// The guard if `code` says that this thread has the lock; `None` if others prevent it.
    #[inline]
    fn guard(&self, code: libc::c_int) -> Option<PosixReadWriteGuard<'_>> {
        match code {
            0 => Some(PosixReadWriteGuard {
                lock: self,
                _stays: PhantomData,
            }),
            libc::EBUSY | libc::ETIMEDOUT => None,
            code => panic!("cannot take the shared lock: error {code}"),
        }
    }

    #[inline]
    fn raw(&self) -> *mut libc::pthread_rwlock_t {
        self.0[0].0.get()
    }
}

impl ReadWriteLock for PosixReadWriteLock {
    type ReadGuard<'a> = PosixReadWriteGuard<'a>;
    type WriteGuard<'a> = PosixReadWriteGuard<'a>;

    #[inline]
    fn try_read(&self) -> Option<PosixReadWriteGuard<'_>> {
        // SAFETY: the lock was initialised in `new` and lives as long as `self`.
        self.guard(unsafe { libc::pthread_rwlock_tryrdlock(self.raw()) })
    }

    async fn wait_read<'a>(&'a self, party: Party<'a>) -> Result<PosixReadWriteGuard<'a>, Halted> {
        party.blocks(WAITS_TO_READ_UNDER, |limit| {
            let end = end_of_wait(limit);
            // SAFETY: as above; `end` is valid for the call.
            self.guard(unsafe { pthread_rwlock_timedrdlock(self.raw(), &raw const end) })
        })
    }

    #[inline]
    fn try_write(&self) -> Option<PosixReadWriteGuard<'_>> {
        // SAFETY: as above.
        self.guard(unsafe { libc::pthread_rwlock_trywrlock(self.raw()) })
    }

    async fn wait_write<'a>(&'a self, party: Party<'a>) -> Result<PosixReadWriteGuard<'a>, Halted> {
        party.blocks(WAITS_TO_WRITE_UNDER, |limit| {
            let end = end_of_wait(limit);
            // SAFETY: as above; `end` is valid for the call.
            self.guard(unsafe { pthread_rwlock_timedwrlock(self.raw(), &raw const end) })
        })
    }
}

impl Drop for PosixReadWriteGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this thread holds the lock, because a guard stays on the thread that got it.
        let _ = unsafe { libc::pthread_rwlock_unlock(self.lock.raw()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskId;
    use crate::sync::{WaitTable, at_once};

    #[test]
    fn a_failed_run_ends_the_wait_for_a_lock_that_is_never_given_back() {
        let table = WaitTable::new(1).unwrap();
        table.halt();
        let party = Party::new(&table, TaskId(0));
        let lock = PosixReadWriteLock::new().unwrap();
        let _held = lock.try_write().unwrap();
        std::thread::scope(|scope| {
            let reads = || at_once(lock.read(party)).err();
            let writes = || at_once(lock.write(party)).err();
            assert_eq!(scope.spawn(reads).join().unwrap(), Some(Halted));
            assert_eq!(scope.spawn(writes).join().unwrap(), Some(Halted));
        });
        assert_eq!(table.waiting(), []);
    }
}
