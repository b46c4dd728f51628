//! Where idle workers park, and how none of them is forgotten there.
//!
//! **No wake-up is lost.** While a worker sleeps, no task lies in a deque that was put there after the
//! worker looked for the last time, unless a sleeper was woken for it:
//!
//! ```text
//! pusher                                   sleeper
//! 1. push the task                         1. write itself into the list of sleepers
//! 2. fence                                 2. fence
//! 3. read the number of sleepers;          3. look into every deque once more;
//!    wake one if there is any                 park if all are empty
//! ```
//!
//! The fences are sequentially consistent, so one of the two sees the other's step 1. The fence of a
//! pusher is left out where the pusher runs the task itself right after: it needs nobody. Tasks that
//! a steal moves are pushed anew, since a look into both deques can miss them on their way. The ends of
//! the run and of the pool unpark whom they concern without asking whether it sleeps; the token of an
//! unpark outlasts the wait for it, so these need no fence.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::thread::{self, Thread};

use crossbeam_utils::CachePadded;

/// The workers that are parked, or about to park.
#[derive(Default)]
pub(super) struct Sleepers {
    /// The length of `threads`, to be read without the mutex.
    count: CachePadded<AtomicUsize>,
    threads: Mutex<Vec<(usize, Thread)>>,
}

impl Sleepers {
    /// Parks worker `index`, the calling thread, unless `is_needed` once others can see it sleep.
    pub(super) fn sleep(&self, index: usize, is_needed: impl FnOnce() -> bool) {
        self.edit(|threads| threads.push((index, thread::current())));
        // See the module: the sleeper's fence.
        fence(Ordering::SeqCst);
        if !is_needed() {
            thread::park();
        }
        self.edit(|threads| threads.retain(|(other, _)| *other != index));
    }

    /// Wakes up to `count` sleepers, for as many tasks that have just been pushed.
    #[inline]
    pub(super) fn wake(&self, count: usize) {
        // See the module: the pusher's fence.
        fence(Ordering::SeqCst);
        // Relaxed: the fence orders it after the push.
        if self.count.load(Ordering::Relaxed) > 0 {
            self.wake_slowly(count);
        }
    }

    #[cold]
    fn wake_slowly(&self, count: usize) {
        let woken = self.edit(|threads| threads.split_off(threads.len().saturating_sub(count)));
        for (_, thread) in woken {
            thread.unpark();
        }
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<(usize, Thread)>) -> R) -> R {
        let mut threads = self.threads.lock().expect("nothing panics under the mutex");
        let result = change(&mut threads);
        // Relaxed: the fences in `sleep` and `wake` order it.
        self.count.store(threads.len(), Ordering::Relaxed);
        result
    }
}
