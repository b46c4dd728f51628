//! The shared counters for which kernels contend.
//!
//! All of them are in shared pages, so that threads and forked processes contend for the same memory. Only the mutex
//! has two forms: the mutex of the standard library is made for threads, so processes get a process-shared mutex
//! from the system. Async backends use the form for threads, because no lock is held across an `.await`.

use std::cell::Cell;
use std::hint::black_box;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::posix_mutex::PosixMutex;
use crate::memory::{Padded, SharedSlice};

/// A counter that many workers increment.
pub trait SharedCounter: Send + Sync {
    /// Adds `amount`; a sum above the largest number wraps around, so the largest number subtracts one.
    fn add(&self, amount: u64);
    /// Adds one, `times` times.
    #[inline]
    fn increment(&self, times: u64) {
        for _ in 0..times {
            self.add(1);
        }
    }
    /// The value. No worker may be incrementing.
    fn value(&self) -> u64;
    /// Sets the value to zero. No worker may be incrementing.
    fn reset(&self);
}

/// A relaxed load, then a relaxed store, like an increment without synchronisation. Updates get lost.
pub struct RacyCounter(SharedSlice<Padded<AtomicU64>>);

/// One atomic addition per increment.
pub struct AtomicCounter(SharedSlice<Padded<AtomicU64>>);

/// A mutex that is locked for each increment, for threads.
pub struct MutexCounter(Mutex<u64>);

/// A mutex that is locked for each increment, for processes.
pub struct ProcessMutexCounter {
    mutex: PosixMutex,
    value: SharedSlice<Padded<AtomicU64>>,
}

/// An atomic addition to the worker's own cache line; the value is the sum.
pub struct ShardedCounter {
    shards: SharedSlice<Padded<AtomicU64>>,
    next: SharedSlice<AtomicU32>,
}

/// An addition to a variable of the worker's own; the worker adds it to the total when it has incremented it as often as
/// it was asked to.
pub struct ThreadLocalCounter(AtomicCounter);

impl RacyCounter {
    /// A counter at zero.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page.
    pub fn new() -> io::Result<Self> {
        SharedSlice::new(1).map(Self)
    }
}

impl SharedCounter for RacyCounter {
    #[inline]
    fn add(&self, amount: u64) {
        // Relaxed, and in two steps: this counter is meant to lose updates.
        let value = self.0[0].load(Ordering::Relaxed);
        self.0[0].store(value.wrapping_add(amount), Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    fn reset(&self) {
        self.0[0].store(0, Ordering::Relaxed);
    }
}

impl AtomicCounter {
    /// A counter at zero.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page.
    pub fn new() -> io::Result<Self> {
        SharedSlice::new(1).map(Self)
    }
}

impl SharedCounter for AtomicCounter {
    #[inline]
    fn add(&self, amount: u64) {
        // Relaxed: only the total matters, and the end of the run orders the reader after it.
        self.0[0].fetch_add(amount, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    fn reset(&self) {
        self.0[0].store(0, Ordering::Relaxed);
    }
}

impl MutexCounter {
    /// A counter at zero.
    pub fn new() -> Self {
        Self(Mutex::new(0))
    }
}

impl Default for MutexCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl SharedCounter for MutexCounter {
    #[inline]
    fn add(&self, amount: u64) {
        let mut value = self.0.lock().expect("an addition does not panic");
        *value = value.wrapping_add(amount);
    }

    fn value(&self) -> u64 {
        *self.0.lock().expect("an addition does not panic")
    }

    fn reset(&self) {
        *self.0.lock().expect("an addition does not panic") = 0;
    }
}

impl ProcessMutexCounter {
    /// A counter at zero.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page or the mutex.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            mutex: PosixMutex::new("the counter")?,
            value: SharedSlice::new(1)?,
        })
    }
}

impl SharedCounter for ProcessMutexCounter {
    #[inline]
    fn add(&self, amount: u64) {
        self.mutex.with(|| {
            // Relaxed: the mutex orders both steps.
            let value = self.value[0].load(Ordering::Relaxed);
            self.value[0].store(value.wrapping_add(amount), Ordering::Relaxed);
        });
    }

    fn value(&self) -> u64 {
        self.value[0].load(Ordering::Relaxed)
    }

    fn reset(&self) {
        self.value[0].store(0, Ordering::Relaxed);
    }
}

impl ShardedCounter {
    /// A counter at zero, with one shard per worker.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new(worker_count: usize) -> io::Result<Self> {
        Ok(Self {
            shards: SharedSlice::new(worker_count.max(1))?,
            next: SharedSlice::new(1)?,
        })
    }

    /// The shard of the calling worker, assigned in turn at its first increment.
    fn shard(&self) -> &AtomicU64 {
        thread_local! {
            static TURN: Cell<Option<u32>> = const { Cell::new(None) };
        }
        let turn = TURN.get().unwrap_or_else(|| {
            // Relaxed: each call only needs a different number.
            let turn = self.next[0].fetch_add(1, Ordering::Relaxed);
            TURN.set(Some(turn));
            turn
        });
        &self.shards[turn as usize % self.shards.len()]
    }
}

impl SharedCounter for ShardedCounter {
    fn add(&self, amount: u64) {
        // Relaxed: as in `increment`.
        self.shard().fetch_add(amount, Ordering::Relaxed);
    }

    fn increment(&self, times: u64) {
        let shard = self.shard();
        for _ in 0..times {
            // Atomic because a backend that starts more threads than workers makes some threads share a shard.
            // Relaxed: only the total matters, and the end of the run orders the reader after it.
            shard.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn value(&self) -> u64 {
        let shards = self.shards.iter();
        shards.map(|shard| shard.load(Ordering::Relaxed)).sum()
    }

    fn reset(&self) {
        for shard in self.shards.iter() {
            shard.store(0, Ordering::Relaxed);
        }
    }
}

impl ThreadLocalCounter {
    /// A counter at zero.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared page.
    pub fn new() -> io::Result<Self> {
        AtomicCounter::new().map(Self)
    }
}

impl SharedCounter for ThreadLocalCounter {
    fn add(&self, amount: u64) {
        self.0.add(amount);
    }

    fn increment(&self, times: u64) {
        thread_local! {
            static OWN: Cell<u64> = const { Cell::new(0) };
        }
        for _ in 0..times {
            // The compiler must not know the sum, or it would add `times` at once.
            OWN.set(black_box(OWN.get() + 1));
        }
        self.add(OWN.take());
    }

    fn value(&self) -> u64 {
        self.0.value()
    }

    fn reset(&self) {
        self.0.reset();
    }
}
