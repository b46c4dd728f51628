//! What forked processes do without taskdyno.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::thread::futex;
use taskdyno_core::memory::{Padded, SharedSlice};

use crate::WORKERS;

/// The lowest possible cost of handing out independent work to processes: one shared index and one addition per
/// task, without checks and without stored outputs.
pub(crate) struct SharedIndex {
    words: Arc<SharedSlice<Padded<AtomicU64>>>,
    /// Two futexes: the number of the round, and how many workers have finished it.
    futexes: Arc<SharedSlice<AtomicU32>>,
    workers: Vec<Pid>,
}

impl SharedIndex {
    pub(crate) fn start(count: u64) -> Self {
        let words = Arc::new(SharedSlice::new(1).expect("a shared page"));
        let futexes: Arc<SharedSlice<AtomicU32>> =
            Arc::new(SharedSlice::new(2).expect("a shared page"));
        let workers = (0..WORKERS)
            .map(|_| fork(|| Self::work(&words, &futexes, count)))
            .collect();
        Self {
            words,
            futexes,
            workers,
        }
    }

    fn work(words: &[Padded<AtomicU64>], futexes: &[AtomicU32], count: u64) {
        let mut round = 0;
        loop {
            sleep_while(&futexes[0], round);
            round = round.wrapping_add(1);
            if futexes[0].load(Ordering::Acquire) == u32::MAX {
                return;
            }
            // Relaxed: only the index itself is shared.
            while words[0].fetch_add(1, Ordering::Relaxed) < count {}
            futexes[1].fetch_add(1, Ordering::Release);
            wake(&futexes[1]);
        }
    }

    pub(crate) fn run(&mut self) {
        self.words[0].store(0, Ordering::Relaxed);
        self.futexes[1].store(0, Ordering::Relaxed);
        self.futexes[0].fetch_add(1, Ordering::Release);
        wake(&self.futexes[0]);
        for done in 0..WORKERS as u32 {
            sleep_while(&self.futexes[1], done);
        }
    }
}

impl Drop for SharedIndex {
    fn drop(&mut self) {
        self.futexes[0].store(u32::MAX, Ordering::Release);
        wake(&self.futexes[0]);
        self.workers.drain(..).for_each(join);
    }
}

pub(crate) fn sleep_while(word: &AtomicU32, value: u32) {
    while word.load(Ordering::Acquire) == value {
        // After an early return the caller checks again.
        let _ = futex::wait(word, futex::Flags::empty(), value, None);
    }
}

pub(crate) fn wake(word: &AtomicU32) {
    futex::wake(word, futex::Flags::empty(), u32::MAX >> 1).expect("a valid word");
}

pub(crate) fn fork(body: impl FnOnce()) -> Pid {
    // SAFETY: `main` starts no thread.
    match unsafe { libc::fork() } {
        0 => {
            body();
            // SAFETY: it accepts any status and does not return.
            unsafe { libc::_exit(0) }
        }
        raw => Pid::from_raw(raw).expect("a child"),
    }
}

pub(crate) fn join(pid: Pid) {
    waitpid(Some(pid), WaitOptions::empty()).expect("a child of this process");
}

pub(crate) fn timed<R>(body: impl FnOnce() -> R) -> u64 {
    let start = Instant::now();
    body();
    start.elapsed().as_nanos() as u64
}

/// The median of `samples`, in their unit; the upper one of two.
pub(crate) fn median(mut samples: Vec<u64>) -> f64 {
    samples.sort_unstable();
    samples[samples.len() / 2] as f64
}
