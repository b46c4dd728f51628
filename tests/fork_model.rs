//! Checks the `fork` backend's deque, ranges, parking and phase. Loom tries every order of the steps of two or three
//! workers, and every value that the memory model lets them read (within loom's bounds).
//!
//! The test compiles the files of the backend itself, with loom's atomics instead of the machine's and with a model of
//! the futex. Each test writes the input of a task with Relaxed before it makes the task available. If a worker takes
//! the task and does not see the input, a Release or Acquire is missing. A lost wake-up becomes a deadlock, which loom
//! reports.

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

use crate::atomic::{AtomicU32, Ordering, fence};
use crate::phase::{Phase, PhaseWord};
use crate::pool::Pool;
use crate::sources::Range;

#[path = "../backends/src/backend/fork/deque.rs"]
mod deque;
#[path = "../backends/src/backend/fork/park.rs"]
mod park;
#[path = "../backends/src/backend/fork/phase.rs"]
mod phase;
#[path = "fork_model/pool.rs"]
mod pool;
#[path = "../backends/src/backend/fork/sources.rs"]
mod sources;

mod atomic {
    pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}

/// A model of the kernel's futex: checking the word and going to sleep is one step for the process that wakes.
mod futex {
    use super::atomic::{AtomicU32, Ordering};
    use loom::sync::{Condvar, Mutex};

    loom::lazy_static! {
        static ref KERNEL: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
    }

    pub(super) fn wait(word: &AtomicU32, value: u32) {
        let guard = KERNEL.0.lock().unwrap();
        if word.load(Ordering::Relaxed) == value {
            drop(KERNEL.1.wait(guard).unwrap());
        }
    }

    /// Time does not pass in the model. A worker that is not woken sleeps forever, and loom reports it.
    pub(super) fn wait_at_most(word: &AtomicU32, value: u32, _: std::time::Duration) -> bool {
        wait(word, value);
        false
    }

    /// Also wakes workers that sleep on other words. Every sleeper must handle spurious wake-ups.
    pub(super) fn wake(_: &AtomicU32) {
        let _guard = KERNEL.0.lock().unwrap();
        KERNEL.1.notify_all();
    }
}

/// The preemption bound for two workers: how often they interrupt each other at most in one execution. It was tested by
/// removing each fence, Release and Acquire of the three files in turn. The bound is enough to detect each of them,
/// except three in `park`: the Acquire in `stay`, which only saves a search, and the pair that keeps the count of
/// sleepers from going below zero, because loom never moves a store up past an exchange.
const TWO_WORKERS: usize = 4;

/// Like [`TWO_WORKERS`]. It is smaller because three workers have many more orders.
const THREE_WORKERS: usize = 2;

fn check(preemption_bound: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemption_bound);
    builder.check(body);
}

#[test]
fn owner_and_thief_take_each_task_once() {
    check(TWO_WORKERS, || {
        let pool = Pool::new(0);
        let thief = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                for _ in 0..3 {
                    pool.steal();
                }
            })
        };
        pool.push(1);
        pool.push(2);
        pool.pop();
        pool.push(3);
        while pool.pop().is_some() {}
        thief.join().unwrap();
        pool.assert_taken(1..=3);
    });
}

#[test]
fn a_thief_handles_a_deque_that_was_reset() {
    check(TWO_WORKERS, || {
        let pool = Pool::new(0);
        let thief = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.steal())
        };
        for task in 1..=3 {
            pool.push(task);
            while pool.pop().is_some() {}
        }
        thief.join().unwrap();
        pool.assert_taken(1..=3);
    });
}

/// The owner finds that the last task was stolen, and resets the indices to zero while the thief works.
#[test]
fn a_thief_handles_a_reset_that_it_caused() {
    check(TWO_WORKERS, || {
        let pool = Pool::new(0);
        pool.push(1);
        pool.push(2);
        let thief = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                for _ in 0..3 {
                    pool.steal();
                }
            })
        };
        pool.pop();
        thief.join().unwrap();
        while pool.pop().is_some() {}
        pool.assert_taken(1..=2);
    });
}

#[test]
fn two_thieves_and_the_owner_take_each_task_once() {
    check(THREE_WORKERS, || {
        let pool = Pool::new(0);
        pool.push(1);
        pool.push(2);
        let thieves = [(); 2].map(|()| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.steal())
        });
        while pool.pop().is_some() {}
        pool.push(3);
        while pool.pop().is_some() {}
        for thief in thieves {
            thief.join().unwrap();
        }
        pool.assert_taken(1..=3);
    });
}

#[test]
fn a_sleeper_is_woken_for_a_task_left_behind() {
    check(TWO_WORKERS, || {
        let pool = Pool::new(1);
        let thief = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.steal_one(0))
        };
        pool.push(1);
        pool.push(2);
        // The owner takes one task and never returns, so the other must be stolen.
        if let Some(taken) = pool.pop() {
            pool.settle(taken);
        }
        thief.join().unwrap();
        pool.assert_taken(1..=2);
    });
}

#[test]
fn sleepers_wake_each_other_while_tasks_are_left() {
    check(THREE_WORKERS, || {
        let pool = Pool::new(2);
        let thieves = [0, 1].map(|me| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.steal_one(me))
        });
        (1..=3).for_each(|task| pool.push(task));
        if let Some(taken) = pool.pop() {
            pool.settle(taken);
        }
        for thief in thieves {
            thief.join().unwrap();
        }
        pool.assert_taken(1..=3);
    });
}

/// The coordinator assigns the sources. Two workers begin asleep, and each takes one task.
#[test]
fn sleepers_are_woken_for_sources() {
    check(THREE_WORKERS, || {
        let pool = Pool::new(2);
        let workers = [0, 1].map(|me| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                loop {
                    pool.parking().sit(me);
                    if take_source(&pool, me) {
                        if pool.parking().leave(me) {
                            pool.parking().wake_one();
                        }
                        return;
                    }
                    pool.parking().stay(me);
                    if take_source(&pool, me) {
                        return;
                    }
                }
            })
        });
        // Index 0 and 1 mean tasks 0 and 1.
        pool.write_input(0);
        pool.write_input(1);
        for me in 0..2 {
            pool.sources(me).hand_out(Range::share(2, me, 2));
        }
        fence(Ordering::SeqCst);
        pool.parking().wake(2);
        for worker in workers {
            worker.join().unwrap();
        }
        pool.assert_taken(0..=1);
    });
}

/// A worker sleeps until another has done what it waits for, as for a child of a recursive program.
#[test]
fn a_sleeper_is_woken_for_what_it_waits_for() {
    check(TWO_WORKERS, || {
        let pool = Pool::new(1);
        let sleeper = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                let is_done = || pool.inputs[0].load(Ordering::Acquire) == 1;
                loop {
                    pool.parking().sit(0);
                    if is_done() {
                        return pool.parking().leave(0);
                    }
                    pool.parking().stay(0);
                    if is_done() {
                        return true;
                    }
                }
            })
        };
        pool.inputs[0].store(1, Ordering::Release);
        fence(Ordering::SeqCst);
        pool.parking().wake_worker(0);
        sleeper.join().unwrap();
        assert_eq!(pool.sleepers.load(Ordering::Relaxed), 0);
    });
}

/// Takes a source of worker `me`, or robs another worker.
fn take_source(pool: &Pool, me: usize) -> bool {
    let own = pool.sources(me);
    let taken = own.take().or_else(|| {
        let range = (1..3).find_map(|distance| pool.sources((me + distance) % 3).rob())?;
        let rest = Range {
            next: range.next + 1,
            ..range
        };
        if rest.next < rest.end {
            own.keep(rest);
            fence(Ordering::SeqCst);
            pool.parking().wake_one();
        }
        Some(range.next)
    });
    taken.inspect(|task| pool.run(*task)).is_some()
}

#[test]
fn owner_and_robber_take_each_source_once() {
    check(TWO_WORKERS, || {
        let pool = Pool::new(0);
        (0..4).for_each(|task| pool.write_input(task));
        pool.sources(0).hand_out(Range { next: 0, end: 4 });
        let robber = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || while take_source(&pool, 1) {})
        };
        while take_source(&pool, 0) {}
        robber.join().unwrap();
        // Each has found nothing, but perhaps while the other held stolen sources.
        while take_source(&pool, 0) {}
        pool.assert_taken(0..=3);
    });
}

/// Worker 0 never starts. One worker robs its share, and another may rob that worker.
#[test]
fn loot_can_be_robbed_again() {
    check(THREE_WORKERS, || {
        let pool = Pool::new(0);
        let robbers = [1, 2].map(|me| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || while take_source(&pool, me) {})
        });
        (0..3).for_each(|task| pool.write_input(task));
        pool.sources(0).hand_out(Range { next: 0, end: 3 });
        for robber in robbers {
            robber.join().unwrap();
        }
        while take_source(&pool, 0) {}
        pool.assert_taken(0..=2);
    });
}

/// The coordinator sleeps until the phase ends, and sees its results. Then it begins another phase.
#[test]
fn the_coordinator_is_woken_at_the_end_of_a_phase() {
    check(TWO_WORKERS, || {
        let word = Arc::new(AtomicU32::new(0));
        let output = Arc::new(AtomicU32::new(0));
        let run = |number| {
            PhaseWord::new(&word).begin();
            let worker = {
                let (word, output) = (Arc::clone(&word), Arc::clone(&output));
                thread::spawn(move || {
                    output.store(number, Ordering::Relaxed);
                    PhaseWord::new(&word).done();
                })
            };
            let phase = PhaseWord::new(&word);
            while phase.get() == Phase::Going {
                phase.wait_at_most(std::time::Duration::MAX);
            }
            assert_eq!(phase.get(), Phase::Done);
            assert_eq!(output.load(Ordering::Relaxed), number);
            worker.join().unwrap();
        };
        run(1);
        run(2);
    });
}

/// Two workers fail at once. The first failure wakes the coordinator.
#[test]
fn the_coordinator_is_woken_by_either_of_two_failures() {
    check(THREE_WORKERS, || {
        let word = Arc::new(AtomicU32::new(0));
        let workers = [(); 2].map(|()| {
            let word = Arc::clone(&word);
            thread::spawn(move || PhaseWord::new(&word).halt())
        });
        let phase = PhaseWord::new(&word);
        while phase.get() == Phase::Going {
            phase.wait_at_most(std::time::Duration::MAX);
        }
        assert_eq!(phase.get(), Phase::Halted);
        for worker in workers {
            worker.join().unwrap();
        }
    });
}
