//! The pending count of a task (`core/src/execute/pending.rs`) under every order in which its predecessors can be counted,
//! and every value that the memory model lets their workers read (within loom's bounds).
//!
//! The very file of the core is checked, with loom's atomics in place of the machine's. Whoever runs the task looks for
//! all its inputs, relaxed: one that is not there has found a missing Release or Acquire. Two that run it, or none, have
//! found a hole in the protocol.

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

use atomic::{AtomicU32, Ordering};
use pending::{MOST_PREDECESSORS, Pending};

#[path = "../core/src/execute/pending.rs"]
mod pending;

mod atomic {
    pub(super) use loom::sync::atomic::{AtomicU32, Ordering};
}

/// A task and what it waits for.
struct Task<const N: usize> {
    /// What each predecessor has stored, beside its output: in a program, all that it wrote.
    inputs: [AtomicU32; N],
    /// Which predecessors have stored their outputs.
    outputs: [AtomicU32; N],
    pending: AtomicU32,
    run_count: AtomicU32,
}

/// What a worker does that could reserve the task.
#[derive(Clone, Copy)]
enum Manner {
    /// It does not.
    Count,
    /// It waits for the input that is missing.
    Wait,
    /// It finds other work at once.
    GiveBack,
}

impl<const N: usize> Task<N> {
    fn new() -> Self {
        assert!(N as u32 <= MOST_PREDECESSORS);
        let zeros = || std::array::from_fn(|_| AtomicU32::new(0));
        Self {
            inputs: zeros(),
            outputs: zeros(),
            pending: AtomicU32::new(N as u32),
            run_count: AtomicU32::new(0),
        }
    }

    /// What the worker of one predecessor does when that has run, for the `round`th time.
    fn finish(&self, predecessor: usize, round: u32, manner: Manner) {
        self.inputs[predecessor].store(round, Ordering::Relaxed);
        self.outputs[predecessor].store(round, Ordering::Release);
        let pending = Pending(&self.pending);
        let reserves = !matches!(manner, Manner::Count);
        if !(reserves && pending.count_down_and_reserve()) {
            if pending.count_down(N as u32) {
                self.run(round);
            }
            return;
        }
        if matches!(manner, Manner::Wait) {
            self.await_output(round);
            self.run(round);
        } else if !pending.release() {
            self.run(round);
        }
    }

    /// Waits for the first output that is not there: all but one of them should be.
    fn await_output(&self, round: u32) {
        let is_there = |output: &&AtomicU32| output.load(Ordering::Acquire) == round;
        if let Some(missing) = self.outputs.iter().find(|output| !is_there(output)) {
            while !is_there(&missing) {
                thread::yield_now();
            }
        }
    }

    fn run(&self, round: u32) {
        for input in &self.inputs {
            let found = input.load(Ordering::Relaxed);
            assert_eq!(found, round, "an input is missing");
        }
        let before = self.run_count.fetch_add(1, Ordering::Relaxed);
        assert_eq!(before + 1, round, "the task ran twice");
    }
}

/// Checks all orders in which this many workers interrupt each other at most `preemption_bound` times, each finishing one
/// predecessor in its manner, in two runs one after the other.
fn check<const N: usize>(preemption_bound: usize, manners: [Manner; N]) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemption_bound);
    builder.check(move || {
        let task = Arc::new(Task::<N>::new());
        for round in 1..=2 {
            // The last of them is this thread: loom has five in all.
            let workers: Vec<_> = (0..N - 1)
                .map(|index| {
                    let task = Arc::clone(&task);
                    thread::spawn(move || task.finish(index, round, manners[index]))
                })
                .collect();
            task.finish(N - 1, round, manners[N - 1]);
            for worker in workers {
                worker.join().unwrap();
            }
            assert_eq!(task.run_count.load(Ordering::Relaxed), round, "it was lost");
            assert_eq!(task.pending.load(Ordering::Relaxed), N as u32);
        }
    });
}

#[test]
fn who_counts_last_has_the_task() {
    check(4, [Manner::Count; 2]);
}

#[test]
fn who_reserves_the_task_has_it() {
    check(4, [Manner::Wait, Manner::Count]);
}

#[test]
fn one_of_two_who_would_reserve_the_task_has_it() {
    check(4, [Manner::Wait; 2]);
}

#[test]
fn a_task_that_is_given_back_is_not_lost() {
    check(4, [Manner::GiveBack, Manner::Count]);
    check(4, [Manner::GiveBack, Manner::Wait]);
}

#[test]
fn a_third_predecessor_changes_nothing() {
    check(2, [Manner::Count; 3]);
    check(2, [Manner::Count, Manner::Count, Manner::Wait]);
    check(2, [Manner::Wait, Manner::Wait, Manner::Count]);
    check(2, [Manner::GiveBack, Manner::GiveBack, Manner::Count]);
    check(2, [Manner::GiveBack, Manner::Wait, Manner::Count]);
}
