//! Waiting in the Linux kernel for a word in shared pages to change.

use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

use super::atomic::AtomicU32;

/// Not `PRIVATE`: processes share the words, and for private futexes the kernel looks for waiters only in the
/// address space of the caller.
const SHARED: Flags = Flags::empty();

/// Sleeps while `word` holds `value`. It may return early, so the caller must check the word again.
pub(super) fn wait(word: &AtomicU32, value: u32) {
    timed_out(futex::wait(word, SHARED, value, None));
}

/// Like [`wait`], for at most `limit`; `true` if it slept that long.
pub(super) fn wait_at_most(word: &AtomicU32, value: u32, limit: Duration) -> bool {
    let limit = Timespec {
        tv_sec: limit.as_secs() as i64,
        tv_nsec: limit.subsec_nanos().into(),
    };
    timed_out(futex::wait(word, SHARED, value, Some(&limit)))
}

/// Wakes the worker that sleeps on `word`. There is never more than one.
pub(super) fn wake(word: &AtomicU32) {
    futex::wake(word, SHARED, 1).expect("a futex word in shared pages is valid");
}

fn timed_out(waited: Result<(), Errno>) -> bool {
    match waited {
        Err(Errno::TIMEDOUT) => true,
        // Woken, the word had already changed, or a signal was handled.
        Ok(()) | Err(Errno::AGAIN | Errno::INTR) => false,
        Err(error) => panic!("a futex word in shared pages is valid: {error}"),
    }
}
