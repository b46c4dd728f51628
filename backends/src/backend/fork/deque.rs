//! A work-stealing deque in shared pages: the owner pushes and pops at the bottom, thieves take from the
//! top.
//!
//! It is the bounded deque of Arora, Blumofe and Plaxton, "Thread scheduling for multiprogrammed multiprocessors"
//! (SPAA 1998), with the orderings that Lê, Pop, Cohen and Zappa Nardelli worked out for its successor, "Correct and
//! efficient work-stealing for weak memory models" (PPoPP 2013). The unbounded deque of Chase and Lev does not suit
//! shared pages: its indices only grow, so a chain of ten million tasks walks through the whole ring and touches a
//! new page every few hundred tasks. Here the indices return to zero whenever the owner finds the deque empty. Only
//! the pages up to the highest index are touched, so a capacity for all tasks that can be pushed in a run costs only
//! address space.
//!
//! ```text
//! words    age  bottom  0   1   2   3   4   5   6 ...
//!                           └ top       └ bottom      taken by thieves: [0, top)   ready: [top, bottom)
//!
//! age      63 ...... 32 31 ...... 0          both halves change in one exchange
//!             tag          top
//! ```
//!
//! All words lie side by side. A thief finds what it needs of a short deque, the usual kind, in one cache line.
//! Separate cache lines, which are common where owner and thieves seldom meet, cost 84 ns per task instead of 52 in
//! a stencil of width 2.
//!
//! The tag increases each time the indices return to zero, so that a thief that read the old `age` cannot take from
//! the new contents. The thief would be misled only if exactly a multiple of 2^32 such resets happened between two
//! of its instructions. Even then the core would report the task that ran twice.

use super::atomic::{AtomicU64, Ordering, fence};

/// Words of a deque that hold no task: age and bottom.
pub(super) const HEAD_WORDS: usize = 2;

/// One worker's deque: a view of words in shared pages. All zero is an empty deque.
#[derive(Clone, Copy)]
pub(super) struct Deque<'a> {
    /// Tag and top. Owner and thieves change it with an exchange; only the owner changes the tag.
    age: &'a AtomicU64,
    /// The first free place. Only the owner writes it.
    bottom: &'a AtomicU64,
    /// Only the owner writes it.
    tasks: &'a [AtomicU64],
}

/// A task that was taken from a deque.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) task: u32,
    /// Whether other tasks were left behind. The taker must make sure that a worker comes for them. An owner that
    /// pops has passed a full fence since its last push.
    pub(super) left: bool,
}

/// The result of an attempt to steal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steal {
    /// The deque was empty.
    Empty,
    /// Another worker was faster; there may be more tasks.
    Lost,
    /// A task.
    Taken(Taken),
}

impl<'a> Deque<'a> {
    /// A view of `words`. After the [`HEAD_WORDS`] there must be space for all tasks that the owner pushes between
    /// two pops that return `None`.
    pub(super) fn new(words: &'a [AtomicU64]) -> Self {
        let (head, tasks) = words.split_at(HEAD_WORDS);
        Self {
            age: &head[0],
            bottom: &head[1],
            tasks,
        }
    }

    /// Adds a task. Only for the owner.
    #[inline]
    pub(super) fn push(&self, task: u32) {
        // Relaxed: only the owner writes `bottom`.
        let bottom = self.bottom.load(Ordering::Relaxed);
        // Relaxed: the Release below publishes it.
        self.tasks[bottom as usize].store(task.into(), Ordering::Relaxed);
        // Release: a thief that reads this bottom sees the task, and everything that made the task ready.
        self.bottom.store(bottom + 1, Ordering::Release);
    }

    /// Whether it holds no task. Only for the owner. Thieves may be about to take the tasks in it.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // Relaxed, both: only the owner writes `bottom` and resets `age`, and no other data is read because of the
        // result.
        self.bottom.load(Ordering::Relaxed) <= top_of(self.age.load(Ordering::Relaxed))
    }

    /// Takes the task that was pushed last. Only for the owner. After `None` the indices are zero again.
    #[inline]
    pub(super) fn pop(&self) -> Option<Taken> {
        // Relaxed, here and below: only the owner writes `bottom` and `tasks`.
        let bottom = self.bottom.load(Ordering::Relaxed);
        if bottom == 0 {
            return None;
        }
        let bottom = bottom - 1;
        // Release: a thief that reads this bottom must see the tasks below it, as with the bottom that `push`
        // stored. (Since C++20 a plain store does not continue the release sequence of the store before.)
        self.bottom.store(bottom, Ordering::Release);
        // This is the central step of the protocol. The owner lowers the bottom, then reads the top. A thief reads
        // the top, then the bottom. Each has a fence between the two steps, and all fences have one order. If the
        // owner's fence comes first, the thief sees the lowered bottom. If the thief's comes first, the owner reads
        // a top at least as new as the thief did. So they never both take the last task without an exchange on
        // `age`.
        fence(Ordering::SeqCst);
        let task = self.tasks[bottom as usize].load(Ordering::Relaxed) as u32;
        // Relaxed: the fence orders it after the store above.
        let age = self.age.load(Ordering::Relaxed);
        if bottom > top_of(age) {
            return Some(Taken { task, left: true });
        }
        self.take_last(task, bottom, age)
    }

    /// Decides who gets the last task, and sets the indices to zero.
    fn take_last(&self, task: u32, bottom: u64, age: u64) -> Option<Taken> {
        // Relaxed: published by the Release on `age` just below. A thief that reads this zero with the old age finds
        // nothing, which is correct whoever gets the task.
        self.bottom.store(0, Ordering::Relaxed);
        let reset = reset(age);
        if bottom == top_of(age) {
            // Release: a thief that reads the new age, in which top is zero, must not read a bottom older than the
            // zero above; otherwise it would take a task that is already gone. Relaxed on failure: the value is not
            // used.
            let won = self
                .age
                .compare_exchange(age, reset, Ordering::Release, Ordering::Relaxed);
            if won.is_ok() {
                return Some(Taken { task, left: false });
            }
        }
        // A thief got the last task. No thief can change `age` any more, because top has reached the bottom that
        // every thief will read. Release: as above.
        self.age.store(reset, Ordering::Release);
        None
    }

    /// Takes the task that was pushed first. For all workers except the owner.
    #[inline]
    pub(super) fn steal(&self) -> Steal {
        // Relaxed: together with the fence that follows it is an acquire. It pairs with the Release of a reset, see
        // `take_last`. Exchanges by other thieves in between continue the release sequence.
        let age = self.age.load(Ordering::Relaxed);
        let top = top_of(age);
        // See `pop`.
        fence(Ordering::SeqCst);
        // Acquire: pairs with the Release in `push`.
        let bottom = self.bottom.load(Ordering::Acquire);
        if bottom <= top {
            return Steal::Empty;
        }
        // Relaxed: the Acquire above orders it after the push. If the owner has since put another task there, the
        // indices were reset in between and the exchange below fails.
        let task = self.tasks[top as usize].load(Ordering::Relaxed) as u32;
        // Relaxed: success only gives the right to the task, which every exchange on `age` decides by itself. The
        // Acquire of `bottom` made the inputs of the task visible.
        let won = self
            .age
            .compare_exchange(age, age + 1, Ordering::Relaxed, Ordering::Relaxed);
        match won {
            Ok(_) => Steal::Taken(Taken {
                task,
                left: bottom > top + 1,
            }),
            Err(_) => Steal::Lost,
        }
    }
}

fn top_of(age: u64) -> u64 {
    age & u64::from(u32::MAX)
}

/// The next tag, and a top of zero.
fn reset(age: u64) -> u64 {
    (age >> 32).wrapping_add(1) << 32
}
