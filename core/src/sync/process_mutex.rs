//! A mutex in shared pages: POSIX, process-shared, robust.

use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;

use crate::memory::{Shareable, SharedSlice};

/// A mutex that forked processes share. It is robust: when its holder dies, those who want to lock it are
/// told so, and panic, instead of waiting for ever.
pub(super) struct ProcessMutex(SharedSlice<Cell>);

#[repr(transparent)]
struct Cell(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a POSIX mutex is made to be used by many threads at once.
unsafe impl Sync for Cell {}
// SAFETY: all zero is a valid `pthread_mutex_t` on Linux, all access goes through the pthread functions,
// which synchronise, and it needs no drop before its pages go.
unsafe impl Shareable for Cell {}

impl ProcessMutex {
    pub(super) fn new() -> io::Result<Self> {
        let cell = SharedSlice::<Cell>::new(1)?;
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the pointer is to writable memory for one attribute object.
        check(unsafe { libc::pthread_mutexattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: the attributes are initialised.
        check(unsafe {
            libc::pthread_mutexattr_setpshared(
                attributes.as_mut_ptr(),
                libc::PTHREAD_PROCESS_SHARED,
            )
        })?;
        // SAFETY: as above.
        check(unsafe {
            libc::pthread_mutexattr_setrobust(attributes.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST)
        })?;
        // SAFETY: the mutex lies in a fresh mapping that nobody else uses yet, and stays where it is.
        check(unsafe { libc::pthread_mutex_init(cell[0].0.get(), attributes.as_ptr()) })?;
        // SAFETY: initialised above and not used again.
        check(unsafe { libc::pthread_mutexattr_destroy(attributes.as_mut_ptr()) })?;
        Ok(Self(cell))
    }

    /// Runs `body` while holding the mutex.
    #[inline]
    pub(super) fn with<R>(&self, body: impl FnOnce() -> R) -> R {
        let mutex = self.0[0].0.get();
        // SAFETY: the mutex was initialised in `new` and lives as long as `self`.
        let locked = unsafe { libc::pthread_mutex_lock(mutex) };
        if locked == libc::EOWNERDEAD {
            // Nobody knows what the dead one left half done. Unlocked like this, without being made
            // consistent, the mutex refuses everyone from now on, so that nobody waits for ever.
            // SAFETY: this thread holds the mutex, as EOWNERDEAD says.
            let _ = unsafe { libc::pthread_mutex_unlock(mutex) };
        }
        match locked {
            0 => {}
            libc::EOWNERDEAD | libc::ENOTRECOVERABLE => {
                panic!("a worker died while it held the shared lock")
            }
            code => panic!("the shared lock cannot be taken: error {code}"),
        }
        let result = body();
        // SAFETY: this thread holds the mutex.
        let _ = unsafe { libc::pthread_mutex_unlock(mutex) };
        result
    }
}

fn check(code: libc::c_int) -> io::Result<()> {
    match code {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}
