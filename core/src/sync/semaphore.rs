//! Semaphores: at most a fixed number of parties at a time have a permit.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

use super::party::Party;
use super::permits::{MOST_PERMITS, Permits};
use crate::memory::{Padded, SharedSlice};

/// A fixed number of permits. A blocked party does not look whether the run has failed: whoever has a permit gives it back
/// even when it panics, and does not wait for others meanwhile.
pub trait Semaphore: Send + Sync + 'static {
    /// A permit, which is given back when it is dropped.
    type Permit<'a>: Send
    where
        Self: 'a;

    /// Takes a permit if there is one.
    fn try_acquire(&self) -> Option<Self::Permit<'_>>;

    /// Waits for a permit. [`acquire`](Self::acquire) also says who waits.
    fn wait(&self) -> impl Future<Output = Self::Permit<'_>> + Send;

    /// Takes a permit as soon as there is one.
    #[inline]
    fn acquire<'a>(&'a self, party: Party<'a>) -> impl Future<Output = Self::Permit<'a>> + Send {
        async move {
            if let Some(permit) = self.try_acquire() {
                return permit;
            }
            let _waiting = party.waits_for("a permit");
            self.wait().await
        }
    }
}

/// A semaphore for threads: a mutex and a condition, because the standard library has none.
pub struct ThreadSemaphore {
    free: Mutex<u32>,
    one_is_free: Condvar,
}

/// A permit of a [`ThreadSemaphore`].
pub struct ThreadPermit<'a>(&'a ThreadSemaphore);

impl ThreadSemaphore {
    /// A semaphore with this many permits.
    pub fn new(permit_count: u32) -> Self {
        Self {
            free: Mutex::new(permit_count),
            one_is_free: Condvar::new(),
        }
    }

    fn free(&self) -> MutexGuard<'_, u32> {
        self.free.lock().expect("nothing panics under the mutex")
    }
}

impl Semaphore for ThreadSemaphore {
    type Permit<'a> = ThreadPermit<'a>;

    fn try_acquire(&self) -> Option<ThreadPermit<'_>> {
        let mut free = self.free();
        let left = free.checked_sub(1)?;
        *free = left;
        Some(ThreadPermit(self))
    }

    async fn wait(&self) -> ThreadPermit<'_> {
        let waited = self.one_is_free.wait_while(self.free(), |free| *free == 0);
        *waited.expect("nothing panics under the mutex") -= 1;
        ThreadPermit(self)
    }
}

impl Drop for ThreadPermit<'_> {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.one_is_free.notify_one();
    }
}

/// A semaphore for processes: one word in shared pages, on which waiters sleep.
pub struct SharedSemaphore(SharedSlice<Padded<AtomicU32>>);

/// A permit of a [`SharedSemaphore`].
pub struct SharedPermit<'a>(&'a SharedSemaphore);

impl SharedSemaphore {
    /// The most permits of one semaphore.
    pub const MOST_PERMITS: u32 = MOST_PERMITS;

    /// A semaphore with this many permits, at most [`MOST_PERMITS`](Self::MOST_PERMITS).
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page.
    pub fn new(permit_count: u32) -> io::Result<Self> {
        let word = SharedSlice::<Padded<AtomicU32>>::new(1)?;
        // Relaxed: whoever gets the semaphore gets it after this.
        word[0].store(permit_count.min(MOST_PERMITS), Ordering::Relaxed);
        Ok(Self(word))
    }

    fn permits(&self) -> Permits<'_> {
        Permits::new(&self.0[0])
    }
}

impl Semaphore for SharedSemaphore {
    type Permit<'a> = SharedPermit<'a>;

    #[inline]
    fn try_acquire(&self) -> Option<SharedPermit<'_>> {
        // Not `then_some`: a permit that was not taken must not be given back.
        self.permits().try_take().then(|| SharedPermit(self))
    }

    async fn wait(&self) -> SharedPermit<'_> {
        self.permits().take();
        SharedPermit(self)
    }
}

impl Drop for SharedPermit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.permits().give_back();
    }
}
