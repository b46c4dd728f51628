//! Measures ten thousand waits at once.

use std::time::Duration;

use taskdyno::internal::backend::TOKIO;
use taskdyno_core::backend::Continuation;
use taskdyno_core::kernel::SLEEP;
use taskdyno_core::parameter::Value;
use taskdyno_core::pattern::TRIVIAL;

use super::{Effort, Pooled, Row, median, median_ratio, nanoseconds, rounds};
use crate::prepare::{new_graph, new_job, new_kernel, worker_count};

/// The waits on `tokio`, beside tasks of the same runtime that do nothing but wait.
pub(crate) fn waits(effort: Effort) -> Vec<Row> {
    let (count, wait_ms) = (10_000 / effort.shrink, 100 / effort.shrink.min(100));
    let kernel = new_kernel(&SLEEP, [("duration_ms", Value::Count(wait_ms))]);
    let job = new_job(new_graph(&TRIVIAL, [("width", count)]), kernel);
    let mut pool = Pooled::start_job(&TOKIO, job, worker_count(), Continuation::Queue);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_count())
        .enable_time()
        .build()
        .expect("threads can be started");
    let by_hand = || runtime.block_on(all(count, Duration::from_millis(wait_ms)));
    let rounds = rounds(
        effort,
        || count as f64 * pool.nanoseconds(),
        || nanoseconds(by_hand),
    );
    pool.verify();
    let ours = median(rounds.iter().map(|(ours, _)| *ours));
    let by_hand = median(rounds.iter().map(|(_, by_hand)| *by_hand));
    let what = format!("{count} waits of {wait_ms} ms at once, tokio");
    let over = format!("the same over by hand ({:.1} ms)", by_hand / 1e6);
    vec![
        Row::nanoseconds(what, ours, 105e6),
        Row::at_most(over, median_ratio(&rounds), 1.05),
    ]
}

/// One task starts all others, as the backend does, and waits for them.
async fn all(count: u64, wait: Duration) {
    let root = tokio::spawn(async move {
        let start = |_| tokio::spawn(tokio::time::sleep(wait));
        let tasks: Vec<_> = (0..count).map(start).collect();
        for task in tasks {
            task.await.expect("a wait does not panic");
        }
    });
    root.await.expect("a wait does not panic");
}
