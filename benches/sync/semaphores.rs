//! Semaphores with one permit: used by one worker, where nobody ever waits, and by two workers that want it all the time.

use std::sync::atomic::AtomicU64;

use taskdyno_backends::coordinated::TokioSemaphore;
use taskdyno_core::memory::Padded;
use taskdyno_core::sync::{Party, Semaphore, SharedSemaphore, ThreadSemaphore, WaitTable, at_once};

use crate::bare::{HandMadeSemaphore, PosixSemaphore};
use crate::contest::{Contest, increment};
use crate::table::{Effort, Row};

/// By one worker.
pub(crate) fn alone(effort: Effort) -> Vec<Row> {
    used_in(Contest::new(1, effort))
}

/// By two workers.
pub(crate) fn contended(effort: Effort) -> Vec<Row> {
    used_in(Contest::new(2, effort))
}

fn used_in(contest: Contest) -> Vec<Row> {
    let by_hand = HandMadeSemaphore::new();
    let posix = PosixSemaphore::new();
    let shared = SharedSemaphore::new(1).expect("the system gives a page");
    let value = Padded::new(AtomicU64::new(0));
    vec![
        on_threads(
            contest,
            ("std semaphore", &ThreadSemaphore::new(1)),
            ("one by hand", || by_hand.with(|| increment(&value))),
        ),
        on_threads(
            contest,
            ("shared semaphore", &shared),
            ("that of POSIX", || posix.with(|| increment(&value))),
        ),
        on_tokio(contest),
    ]
}

fn wait_table(contest: Contest) -> WaitTable {
    WaitTable::new(contest.worker_count as usize).expect("the system gives a page")
}

fn on_threads(
    contest: Contest,
    (name, semaphore): (&str, &impl Semaphore),
    (what_is_bare, bare): (&str, impl Fn() + Sync),
) -> Row {
    let table = wait_table(contest);
    let value = Padded::new(AtomicU64::new(0));
    contest.on_threads(
        name,
        what_is_bare,
        |task| {
            let party = Party::new(&table, task);
            for _ in 0..contest.turns {
                let _permit = at_once(semaphore.acquire(party));
                increment(&value);
            }
        },
        |_| (0..contest.turns).for_each(|_| bare()),
    )
}

fn on_tokio(contest: Contest) -> Row {
    // Leaked: a task that is spawned may borrow only what lives as long as the program.
    let table: &_ = Box::leak(Box::new(wait_table(contest)));
    let ours: &_ = Box::leak(Box::new(TokioSemaphore::new(1)));
    let bare: &_ = Box::leak(Box::new(Padded::new(tokio::sync::Semaphore::new(1))));
    let value: &_ = Box::leak(Box::new(Padded::new(AtomicU64::new(0))));
    contest.on_tokio(
        "tokio semaphore",
        "a bare one",
        |task| {
            Box::pin(async move {
                for _ in 0..contest.turns {
                    let _permit = ours.acquire(Party::new(table, task)).await;
                    increment(value);
                }
                0
            })
        },
        |_| {
            Box::pin(async move {
                for _ in 0..contest.turns {
                    let permit = bare.acquire().await;
                    let _permit = permit.expect("nobody closes the semaphore");
                    increment(value);
                }
                0
            })
        },
    )
}
