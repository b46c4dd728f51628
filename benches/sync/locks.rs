//! Locks: taken by one thread, where nobody ever waits, and by two threads that want them all the time.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use taskdyno_core::graph::TaskId;

use crate::channels::{independent, kernel, row};
use crate::table::{Effort, Row, nanoseconds, rounds};

/// By one thread.
pub(crate) fn one_thread(effort: Effort) -> Vec<Row> {
    taken_by(1, effort, 200_000 / effort.shrink)
}

/// By two threads.
pub(crate) fn two_threads(effort: Effort) -> Vec<Row> {
    taken_by(2, effort, 50_000 / effort.shrink)
}

fn taken_by(thread_count: usize, effort: Effort, increments: u64) -> Vec<Row> {
    let std = Mutex::new(());
    let parking_lot = parking_lot::Mutex::new(());
    // As far apart from the locks as those of the kernels.
    let value = Box::new(AtomicU64::new(0));
    vec![
        compared("std", thread_count, effort, increments, || {
            let _guard = std.lock().expect("nothing panics under the mutex");
            increment(&value);
        }),
        compared("parking-lot", thread_count, effort, increments, || {
            let _guard = parking_lot.lock();
            increment(&value);
        }),
    ]
}

/// What the kernel does under its lock. Relaxed: the lock orders it.
fn increment(value: &AtomicU64) {
    let found = value.load(Ordering::Relaxed);
    value.store(found + 1, Ordering::Relaxed);
}

/// The kernel with the lock `form` beside a loop of `bare`, which increments under the bare lock.
fn compared(
    form: &str,
    thread_count: usize,
    effort: Effort,
    increments: u64,
    bare: impl Fn() + Sync,
) -> Row {
    let graph = independent(thread_count);
    let kernel = kernel("mutex", ("increments", increments), form, &graph);
    let ours = |task| {
        black_box(kernel.run(task, 1));
    };
    let bare = |_| (0..increments).for_each(|_| bare());
    let all = (increments * thread_count as u64) as f64;
    let rounds = rounds(
        effort,
        || nanoseconds(|| by_threads(thread_count, ours)) / all,
        || nanoseconds(|| by_threads(thread_count, bare)) / all,
    );
    let threads = match thread_count {
        1 => "one thread",
        _ => "two threads",
    };
    row(format!("{form}, {threads}, over a bare lock"), &rounds)
}

/// Runs `body` on this thread, and on others if there are to be more.
fn by_threads(thread_count: usize, body: impl Fn(TaskId) + Sync) {
    thread::scope(|scope| {
        for index in 1..thread_count as u32 {
            let body = &body;
            scope.spawn(move || body(TaskId(index)));
        }
        body(TaskId(0));
    });
}
