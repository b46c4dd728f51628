//! A mutex in shared pages: POSIX, process-shared, robust.

use std::cell::UnsafeCell;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::lock::{Lock, TimedLock};
use super::party::{Halted, Party};
use crate::memory::{Shareable, SharedSlice};

/// A mutex of the system that threads and forked processes share. It is robust: if its holder dies, a worker that tries to
/// lock it panics instead of waiting forever.
pub struct PosixMutex {
    cell: SharedSlice<MutexCell>,
    name: &'static str,
}

#[repr(transparent)]
struct MutexCell(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a POSIX mutex is made for use by many threads at once.
unsafe impl Sync for MutexCell {}
// SAFETY: all zero is a valid `pthread_mutex_t` on Linux. All access goes through the pthread functions, which
// synchronise. It needs no drop before its pages are unmapped.
unsafe impl Shareable for MutexCell {}

/// The calling thread holds a [`PosixMutex`] once more for as long as this lives.
pub struct PosixGuard<'a> {
    mutex: &'a PosixMutex,
    /// Only the thread that locked a POSIX mutex may unlock it, so this stays on its thread.
    _stays: PhantomData<*const ()>,
}

impl PosixMutex {
    /// A mutex that parties call `name` when they wait for it.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page or the mutex.
    pub fn new(name: &'static str) -> io::Result<Self> {
        Self::of_type(libc::PTHREAD_MUTEX_NORMAL, name)
    }

    /// A mutex whose holder may lock it again.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn reentrant(name: &'static str) -> io::Result<Self> {
        Self::of_type(libc::PTHREAD_MUTEX_RECURSIVE, name)
    }

    fn of_type(mutex_type: libc::c_int, name: &'static str) -> io::Result<Self> {
        let cell = SharedSlice::<MutexCell>::new(1)?;
        let mut attributes = MaybeUninit::uninit();
        let pointer = attributes.as_mut_ptr();
        // SAFETY: the pointer refers to writable memory for one attribute object.
        check(unsafe { libc::pthread_mutexattr_init(pointer) })?;
        // SAFETY: the attributes are initialised.
        check(unsafe {
            libc::pthread_mutexattr_setpshared(pointer, libc::PTHREAD_PROCESS_SHARED)
        })?;
        // SAFETY: as above.
        check(unsafe { libc::pthread_mutexattr_setrobust(pointer, libc::PTHREAD_MUTEX_ROBUST) })?;
        // SAFETY: as above.
        check(unsafe { libc::pthread_mutexattr_settype(pointer, mutex_type) })?;
        // SAFETY: the mutex is in a new mapping that no other code uses yet, and it does not move.
        check(unsafe { libc::pthread_mutex_init(cell[0].0.get(), pointer) })?;
        // SAFETY: initialised above and not used again.
        check(unsafe { libc::pthread_mutexattr_destroy(pointer) })?;
        Ok(Self { cell, name })
    }

    /// Runs `body` while holding the mutex.
    #[inline]
    pub(super) fn with<R>(&self, body: impl FnOnce() -> R) -> R {
        let _guard = self.enter();
        body()
    }

    #[inline]
    fn enter(&self) -> PosixGuard<'_> {
        // SAFETY: the mutex was initialised in `of_type` and lives as long as `self`.
        let code = unsafe { libc::pthread_mutex_lock(self.cell[0].0.get()) };
        self.guard(code).expect("the call waits until it has it")
    }

    /// Waits for the mutex, but no longer than `limit`.
    fn lock_for(&self, limit: Duration) -> Option<PosixGuard<'_>> {
        let end = end_of_wait(limit);
        // SAFETY: the mutex was initialised in `of_type` and lives as long as `self`; `end` is valid for the call.
        let code = unsafe { libc::pthread_mutex_timedlock(self.cell[0].0.get(), &raw const end) };
        self.guard(code)
    }

    /// The guard if `code` says that this thread has the mutex; `None` if another one has it.
    #[inline]
    fn guard(&self, code: libc::c_int) -> Option<PosixGuard<'_>> {
        match code {
            0 => Some(PosixGuard {
                mutex: self,
                _stays: PhantomData,
            }),
            libc::EBUSY | libc::ETIMEDOUT => None,
            code => self.refused(code),
        }
    }

    #[cold]
    fn refused(&self, code: libc::c_int) -> ! {
        if code == libc::EOWNERDEAD {
            // The dead holder may have left anything half done. Unlocking the mutex without making it consistent
            // makes it refuse every worker from now on, so that none waits forever. SAFETY: this thread holds the
            // mutex, as EOWNERDEAD says.
            let _ = unsafe { libc::pthread_mutex_unlock(self.cell[0].0.get()) };
        }
        match code {
            libc::EOWNERDEAD | libc::ENOTRECOVERABLE => {
                panic!("a worker died while it held the shared lock")
            }
            code => panic!("cannot take the shared lock: error {code}"),
        }
    }
}

impl Drop for PosixGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this thread holds the mutex, because a guard stays on the thread that got it.
        let _ = unsafe { libc::pthread_mutex_unlock(self.mutex.cell[0].0.get()) };
    }
}

impl Lock for PosixMutex {
    type Guard<'a> = PosixGuard<'a>;

    #[inline]
    fn try_lock(&self) -> Option<PosixGuard<'_>> {
        // SAFETY: the mutex was initialised in `of_type` and lives as long as `self`.
        let code = unsafe { libc::pthread_mutex_trylock(self.cell[0].0.get()) };
        self.guard(code)
    }

    async fn wait<'a>(&'a self, party: Party<'a>) -> Result<PosixGuard<'a>, Halted> {
        party.blocks(self.name, |limit| self.lock_for(limit))
    }
}

impl TimedLock for PosixMutex {
    async fn wait_within<'a>(
        &'a self,
        limit: Duration,
        party: Party<'a>,
    ) -> Result<Option<PosixGuard<'a>>, Halted> {
        party.blocks_within(self.name, limit, |limit| self.lock_for(limit))
    }
}

/// The end of a wait that begins now, for functions whose names contain `timed`. By the clock of the day, because they have
/// no other: if somebody sets it back, a party looks later, and it still gets the lock when it is given back.
pub(super) fn end_of_wait(limit: Duration) -> libc::timespec {
    let now = clock_gettime(ClockId::Realtime);
    let now = Duration::new(now.tv_sec as u64, now.tv_nsec as u32);
    let end = now + limit;
    libc::timespec {
        tv_sec: end.as_secs() as libc::time_t,
        tv_nsec: end.subsec_nanos().into(),
    }
}

pub(super) fn check(code: libc::c_int) -> io::Result<()> {
    match code {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}
