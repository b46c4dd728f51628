//! Checks the pending count of a task (`core/src/execute/pending.rs`). Loom tries every order in which its predecessors
//! can be counted, and every value that the memory model lets their workers read (within loom's bounds).
//!
//! The test compiles the file of the core itself, with loom's atomics instead of the machine's. The worker that runs
//! the task reads all its inputs with Relaxed: if one is missing, a Release or Acquire is missing. If two workers run
//! the task, or none, the protocol is wrong.

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

/// A task and its inputs.
struct Task<const N: usize> {
    /// What each predecessor has written in addition to its output.
    inputs: [AtomicU32; N],
    /// Which predecessors have stored their outputs.
    outputs: [AtomicU32; N],
    pending: AtomicU32,
    run_count: AtomicU32,
}

/// What a worker does that could reserve the task.
#[derive(Clone, Copy)]
enum Finish {
    /// It does not reserve it.
    Count,
    /// It reserves it and waits for the missing input.
    Wait,
    /// It reserves it and finds other work at once.
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

    /// The steps of a predecessor's worker after it has run it for the `round`th time.
    fn finish(&self, predecessor: usize, round: u32, manner: Finish) {
        self.inputs[predecessor].store(round, Ordering::Relaxed);
        self.outputs[predecessor].store(round, Ordering::Release);
        let pending = Pending(&self.pending);
        let reserves = !matches!(manner, Finish::Count);
        if !(reserves && pending.count_down_and_reserve()) {
            if pending.count_down(N as u32) {
                self.run(round);
            }
            return;
        }
        if matches!(manner, Finish::Wait) {
            self.await_output(round);
            self.run(round);
        } else if !pending.release() {
            self.run(round);
        }
    }

    /// Waits for the first missing output. Only one should be missing.
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

/// Checks all orders in which the workers interrupt each other at most `preemption_bound` times. Each worker finishes
/// one predecessor in its manner, in two consecutive runs.
fn check<const N: usize>(preemption_bound: usize, manners: [Finish; N]) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemption_bound);
    builder.check(move || {
        let task = Arc::new(Task::<N>::new());
        for round in 1..=2 {
            // This thread is the last worker, because loom allows only five threads.
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
            assert_eq!(
                task.run_count.load(Ordering::Relaxed),
                round,
                "the task was lost"
            );
            assert_eq!(task.pending.load(Ordering::Relaxed), N as u32);
        }
    });
}

#[test]
fn the_last_to_count_gets_the_task() {
    check(4, [Finish::Count; 2]);
}

#[test]
fn the_worker_that_reserves_the_task_gets_it() {
    check(4, [Finish::Wait, Finish::Count]);
}

#[test]
fn only_one_of_two_workers_reserves_the_task() {
    check(4, [Finish::Wait; 2]);
}

#[test]
fn a_task_that_is_returned_is_not_lost() {
    check(4, [Finish::GiveBack, Finish::Count]);
    check(4, [Finish::GiveBack, Finish::Wait]);
}

#[test]
fn a_third_predecessor_changes_nothing() {
    check(2, [Finish::Count; 3]);
    check(2, [Finish::Count, Finish::Count, Finish::Wait]);
    check(2, [Finish::Wait, Finish::Wait, Finish::Count]);
    check(2, [Finish::GiveBack, Finish::GiveBack, Finish::Count]);
    check(2, [Finish::GiveBack, Finish::Wait, Finish::Count]);
}
