//! A work-stealing deque in shared pages: the owner pushes and pops at the bottom, thieves take from the
//! top.
//!
//! It is the bounded deque of Arora, Blumofe and Plaxton, "Thread scheduling for multiprogrammed
//! multiprocessors" (SPAA 1998), with the orderings that Lê, Pop, Cohen and Zappa Nardelli worked out for
//! its successor, "Correct and efficient work-stealing for weak memory models" (PPoPP 2013). The unbounded
//! deque of Chase and Lev does not suit shared pages: its indices only ever grow, so a chain of ten
//! million tasks walks through the whole ring and touches a page every thousand tasks. Here the indices go
//! back to zero whenever the owner finds the deque empty; what is touched is the high-water mark, and a
//! capacity of all the tasks that can be pushed in a run costs address space only.
//!
//! ```text
//! words    age  bottom  0   1   2   3   4   5   6 ...
//!                           └ top       └ bottom      taken by thieves: [0, top)   ready: [top, bottom)
//!
//! age      63 ...... 32 31 ...... 0          both halves change in one exchange
//!             tag          top
//! ```
//!
//! All lie side by side, so that a thief gets what it needs of a short deque, the usual one, in one cache
//! line. Kept apart, as is done where owner and thieves seldom meet, they cost a stencil of width 2 84 ns a
//! task in place of 52.
//!
//! The tag goes up each time the indices go back to zero, so that a thief that read the old `age` cannot
//! take from the new contents. It would have to sleep through exactly a multiple of 2^32 such resets
//! between two instructions to be misled, and then the core would still report the task that ran twice.

use super::atomic::{AtomicU64, Ordering, fence};

/// Words of a deque that hold no task: age and bottom.
pub(super) const HEAD_WORDS: usize = 2;

/// One worker's deque: a view of words in shared pages. All zero is an empty deque.
#[derive(Clone, Copy)]
pub(super) struct Deque<'a> {
    /// Tag and top. Owner and thieves change it by exchange; the owner alone changes the tag.
    age: &'a AtomicU64,
    /// The first free place. Written by the owner alone.
    bottom: &'a AtomicU64,
    /// Written by the owner alone.
    tasks: &'a [AtomicU64],
}

/// A task that was taken from a deque.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) task: u32,
    /// Whether others were left behind. The taker must see to it that somebody comes for them. An owner
    /// that pops has passed a full fence since its last push.
    pub(super) left: bool,
}

/// What came of an attempt to steal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steal {
    /// There was nothing.
    Empty,
    /// Another was faster; there may be more.
    Lost,
    /// A task.
    Taken(Taken),
}

impl<'a> Deque<'a> {
    /// A view. Beyond the [`HEAD_WORDS`] there must be room for all that the owner pushes between two pops
    /// that return `None`.
    pub(super) fn new(words: &'a [AtomicU64]) -> Self {
        let (head, tasks) = words.split_at(HEAD_WORDS);
        Self {
            age: &head[0],
            bottom: &head[1],
            tasks,
        }
    }

    /// Adds a task. Owner only.
    #[inline]
    pub(super) fn push(&self, task: u32) {
        // Relaxed: only the owner writes `bottom`.
        let bottom = self.bottom.load(Ordering::Relaxed);
        // Relaxed: the Release below publishes it.
        self.tasks[bottom as usize].store(task.into(), Ordering::Relaxed);
        // Release: a thief that sees this bottom sees the task, and all that made the task ready.
        self.bottom.store(bottom + 1, Ordering::Release);
    }

    /// Whether it holds no task. Owner only; thieves may be about to take those that it holds.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // Relaxed, both: only the owner writes `bottom` and takes `age` back; nothing is read on the strength of it.
        self.bottom.load(Ordering::Relaxed) <= top_of(self.age.load(Ordering::Relaxed))
    }

    /// Takes the task that was pushed last. Owner only. After `None` the indices are back at zero.
    #[inline]
    pub(super) fn pop(&self) -> Option<Taken> {
        // Relaxed, here and below: only the owner writes `bottom` and `tasks`.
        let bottom = self.bottom.load(Ordering::Relaxed);
        if bottom == 0 {
            return None;
        }
        let bottom = bottom - 1;
        // Release: a thief that sees this bottom must see the tasks below it, as with the one that `push`
        // stored. (Since C++20 a plain store no longer continues the release sequence of the one before.)
        self.bottom.store(bottom, Ordering::Release);
        // The heart of the protocol: the owner lowers the bottom, then reads the top; a thief reads the
        // top, then the bottom, with a fence between the two on either side. In the one order that all
        // fences have, either this one comes first, and the thief sees the lowered bottom; or the
        // thief's comes first, and the owner reads a top at least as new as the thief did. So they never
        // both believe that the last task is theirs without an exchange on `age`.
        fence(Ordering::SeqCst);
        let task = self.tasks[bottom as usize].load(Ordering::Relaxed) as u32;
        // Relaxed: the fence orders it after the store above.
        let age = self.age.load(Ordering::Relaxed);
        if bottom > top_of(age) {
            return Some(Taken { task, left: true });
        }
        self.take_last(task, bottom, age)
    }

    /// Settles who gets the last task, and takes the indices back to zero.
    fn take_last(&self, task: u32, bottom: u64, age: u64) -> Option<Taken> {
        // Relaxed: published by the Release on `age` just below. A thief that sees this zero with the old
        // age finds nothing, which is right whoever gets the task.
        self.bottom.store(0, Ordering::Relaxed);
        let reset = reset(age);
        if bottom == top_of(age) {
            // Release: a thief that reads the new age, in which top is zero, must not read a bottom older
            // than the zero above, or it would take what is long gone. Relaxed on failure: what is read
            // is not used.
            let won = self
                .age
                .compare_exchange(age, reset, Ordering::Release, Ordering::Relaxed);
            if won.is_ok() {
                return Some(Taken { task, left: false });
            }
        }
        // A thief got the last one. It cannot change `age` any more: top has reached the bottom that every
        // thief will see. Release: as above.
        self.age.store(reset, Ordering::Release);
        None
    }

    /// Takes the task that was pushed first. Anyone but the owner.
    #[inline]
    pub(super) fn steal(&self) -> Steal {
        // Relaxed: with the fence below, which follows it, it is an acquire. It pairs with the Release of a
        // reset, see `take_last`; exchanges by other thieves in between keep the release sequence going.
        let age = self.age.load(Ordering::Relaxed);
        let top = top_of(age);
        // See `pop`.
        fence(Ordering::SeqCst);
        // Acquire: pairs with the Release in `push`.
        let bottom = self.bottom.load(Ordering::Acquire);
        if bottom <= top {
            return Steal::Empty;
        }
        // Relaxed: the Acquire above orders it after the push. If the owner has put another task there
        // since, the indices were reset in between and the exchange below fails.
        let task = self.tasks[top as usize].load(Ordering::Relaxed) as u32;
        // Relaxed: a success hands nothing over but the right to the task, which every exchange on `age`
        // settles by itself; the task's inputs came with the Acquire of `bottom`.
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
