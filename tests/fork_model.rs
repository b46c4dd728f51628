//! The `fork` backend's deque, ranges, parking and phase under every order in which two or three workers can take
//! their steps, and every value that the memory model lets them read (within loom's bounds).
//!
//! The very files of the backend are checked, with loom's atomics in place of the machine's and a model of
//! the futex. Each test moves tasks whose inputs are written, relaxed, before the task is made takeable: a
//! taker that does not see the input has found a missing Release or Acquire. A lost wake-up shows as a
//! deadlock, which loom reports.

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

use crate::atomic::{AtomicU32, Ordering, fence};
use crate::phase::{Phase, PhaseWord};
use crate::pool::Pool;
use crate::sources::Range;

#[path = "../src/backend/fork/deque.rs"]
mod deque;
#[path = "../src/backend/fork/park.rs"]
mod park;
#[path = "../src/backend/fork/phase.rs"]
mod phase;
#[path = "fork_model/pool.rs"]
mod pool;
#[path = "../src/backend/fork/sources.rs"]
mod sources;

mod atomic {
    pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}

/// What the kernel does: looks at the word and goes to sleep in one step, as seen by those who wake.
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

    /// No time passes here: who is not woken sleeps for ever, and loom tells.
    pub(super) fn wait_at_most(word: &AtomicU32, value: u32, _: std::time::Duration) -> bool {
        wait(word, value);
        false
    }

    /// Wakes those who sleep on other words too: every sleeper has to bear that.
    pub(super) fn wake(_: &AtomicU32) {
        let _guard = KERNEL.0.lock().unwrap();
        KERNEL.1.notify_all();
    }
}

/// Checks every order of steps in which two workers interrupt each other at most this often in one
/// execution. With every fence, Release and Acquire of the three files taken away in turn, this is enough to
/// find each of them missing, but for three in `park`: the Acquire in `stay`, which only saves a search, and
/// the pair that keeps the count of sleepers from passing below zero, since loom never moves a store up past
/// an exchange.
const TWO_WORKERS: usize = 4;

/// As [`TWO_WORKERS`]: three have so many more orders.
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
fn a_thief_is_not_misled_by_a_deque_that_started_over() {
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

/// The owner comes for the last task, finds it stolen, and takes the indices back to zero under the thief.
#[test]
fn a_thief_is_not_misled_by_a_reset_it_has_caused() {
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
        // The owner takes one and is busy for ever: the other must be stolen.
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

/// The coordinator hands out the sources; two workers begin asleep, and each takes one task.
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
        // Index 0 and 1 stand for tasks 0 and 1.
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

/// Takes a source of worker `me`, or robs another.
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
        // Each has seen nothing left, but perhaps while the other had loot in its hands.
        while take_source(&pool, 0) {}
        pool.assert_taken(0..=3);
    });
}

/// Worker 0 never comes; one robs its share, and another may rob the robber.
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

/// The coordinator sleeps until the phase is over, and sees what was done in it. Then it begins another.
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

/// Two workers fail at once: the coordinator wakes, whoever comes first.
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
