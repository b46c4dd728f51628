//! Where idle workers park, and why no wake-up is lost.
//!
//! **No wake-up is lost.** While a worker sleeps, no deque holds a task that was pushed after this worker's last
//! search, unless a sleeper was woken for this task:
//!
//! ```text
//! pusher                                   sleeper
//! 1. push the task                         1. write itself into the list of sleepers
//! 2. fence                                 2. fence
//! 3. read the number of sleepers;          3. look into every deque once more;
//!    wake one if there is any                 park if all are empty
//! ```
//!
//! The fences are sequentially consistent, so one side sees the other side's step 1. A pusher omits its fence if it
//! runs the task itself next, because then it needs no other worker. Tasks that were moved by a steal count as
//! pushed again, because a search of both deques can miss them while they move. The ends of the run and of the pool
//! unpark the threads concerned whether they sleep or not. These need no fence, because the token of an unpark stays
//! until the thread parks.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::thread::{self, Thread};

use crate::memory::Padded;

/// The workers that are parked, or about to park.
#[derive(Default)]
pub(super) struct Sleepers {
    /// The length of `threads`, readable without the mutex.
    count: Padded<AtomicUsize>,
    threads: Mutex<Vec<(usize, Thread)>>,
}

impl Sleepers {
    /// Announces worker `index` (the calling thread) as a sleeper, then parks it unless `is_needed` returns `true`.
    pub(super) fn sleep(&self, index: usize, is_needed: impl FnOnce() -> bool) {
        self.edit(|threads| threads.push((index, thread::current())));
        // The sleeper's fence, see the module's documentation.
        fence(Ordering::SeqCst);
        if !is_needed() {
            thread::park();
        }
        self.edit(|threads| threads.retain(|(other, _)| *other != index));
    }

    /// Wakes up to `count` sleepers for as many tasks that have just been pushed.
    #[inline]
    pub(super) fn wake(&self, count: usize) {
        // The pusher's fence, see the module's documentation.
        fence(Ordering::SeqCst);
        // Relaxed: the fence orders it after the push.
        if self.count.load(Ordering::Relaxed) > 0 {
            self.wake_slowly(count);
        }
    }

    /// Wakes worker `index`, if it sleeps, for what the caller has just done for it.
    pub(super) fn wake_worker(&self, index: usize) {
        // The pusher's fence: what was done stands for the task, and what the sleeper needs for the deques.
        fence(Ordering::SeqCst);
        // Relaxed: the fence orders it.
        if self.count.load(Ordering::Relaxed) > 0 {
            let is_it = |(other, _): &mut (usize, Thread)| *other == index;
            let woken = self.edit(|threads| threads.extract_if(.., is_it).next());
            if let Some((_, thread)) = woken {
                thread.unpark();
            }
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
