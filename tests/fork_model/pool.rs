//! A pool in small: what its workers share, and which tasks they have taken.

use loom::sync::Arc;
use taskdyno_core::memory::Padded;

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::deque::{Deque, HEAD_WORDS, Steal, Taken};
use crate::park::Parking;
use crate::sources::Sources;

/// Tasks are 1, 2, 3, ... More tasks are not needed to show a fault.
pub(crate) const TASKS: usize = 4;

/// The shared pages of a pool.
pub(crate) struct Pool {
    pub(crate) deque: [AtomicU64; HEAD_WORDS + TASKS],
    pub(crate) ranges: [[AtomicU64; 2]; 3],
    pub(crate) sleepers: AtomicU32,
    pub(crate) seats: Vec<Padded<AtomicU32>>,
    /// The input that each task needs.
    pub(crate) inputs: [AtomicU32; TASKS],
    /// How often each task was taken.
    pub(crate) taken: [AtomicU32; TASKS],
}

impl Pool {
    pub(crate) fn new(seat_count: usize) -> Arc<Self> {
        let words = || std::array::from_fn(|_| AtomicU32::new(0));
        Arc::new(Self {
            deque: std::array::from_fn(|_| AtomicU64::new(0)),
            ranges: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))),
            sleepers: AtomicU32::new(0),
            seats: (0..seat_count)
                .map(|_| Padded::new(AtomicU32::new(0)))
                .collect(),
            inputs: words(),
            taken: words(),
        })
    }

    pub(crate) fn deque(&self) -> Deque<'_> {
        Deque::new(&self.deque)
    }

    pub(crate) fn sources(&self, worker: usize) -> Sources<'_> {
        let [share, loot] = &self.ranges[worker];
        Sources::new(share, loot)
    }

    pub(crate) fn parking(&self) -> Parking<'_> {
        Parking::new(&self.sleepers, &self.seats)
    }

    pub(crate) fn push(&self, task: u32) {
        self.write_input(task);
        self.deque().push(task);
    }

    pub(crate) fn write_input(&self, task: u32) {
        self.inputs[task as usize].store(task + 100, Ordering::Relaxed);
    }

    pub(crate) fn run(&self, task: u32) {
        let input = self.inputs[task as usize].load(Ordering::Relaxed);
        assert_eq!(input, task + 100, "the input of task {task} is missing");
        let before = self.taken[task as usize].fetch_add(1, Ordering::Relaxed);
        assert_eq!(before, 0, "task {task} was taken twice");
    }

    pub(crate) fn pop(&self) -> Option<Taken> {
        let taken = self.deque().pop();
        if let Some(taken) = taken {
            self.run(taken.task);
        }
        taken
    }

    /// Steals a task; `None` if there is none.
    pub(crate) fn steal(&self) -> Option<Taken> {
        loop {
            match self.deque().steal() {
                Steal::Taken(taken) => {
                    self.run(taken.task);
                    return Some(taken);
                }
                Steal::Empty => return None,
                Steal::Lost => {}
            }
        }
    }

    /// The behaviour of a thief: it searches until it has one task, and sleeps while there is none.
    pub(crate) fn steal_one(&self, me: usize) {
        let parking = self.parking();
        loop {
            parking.sit(me);
            if let Some(taken) = self.steal() {
                if parking.leave(me) {
                    parking.wake_one();
                }
                return self.settle(taken);
            }
            parking.stay(me);
            if let Some(taken) = self.steal() {
                return self.settle(taken);
            }
        }
    }

    pub(crate) fn settle(&self, taken: Taken) {
        if taken.left {
            self.parking().wake_one();
        }
    }

    pub(crate) fn assert_taken(&self, tasks: std::ops::RangeInclusive<u32>) {
        for task in tasks {
            let count = self.taken[task as usize].load(Ordering::Relaxed);
            assert_eq!(count, 1, "how often task {task} was taken");
        }
        assert!(self.deque().is_empty());
        assert!((0..self.ranges.len()).all(|worker| self.sources(worker).are_empty()));
    }
}
