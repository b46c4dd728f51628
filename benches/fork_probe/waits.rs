//! Waits in rounds, on more tasks than workers: what starting the workers and ending the waits adds to the waits
//! themselves, beside two programs by hand. In the first, each worker begins as soon as it exists and ends as soon as no
//! wait is left; nobody can add less on this machine. The second is a pool: all its workers exist before the first wait
//! begins, and end after the last, when they are told to.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::thread::{NanosleepRelativeResult, nanosleep};
use rustix::time::Timespec;
use taskdyno::internal::backend::{FORK, FORK_PER_TASK, THREAD_POOL, THREADS};
use taskdyno_core::backend::{Backend, PoolPlan};
use taskdyno_core::kernel::SLEEP;
use taskdyno_core::memory::{Shareable, SharedSlice};
use taskdyno_core::parameter::Value;

use crate::by_hand::{fork, join, median, sleep_while, timed, wake};
use crate::{ProbeScale, job, stencil};

/// So many waits on so many workers.
struct Waits {
    tasks: u32,
    workers: u32,
    wait_ms: u64,
}

pub(crate) fn processes(scale: ProbeScale) {
    set_shortest_timer_slack();
    let by_hand: ByHand = ("by hand", Waits::by_processes);
    compare(scale, (2, 2), &[by_hand], &FORK_PER_TASK);
    let pool: ByHand = ("a pool by hand", Waits::by_pool_of_processes);
    compare(scale, (14, 8), &[by_hand, pool], &FORK);
}

/// Must run after everything that forks.
pub(crate) fn threads(scale: ProbeScale) {
    set_shortest_timer_slack();
    let by_hand: ByHand = ("by hand", Waits::by_threads);
    compare(scale, (2, 2), &[by_hand], &THREADS);
    let pool: ByHand = ("a pool by hand", Waits::by_pool_of_threads);
    compare(scale, (8, 5), &[by_hand, pool], &THREAD_POOL);
}

/// As in a measured process. Threads and processes that are started later have it too.
fn set_shortest_timer_slack() {
    // 1 ns is the smallest value that the system accepts.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1)).expect("a thread may set its own");
}

/// A program by hand, with its name.
type ByHand = (&'static str, fn(&Waits));

/// Prints what `backend` and each of `by_hand` add. They alternate.
fn compare(
    scale: ProbeScale,
    (tasks, workers): (u32, u32),
    by_hand: &[ByHand],
    backend: &dyn Backend,
) {
    let waits = Waits {
        tasks,
        workers,
        wait_ms: scale.wait_ms,
    };
    let mut raw = vec![Vec::new(); by_hand.len()];
    let mut ours = Vec::new();
    for _ in 0..scale.rounds.div_ceil(2) {
        for (samples, (_, body)) in raw.iter_mut().zip(by_hand) {
            samples.push(waits.added_ns(|| body(&waits)));
        }
        ours.push(waits.added_ns_by(backend));
    }
    let ours = median(ours) / 1000.0;
    let what = format!("{tasks} waits on {workers},");
    for (samples, (name, _)) in raw.into_iter().zip(by_hand) {
        let raw = median(samples) / 1000.0;
        println!(
            "{:34} {raw:8.1} us added; {} adds {:.2} x as much",
            format!("{what} {name}"),
            backend.name(),
            ours / raw
        );
    }
    println!(
        "{:34} {ours:8.1} us added",
        format!("{what} {}", backend.name())
    );
}

/// What a pool by hand shares.
#[derive(Default)]
struct PoolWords {
    /// The next wait.
    next: AtomicU32,
    /// A futex: 0 until the waits are handed out, 1 until the workers are told to end, then 2.
    order: AtomicU32,
    /// How many waits have ended.
    ended_count: AtomicU32,
    /// A futex: 1 when all waits have ended.
    done: AtomicU32,
}

// SAFETY: zero is a valid value of every field, all are atomic, and none needs a drop.
unsafe impl Shareable for PoolWords {}

impl PoolWords {
    fn give(&self, order: u32) {
        // Release: whoever follows the order sees what came before it.
        self.order.store(order, Ordering::Release);
        wake(&self.order);
    }

    /// Hands out all waits, and makes the workers end when all have ended.
    fn lead(&self) {
        self.give(1);
        sleep_while(&self.done, 0);
        self.give(2);
    }

    fn follow(&self, waits: &Waits) {
        sleep_while(&self.order, 0);
        waits.work(&self.next, || {
            // AcqRel and Release: the last one hands on what all have done.
            if self.ended_count.fetch_add(1, Ordering::AcqRel) + 1 == waits.tasks {
                self.done.store(1, Ordering::Release);
                wake(&self.done);
            }
        });
        sleep_while(&self.order, 1);
    }
}

impl Waits {
    /// The time of `body` beyond the rounds of waits that it must take, in nanoseconds.
    fn added_ns(&self, body: impl FnOnce()) -> u64 {
        let least_ms = u64::from(self.tasks.div_ceil(self.workers)) * self.wait_ms;
        timed(body) - least_ms * 1_000_000
    }

    /// The same for starting the backend, making one run, and stopping it. The job is built and verified outside this
    /// time, because nobody does that by hand.
    fn added_ns_by(&self, backend: &dyn Backend) -> u64 {
        let given = [("duration_ms".into(), Value::Count(self.wait_ms))].into();
        let (job, expected) = job(stencil(self.tasks, 1), &SLEEP, &given);
        let plan = PoolPlan::plain(backend, self.workers as usize);
        job.begin_run();
        let added_ns = self.added_ns(|| {
            let pool = backend.start(Arc::clone(&job), &plan);
            pool.expect("a pool starts").run().expect("a run succeeds");
        });
        job.verify(expected).expect("a run is right");
        added_ns
    }

    fn by_processes(&self) {
        let next: SharedSlice<AtomicU32> = SharedSlice::new(1).expect("a shared page");
        let workers = (0..self.workers).map(|_| fork(|| self.work(&next[0], || ())));
        workers.collect::<Vec<_>>().into_iter().for_each(join);
    }

    fn by_pool_of_processes(&self) {
        let words: SharedSlice<PoolWords> = SharedSlice::new(1).expect("a shared page");
        let workers = (0..self.workers).map(|_| fork(|| words[0].follow(self)));
        let workers: Vec<_> = workers.collect();
        words[0].lead();
        workers.into_iter().for_each(join);
    }

    fn by_threads(&self) {
        let next = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| self.work(&next, || ()));
            }
        });
    }

    fn by_pool_of_threads(&self) {
        let words = PoolWords::default();
        thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| words.follow(self));
            }
            words.lead();
        });
    }

    /// Waits until no wait is left, and calls `waited` after each.
    fn work(&self, next: &AtomicU32, waited: impl Fn()) {
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: (self.wait_ms * 1_000_000) as _,
        };
        // Relaxed: only the index itself is shared.
        while next.fetch_add(1, Ordering::Relaxed) < self.tasks {
            let NanosleepRelativeResult::Ok = nanosleep(&wait) else {
                panic!("nothing interrupts a wait");
            };
            waited();
        }
    }
}
