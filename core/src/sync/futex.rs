//! Waiting in the Linux kernel for a word in shared pages to change.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

/// Not `PRIVATE`: processes share the words, and for private futexes the kernel looks for waiters only in the
/// address space of the caller.
const SHARED: Flags = Flags::empty();

/// Sleeps while `word` holds `value`, for at most `limit`. It may return early, so the caller must check the word again.
pub(super) fn wait_at_most(word: &AtomicU32, value: u32, limit: Duration) {
    let limit = Timespec {
        tv_sec: limit.as_secs() as i64,
        tv_nsec: limit.subsec_nanos().into(),
    };
    match futex::wait(word, SHARED, value, Some(&limit)) {
        // Woken, the word had already changed, a signal was handled, or the time is over.
        Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => {}
        Err(error) => panic!("a futex word in shared pages is valid: {error}"),
    }
}

/// Wakes up to `count` sleepers on `word`.
pub(super) fn wake(word: &AtomicU32, count: u32) {
    futex::wake(word, SHARED, count).expect("a futex word in shared pages is valid");
}
