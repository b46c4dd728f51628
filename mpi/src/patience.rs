//! How a rank waits.

use std::mem::MaybeUninit;
use std::thread;
use std::time::Duration;

/// How many times a rank with a core of its own looks before it lets others run.
const SPINS: u32 = 2000;

/// The signal by which the first rank wakes the others of its host. `supervise.rs` has others.
const WAKE: libc::c_int = libc::SIGURG;

/// How long a rank sleeps that is woken by a signal. It then looks once, in case somebody else took the signal.
const WOKEN_SLEEP: Duration = Duration::from_millis(500);

/// The longest sleep between two looks of a rank that nobody wakes, for each rank of its host. Together they then look 250
/// times a second, which takes much less than 1% of a core.
const SLEEP: Duration = Duration::from_millis(4);

/// The longest sleep of all.
const LONGEST_SLEEP: Duration = Duration::from_millis(32);

/// How a rank waits for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Whether there are more ranks and threads than cores, so that others need this core.
    pub is_crowded: bool,
    /// Whether it sleeps between two looks, because no slice has been announced.
    pub sleeps: bool,
    /// The number of ranks of this host.
    pub rank_count: u32,
    /// Whether the first rank is on the same host, and wakes this one.
    pub is_woken: bool,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            is_crowded: false,
            sleeps: false,
            rank_count: 1,
            is_woken: false,
        }
    }
}

impl Patience {
    /// The same, between slices.
    pub fn idle(self) -> Self {
        Self {
            sleeps: true,
            ..self
        }
    }

    /// Waits after look number `polls` has found nothing. Returns whether it has waited long enough to read the clock.
    #[inline]
    pub fn pause(self, polls: u32) -> bool {
        if self.sleeps && self.is_woken {
            sleep_until_woken();
            return true;
        }
        if self.sleeps {
            // At first short, because many slices follow each other at once.
            let longest = (SLEEP * self.rank_count).min(LONGEST_SLEEP);
            let sleep = Duration::from_micros(100) * (1 << polls.min(9));
            thread::sleep(sleep.min(longest));
            return true;
        }
        // Otherwise it looks again at once: a look takes as long as a short pause.
        if self.is_crowded || polls > SPINS {
            thread::yield_now();
        }
        polls.is_multiple_of(1024)
    }
}

/// A set of [`WAKE`] alone.
fn wake_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: fills the set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set was filled above, and the signal exists.
    unsafe { libc::sigaddset(set.as_mut_ptr(), WAKE) };
    // SAFETY: it was filled first.
    unsafe { set.assume_init() }
}

/// Keeps wake-up signals for [`sleep_until_woken`], on this thread and on all that it starts later. No other thread may be
/// there: it would take them. A signal that comes
/// between a look and a sleep is not lost: it ends the sleep at once.
pub fn keep_wake_ups() {
    // SAFETY: the set is valid, and the old mask is not wanted.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, &wake_set(), std::ptr::null_mut()) };
}

fn sleep_until_woken() {
    let limit = libc::timespec {
        tv_sec: 0,
        tv_nsec: WOKEN_SLEEP.subsec_nanos().into(),
    };
    // SAFETY: the set and the time outlive the call, and nothing else is asked for.
    unsafe { libc::sigtimedwait(&wake_set(), std::ptr::null_mut(), &limit) };
}

/// Wakes the rank that is this process, and has called [`keep_wake_ups`].
pub fn wake(process: u32) {
    // SAFETY: sends a signal, which the process keeps. If it is gone, nothing happens.
    unsafe { libc::kill(process as libc::pid_t, WAKE) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_before_the_sleep_is_kept() {
        // In a thread of its own: the signal is sent to it alone, and the mask is its own.
        let sleeper = thread::spawn(|| {
            keep_wake_ups();
            // SAFETY: returns the name of this thread.
            let here = unsafe { libc::pthread_self() };
            // SAFETY: sends a signal to this thread, which keeps it.
            unsafe { libc::pthread_kill(here, WAKE) };
            let mut pending = MaybeUninit::uninit();
            // SAFETY: fills the set.
            unsafe { libc::sigpending(pending.as_mut_ptr()) };
            // SAFETY: it was filled above.
            let is_kept = unsafe { libc::sigismember(pending.as_ptr(), WAKE) };
            sleep_until_woken();
            // SAFETY: fills the set.
            unsafe { libc::sigpending(pending.as_mut_ptr()) };
            // SAFETY: it was filled above.
            (is_kept, unsafe {
                libc::sigismember(pending.as_ptr(), WAKE)
            })
        });
        assert_eq!(sleeper.join().unwrap(), (1, 0));
    }
}
