//! Bare primitives that no crate has: those of POSIX in shared pages, and two that are made by hand.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};
use std::{hint, thread};

use taskdyno_core::memory::{Padded, Shareable, SharedSlice};

/// Memory for an object of POSIX.
#[repr(transparent)]
struct Cell<T>(UnsafeCell<T>);

// SAFETY: the objects of POSIX below are made for use by many threads at once.
unsafe impl<T> Sync for Cell<T> {}
// SAFETY: the objects below may be all zero before they are initialised, only POSIX functions change them, and they need no
// drop before their pages are unmapped.
unsafe impl<T> Shareable for Cell<T> {}

/// A robust mutex for processes.
pub(crate) struct PosixMutex(SharedSlice<Cell<libc::pthread_mutex_t>>);

impl PosixMutex {
    pub(crate) fn new() -> Self {
        let cell = SharedSlice::<Cell<libc::pthread_mutex_t>>::new(1);
        let mutex = Self(cell.expect("the system gives a page"));
        let mut attributes = MaybeUninit::uninit();
        let pointer = attributes.as_mut_ptr();
        #[allow(
            clippy::multiple_unsafe_ops_per_block,
            reason = "steps of one initialisation"
        )]
        // SAFETY: the pointer refers to memory for attributes, which the first call initialises before the others use them.
        // The mutex is in a new mapping, and nobody uses it yet.
        let codes = unsafe {
            [
                libc::pthread_mutexattr_init(pointer),
                libc::pthread_mutexattr_setpshared(pointer, libc::PTHREAD_PROCESS_SHARED),
                libc::pthread_mutexattr_setrobust(pointer, libc::PTHREAD_MUTEX_ROBUST),
                libc::pthread_mutex_init(mutex.raw(), pointer),
            ]
        };
        assert_eq!(codes, [0; 4]);
        mutex
    }

    fn raw(&self) -> *mut libc::pthread_mutex_t {
        self.0[0].0.get()
    }

    /// Runs `body` under the mutex.
    pub(crate) fn with(&self, body: impl FnOnce()) {
        // SAFETY: `new` has initialised the mutex, which lives as long as `self`.
        assert_eq!(unsafe { libc::pthread_mutex_lock(self.raw()) }, 0);
        body();
        // SAFETY: as above; this thread holds the mutex.
        unsafe { libc::pthread_mutex_unlock(self.raw()) };
    }
}

/// A semaphore of POSIX for processes, with one permit.
pub(crate) struct PosixSemaphore(SharedSlice<Cell<libc::sem_t>>);

impl PosixSemaphore {
    pub(crate) fn new() -> Self {
        let cell = SharedSlice::<Cell<libc::sem_t>>::new(1);
        let semaphore = Self(cell.expect("the system gives a page"));
        // SAFETY: the semaphore is in a new mapping, and nobody uses it yet.
        assert_eq!(unsafe { libc::sem_init(semaphore.raw(), 1, 1) }, 0);
        semaphore
    }

    fn raw(&self) -> *mut libc::sem_t {
        self.0[0].0.get()
    }

    /// Runs `body` with the permit.
    pub(crate) fn with(&self, body: impl FnOnce()) {
        // SAFETY: `new` has initialised the semaphore, which lives as long as `self`.
        assert_eq!(unsafe { libc::sem_wait(self.raw()) }, 0);
        body();
        // SAFETY: as above.
        unsafe { libc::sem_post(self.raw()) };
    }
}

/// A word that is 1 while somebody has the lock. Waiters read it, and let others have the core after 100 looks.
#[derive(Default)]
pub(crate) struct HandMadeSpinLock(Padded<AtomicU32>);

impl HandMadeSpinLock {
    /// Runs `body` under the lock.
    pub(crate) fn with(&self, body: impl FnOnce()) {
        // Acquire, and Release below: each holder sees what the last one did. Relaxed: the next exchange decides.
        let take = || {
            let taken = (self.0).compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed);
            taken.is_ok()
        };
        let mut looks = 0;
        while !take() {
            while self.0.load(Ordering::Relaxed) == 1 {
                looks += 1;
                match looks % 100 {
                    0 => thread::yield_now(),
                    _ => hint::spin_loop(),
                }
            }
        }
        body();
        self.0.store(0, Ordering::Release);
    }
}

/// A semaphore for threads with one permit: a mutex and a condition.
pub(crate) struct HandMadeSemaphore {
    free: Padded<Mutex<u32>>,
    one_is_free: Condvar,
}

impl HandMadeSemaphore {
    pub(crate) fn new() -> Self {
        Self {
            free: Padded::new(Mutex::new(1)),
            one_is_free: Condvar::new(),
        }
    }

    /// Runs `body` with the permit.
    pub(crate) fn with(&self, body: impl FnOnce()) {
        let free = || self.free.lock().expect("nothing panics under the mutex");
        let waited = self.one_is_free.wait_while(free(), |free| *free == 0);
        *waited.expect("nothing panics under the mutex") -= 1;
        body();
        *free() += 1;
        self.one_is_free.notify_one();
    }
}
