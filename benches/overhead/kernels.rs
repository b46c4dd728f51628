//! Measures the overhead of the kernels beyond their work.

use std::hint::black_box;
use std::num::NonZeroU64;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::Timespec;
use sha2::{Digest, Sha256};
use taskdyno::internal::backend::STATIC;
use taskdyno_core::backend::Continuation;
use taskdyno_core::graph::TaskId;
use taskdyno_core::kernel::{
    BUSY_WAIT, COMPUTE_BOUND, COUNTER, HASH, KernelKind, MEMORY_BOUND, SLEEP,
};
use taskdyno_core::parameter::Value;
use taskdyno_core::pattern::TRIVIAL;

use super::{Effort, Pooled, Row, median, median_ratio, nanoseconds, rounds};
use crate::prepare::{new_graph, new_job, new_kernel, worker_count};

/// The counter kernel, beside a loop that does the same to its own counter.
pub(crate) fn counter(effort: Effort) -> Vec<Row> {
    let increments = 1_000_000 / effort.shrink;
    let word = AtomicU64::new(0);
    let mutex = Mutex::new(0u64);
    // Relaxed everywhere: there is one thread, and the kernel does the same.
    let racy = || word.store(word.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    let atomic = || {
        word.fetch_add(1, Ordering::Relaxed);
    };
    let locked = || *mutex.lock().expect("an addition does not panic") += 1;
    vec![
        counter_row("racy", increments, effort, racy),
        counter_row("atomic", increments, effort, atomic),
        counter_row("mutex", increments, effort, locked),
        counter_row("sharded", increments, effort, atomic),
    ]
}

fn counter_row(variant: &str, increments: u64, effort: Effort, increment: impl Fn()) -> Row {
    let given = [
        ("variant", Value::Text(variant.into())),
        ("increments", Value::Count(increments)),
    ];
    let kernel = new_kernel(&COUNTER, given);
    let rounds = rounds(
        effort,
        || nanoseconds(|| kernel.run(TaskId(0), 1)),
        || nanoseconds(|| (0..increments).for_each(|_| increment())),
    );
    let what = format!("counter kernel, {variant}, over a bare loop");
    Row::at_most(what, median_ratio(&rounds), 1.05)
}

/// The hash kernel, beside the bare crate, and its speed-up on several cores.
pub(crate) fn hash(effort: Effort) -> Vec<Row> {
    const BLOCK_BYTES: usize = 4096;
    let times = 500 / effort.shrink;
    let kernel = || {
        let given = [("block_bytes", BLOCK_BYTES as u64), ("times", times)];
        new_kernel(&HASH, given.map(|(key, count)| (key, Value::Count(count))))
    };
    let (block, ours) = (vec![7u8; BLOCK_BYTES], kernel());
    let shares = rounds(
        effort,
        || nanoseconds(|| bare_hash(&block, times)),
        || nanoseconds(|| ours.run(TaskId(0), 1)),
    );
    // The same work for each worker, whatever their number; timed per task.
    let start = |worker_count| {
        let graph = new_graph(&TRIVIAL, [("width", 4 * worker_count as u64)]);
        let job = new_job(graph, kernel());
        Pooled::start_job(&STATIC, job, worker_count, Continuation::Queue)
    };
    let (mut one, mut all) = (start(1), start(worker_count()));
    let speed_ups = rounds(effort, || one.nanoseconds(), || all.nanoseconds());
    one.verify();
    all.verify();
    let share = median_ratio(&shares);
    let what = format!("hash kernel, speed-up on {} cores", worker_count());
    vec![
        Row::at_least("hash kernel, share of the bare crate's speed", share, 0.98),
        Row::at_least(
            what,
            median_ratio(&speed_ups),
            0.975 * worker_count() as f64,
        ),
    ]
}

/// The work of the hash kernel without the kernel: each round depends on the round before it.
fn bare_hash(block: &[u8], times: u64) -> u64 {
    (0..times).fold(1u64, |link, _| {
        let mut hasher = Sha256::new();
        hasher.update(link.to_le_bytes());
        hasher.update(block);
        let digest = hasher.finalize();
        u64::from_le_bytes(*digest.first_chunk().expect("it has 32 bytes"))
    })
}

/// How much longer than asked for the sleep kernel sleeps, with timers as precise as possible, beside a bare call of the
/// system. The two alternate, because the time to wake a core that is idle changes from minute to minute.
pub(crate) fn sleep(effort: Effort) -> Vec<Row> {
    const ASKED_NS: f64 = 1e6;
    let before = rustix::thread::current_timer_slack().expect("Linux has a timer slack");
    // 1 ns is the smallest value that the system accepts.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1)).expect("a thread may set its own");
    let kernel = new_kernel(&SLEEP, [("duration_ms", Value::Count(1))]);
    let asked = Timespec {
        tv_sec: 0,
        tv_nsec: ASKED_NS as _,
    };
    let pairs: Vec<(f64, f64)> = (0..5 * effort.rounds)
        .map(|_| {
            let kernel = nanoseconds(|| kernel.run(TaskId(0), 1));
            let bare = nanoseconds(|| rustix::thread::nanosleep(&asked));
            (kernel - ASKED_NS, bare - ASKED_NS)
        })
        .collect();
    rustix::thread::set_current_timer_slack(NonZeroU64::new(before))
        .expect("a thread may set its own");
    let overshoot = median(pairs.iter().map(|(kernel, _)| *kernel));
    let bare = median(pairs.iter().map(|(_, bare)| *bare));
    vec![
        Row::nanoseconds(
            "sleep kernel, 1 ms: overshoot with a timer slack of 1 ns",
            overshoot,
            35_000.0,
        ),
        Row::at_most(
            format!("the same over that of a bare `nanosleep` ({bare:.0} ns)"),
            overshoot / bare,
            1.1,
        ),
    ]
}

/// A kernel with short tasks, and its parameters.
type Short<'a> = (&'a dyn KernelKind, &'a [(&'a str, u64)]);

/// Independent short tasks, beside a chain of the same tasks. They must not take less time; otherwise the processor
/// overlaps them and they look shorter than they are.
pub(crate) fn overlap(effort: Effort) -> Vec<Row> {
    let task_count = 64_000 / effort.shrink;
    let kernels: [Short<'_>; 5] = [
        (&BUSY_WAIT, &[("duration_ns", 1)]),
        (&COMPUTE_BOUND, &[("iterations", 1)]),
        (&COMPUTE_BOUND, &[("iterations", 16)]),
        (&MEMORY_BOUND, &[("lines", 1), ("working_set_bytes", 4096)]),
        (&HASH, &[("block_bytes", 1)]),
    ];
    let row = |(kind, given): Short<'_>| {
        let values = given
            .iter()
            .map(|(key, count)| (*key, Value::Count(*count)));
        let kernel = new_kernel(kind, values);
        let run = |_, seed| kernel.run(TaskId(0), seed);
        let alone = || (0..task_count).for_each(|_| _ = black_box(run(0, black_box(1))));
        let chained = || _ = black_box((0..task_count).fold(1, run));
        let a_task = |time: f64| time / task_count as f64;
        let rounds = rounds(
            effort,
            || a_task(nanoseconds(alone)),
            || a_task(nanoseconds(chained)),
        );
        let (name, (key, count)) = (kind.name(), given[0]);
        let what = format!(
            "{name}, {key} = {count}, alone over chained ({:.1} over {:.1} ns)",
            median(rounds.iter().map(|(alone, _)| *alone)),
            median(rounds.iter().map(|(_, chained)| *chained)),
        );
        Row::at_least(what, median_ratio(&rounds), 0.95)
    };
    kernels.map(row).into()
}
