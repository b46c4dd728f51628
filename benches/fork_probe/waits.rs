//! Waits in rounds, on more tasks than workers: what starting the workers and ending the waits adds to the waits
//! themselves, beside threads and processes by hand. Nobody can add less than those do on this machine.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::thread::{NanosleepRelativeResult, nanosleep};
use rustix::time::Timespec;
use taskdyno::internal::backend::{FORK, FORK_PER_TASK, THREAD_POOL, THREADS};
use taskdyno_core::backend::{Backend, PoolPlan};
use taskdyno_core::kernel::SLEEP;
use taskdyno_core::memory::SharedSlice;
use taskdyno_core::parameter::Value;

use crate::by_hand::{fork, join, median, timed};
use crate::{ProbeScale, job, stencil};

/// So many waits on so many workers.
struct Waits {
    tasks: u32,
    workers: u32,
    wait_ms: u64,
}

pub(crate) fn processes(scale: ProbeScale) {
    set_shortest_timer_slack();
    compare(scale, (2, 2), &FORK_PER_TASK, Waits::by_processes);
    compare(scale, (14, 8), &FORK, Waits::by_processes);
}

/// Must run after everything that forks.
pub(crate) fn threads(scale: ProbeScale) {
    compare(scale, (2, 2), &THREADS, Waits::by_threads);
    compare(scale, (8, 5), &THREAD_POOL, Waits::by_threads);
}

/// As in a measured process. Threads and processes that are started later have it too.
fn set_shortest_timer_slack() {
    // 1 ns is the smallest value that the system accepts.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1)).expect("a thread may set its own");
}

fn compare(
    scale: ProbeScale,
    (tasks, workers): (u32, u32),
    backend: &dyn Backend,
    by_hand: impl Fn(&Waits),
) {
    let waits = Waits {
        tasks,
        workers,
        wait_ms: scale.wait_ms,
    };
    let (mut raw, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds.div_ceil(2) {
        raw.push(waits.added_ns(|| by_hand(&waits)));
        ours.push(waits.added_ns(|| waits.by(backend)));
    }
    let [raw, ours] = [raw, ours].map(|samples| median(samples) / 1000.0);
    let what = format!("{tasks} waits on {workers},");
    println!("{:34} {raw:8.1} us added", format!("{what} by hand"));
    println!(
        "{:34} {ours:8.1} us added, {:.2} x by hand",
        format!("{what} {}", backend.name()),
        ours / raw
    );
}

impl Waits {
    /// The time of `body` beyond the rounds of waits that it must take, in nanoseconds.
    fn added_ns(&self, body: impl FnOnce()) -> u64 {
        let least_ms = u64::from(self.tasks.div_ceil(self.workers)) * self.wait_ms;
        timed(body) - least_ms * 1_000_000
    }

    /// Starts the backend, makes one run, and stops it.
    fn by(&self, backend: &dyn Backend) {
        let given = [("duration_ms".into(), Value::Count(self.wait_ms))].into();
        let (job, expected) = job(stencil(self.tasks, 1), &SLEEP, &given);
        let plan = PoolPlan::plain(backend, self.workers as usize);
        job.begin_run();
        let pool = backend.start(Arc::clone(&job), &plan);
        pool.expect("a pool starts").run().expect("a run succeeds");
        job.verify(expected).expect("a run is right");
    }

    fn by_processes(&self) {
        let next: SharedSlice<AtomicU32> = SharedSlice::new(1).expect("a shared page");
        let workers = (0..self.workers).map(|_| fork(|| self.work(&next[0])));
        workers.collect::<Vec<_>>().into_iter().for_each(join);
    }

    fn by_threads(&self) {
        let next = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| self.work(&next));
            }
        });
    }

    fn work(&self, next: &AtomicU32) {
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: (self.wait_ms * 1_000_000) as _,
        };
        // Relaxed: only the index itself is shared.
        while next.fetch_add(1, Ordering::Relaxed) < self.tasks {
            let NanosleepRelativeResult::Ok = nanosleep(&wait) else {
                panic!("nothing interrupts a wait");
            };
        }
    }
}
