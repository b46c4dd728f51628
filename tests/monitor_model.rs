//! Checks the monitor of processes. Loom tries every order of the steps of its parties, and every value that the memory model
//! lets them read (within loom's bounds).
//!
//! The test compiles the file of the monitor itself, with loom's atomics instead of the machine's, and with models of its
//! mutex, of its pages and of the futex. A lost wake-up becomes a deadlock, which loom reports.

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;
use taskdyno_core::graph::TaskId;
use taskdyno_core::sync::{Monitor, Party, WaitTable, at_once};

use crate::atomic::{AtomicU32, Ordering};
use crate::shared_monitor::SharedMonitor;

// In the core, what the file exports is public.
#[allow(unreachable_pub)]
#[path = "../core/src/sync/shared_monitor.rs"]
mod shared_monitor;

mod atomic {
    pub(super) use loom::sync::atomic::{AtomicU32, Ordering};
}

mod monitor {
    pub(super) use taskdyno_core::sync::{Monitor, PLACE_COUNT};
}

mod party {
    pub(super) use taskdyno_core::sync::{Halted, LOOK_INTERVAL, Party};
}

/// Pages that need not be shared: the parties are threads.
mod memory {
    use std::io;
    use std::ops::Deref;

    use super::atomic::AtomicU32;

    pub(super) type Padded<T> = T;

    pub(super) struct SharedSlice<T>(Vec<T>);

    impl SharedSlice<AtomicU32> {
        pub(super) fn new(len: usize) -> io::Result<Self> {
            Ok(Self((0..len).map(|_| AtomicU32::new(0)).collect()))
        }
    }

    impl<T> Deref for SharedSlice<T> {
        type Target = [T];

        fn deref(&self) -> &[T] {
            &self.0
        }
    }
}

mod posix_mutex {
    use std::io;

    use loom::sync::Mutex;

    pub(super) struct PosixMutex(Mutex<()>);

    impl PosixMutex {
        pub(super) fn new(_: &'static str) -> io::Result<Self> {
            Ok(Self(Mutex::new(())))
        }

        pub(super) fn with<R>(&self, body: impl FnOnce() -> R) -> R {
            let _held = self.0.lock().unwrap();
            body()
        }
    }
}

/// A model of the kernel's futex: checking the word and going to sleep is one step for the process that wakes.
mod futex {
    use std::time::Duration;

    use loom::sync::{Condvar, Mutex};

    use super::atomic::{AtomicU32, Ordering};

    loom::lazy_static! {
        static ref KERNEL: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
    }

    /// Time does not pass in the model. A party that is not woken sleeps forever, and loom reports it.
    pub(super) fn wait_at_most(word: &AtomicU32, value: u32, _: Duration) {
        let guard = KERNEL.0.lock().unwrap();
        if word.load(Ordering::Relaxed) == value {
            drop(KERNEL.1.wait(guard).unwrap());
        }
    }

    /// The parties of a model all sleep on the same word.
    pub(super) fn wake(_: &AtomicU32, count: u32) {
        let _guard = KERNEL.0.lock().unwrap();
        match count {
            1 => KERNEL.1.notify_one(),
            _ => KERNEL.1.notify_all(),
        }
    }
}

/// A monitor, the items under its lock, and the table of its parties.
struct Stock {
    monitor: SharedMonitor,
    /// Relaxed, always: it is used under the lock.
    item_count: AtomicU32,
    table: WaitTable,
}

impl Stock {
    fn put(&self, count: u32) {
        let put = || self.item_count.fetch_add(count, Ordering::Relaxed);
        self.monitor.locked(put);
    }

    /// Waits for an item and takes it.
    fn take(&self, consumer: u32) {
        let take = || {
            let count = self.item_count.load(Ordering::Relaxed);
            let left = count.checked_sub(1)?;
            self.item_count.store(left, Ordering::Relaxed);
            Some(())
        };
        let party = Party::new(&self.table, TaskId(consumer));
        at_once(self.monitor.wait_until(0, party, "an item", take)).unwrap();
    }
}

/// Two consumers, each of which needs one item, and a dispatcher that puts two and wakes as `dispatch` says.
fn two_consumers(dispatch: fn(&Stock)) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(move || {
        let stock = Arc::new(Stock {
            monitor: SharedMonitor::new().unwrap(),
            item_count: AtomicU32::new(0),
            table: WaitTable::new(2).unwrap(),
        });
        let consumers = [0, 1].map(|consumer| {
            let stock = Arc::clone(&stock);
            thread::spawn(move || stock.take(consumer))
        });
        dispatch(&stock);
        for consumer in consumers {
            consumer.join().unwrap();
        }
        let left = || stock.item_count.load(Ordering::Relaxed);
        assert_eq!(stock.monitor.locked(left), 0);
    });
}

#[test]
fn each_wake_up_reaches_a_party_that_needs_it() {
    two_consumers(|stock| {
        for _ in 0..2 {
            stock.put(1);
            stock.monitor.wake_one(0);
        }
    });
}

#[test]
fn one_wake_up_reaches_all() {
    two_consumers(|stock| {
        stock.put(2);
        stock.monitor.wake_all(0);
    });
}
