//! A model of the kernel's futex: checking the word and going to sleep is one step for the process that wakes.

use loom::sync::{Condvar, Mutex};

use crate::atomic::{AtomicU32, Ordering};

loom::lazy_static! {
    static ref KERNEL: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
}

/// Time does not pass in the model. A worker that is not woken sleeps forever, and loom reports it.
pub(crate) fn wait_at_most(word: &AtomicU32, value: u32, _: std::time::Duration) {
    let guard = KERNEL.0.lock().unwrap();
    if word.load(Ordering::Relaxed) == value {
        drop(KERNEL.1.wait(guard).unwrap());
    }
}

/// Also wakes workers that sleep on other words. Every sleeper must handle spurious wake-ups.
pub(crate) fn wake(_: &AtomicU32, _: u32) {
    let _guard = KERNEL.0.lock().unwrap();
    KERNEL.1.notify_all();
}
