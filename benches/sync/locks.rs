//! Locks: taken by one worker, where nobody ever waits, and by two workers that want them all the time.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use taskdyno_core::kernel::Kernel;
use taskdyno_core::memory::Padded;

use crate::bare::{HandMadeSpinLock, PosixMutex};
use crate::channels::{independent, kernel};
use crate::contest::{Contest, increment};
use crate::table::{Effort, Row};

/// By one worker.
pub(crate) fn alone(effort: Effort) -> Vec<Row> {
    taken_in(Contest::new(1, effort))
}

/// By two workers.
pub(crate) fn contended(effort: Effort) -> Vec<Row> {
    taken_in(Contest::new(2, effort))
}

fn taken_in(contest: Contest) -> Vec<Row> {
    // Each has its cache lines to itself, as in the kernels.
    let std = Padded::new(Mutex::new(()));
    let parking_lot = Padded::new(parking_lot::Mutex::new(()));
    let posix = PosixMutex::new();
    let spin = HandMadeSpinLock::default();
    let value = Padded::new(AtomicU64::new(0));
    vec![
        on_threads(contest, "std", || {
            let _guard = std.lock().expect("nothing panics under the mutex");
            increment(&value);
        }),
        on_threads(contest, "parking-lot", || {
            let _guard = parking_lot.lock();
            increment(&value);
        }),
        on_threads(contest, "posix", || posix.with(|| increment(&value))),
        on_threads(contest, "spin", || spin.with(|| increment(&value))),
        on_tokio(contest),
    ]
}

/// The kernel with the lock `form` beside a loop of `bare`, which increments under the bare lock.
fn on_threads(contest: Contest, form: &str, bare: impl Fn() + Sync) -> Row {
    let kernel = mutex_kernel(contest, form);
    contest.on_threads(
        &format!("{form} lock"),
        "a bare lock",
        |task| {
            black_box(kernel.run(task, 1));
        },
        |_| (0..contest.turns).for_each(|_| bare()),
    )
}

fn on_tokio(contest: Contest) -> Row {
    // Leaked, here and below: a task that is spawned may borrow only what lives as long as the program.
    let kernel: &'static dyn Kernel = Box::leak(mutex_kernel(contest, "tokio"));
    let lock: &_ = Box::leak(Box::new(Padded::new(tokio::sync::Mutex::new(()))));
    let value: &_ = Box::leak(Box::new(Padded::new(AtomicU64::new(0))));
    contest.on_tokio(
        "tokio lock",
        "a bare lock",
        |task| kernel.awaited(task, 1),
        |_| {
            Box::pin(async move {
                for _ in 0..contest.turns {
                    let _guard = lock.lock().await;
                    increment(value);
                }
                0
            })
        },
    )
}

fn mutex_kernel(contest: Contest, form: &str) -> Box<dyn Kernel> {
    let graph = independent(contest.worker_count as usize);
    kernel("mutex", ("increments", contest.turns), form, &graph)
}
