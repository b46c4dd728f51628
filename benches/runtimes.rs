//! Measures what our backends add to the runtimes that they drive: each one beside the same runtime driven by hand.
//! `cargo bench --features all-runtimes --bench runtimes [FILTER]` prints one table. `overhead` has `crossbeam`, `rayon` and
//! `tokio`, and says how the two sides are measured.

use std::sync::Arc;

use taskdyno::internal::backend::{
    ASYNC_EXECUTOR, BEVY_TASKS, GLOMMIO, MAY, MONOIO, RAYON_LEVELS, SMOL, THREADPOOL,
    TOKIO_CURRENT_THREAD,
};
use taskdyno_core::backend::{Backend, Continuation};
use taskdyno_core::execute::Job;

use crate::pooled::{on_both_stencils, over_by_hand};
use crate::prepare::worker_count;
use crate::table::{Effort, Row, Section};

#[path = "overhead/arguments.rs"]
mod arguments;
#[path = "runtimes/by_hand.rs"]
mod by_hand;
#[path = "runtimes/loops.rs"]
mod loops;
#[path = "overhead/pooled.rs"]
mod pooled;
#[path = "overhead/prepare.rs"]
mod prepare;
#[path = "overhead/table.rs"]
#[expect(dead_code, reason = "`overhead` has other kinds of rows too")]
mod table;

fn main() {
    table::main(SECTIONS);
}

const SECTIONS: &[Section] = &[
    ("rayon-levels", rayon_levels),
    ("threadpool", threadpool),
    ("bevy-tasks", bevy_tasks),
    ("tokio-current-thread", tokio_current_thread),
    ("smol", smol),
    ("async-executor", async_executor),
    ("may", may),
    ("monoio", monoio),
    ("glommio", glommio),
];

/// One row per stencil: `backend` over the function that `by_hand` makes of an equal job.
fn over<R: Fn()>(
    backend: &dyn Backend,
    mut effort: Effort,
    by_hand: impl Fn(Arc<Job>) -> R,
) -> Vec<Row> {
    // Where idle workers sleep at once, a step of a narrow stencil takes as long as a wake-up. These graphs are a quarter
    // of those of `overhead`, so that the whole table takes minutes.
    effort.shrink *= 4;
    on_both_stencils(effort, &[Continuation::Queue], |stencil, continuation| {
        let job = stencil();
        let run = by_hand(Arc::clone(&job));
        over_by_hand(backend, (stencil(), &job), continuation, effort, run)
    })
}

fn rayon_levels(effort: Effort) -> Vec<Row> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(worker_count());
    let pool = pool.build().expect("threads can be started");
    over(&RAYON_LEVELS, effort, |job| {
        by_hand::rayon_levels(&pool, job)
    })
}

fn threadpool(effort: Effort) -> Vec<Row> {
    let pool = threadpool::ThreadPool::new(worker_count());
    over(&THREADPOOL, effort, |job| by_hand::threadpool(&pool, job))
}

fn bevy_tasks(effort: Effort) -> Vec<Row> {
    // The caller works too.
    let pool = bevy_tasks::TaskPoolBuilder::new().num_threads(worker_count() - 1);
    let pool = pool.build();
    over(&BEVY_TASKS, effort, |job| by_hand::bevy_tasks(&pool, job))
}

fn tokio_current_thread(effort: Effort) -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime can be built");
    over(&TOKIO_CURRENT_THREAD, effort, |job| {
        by_hand::tokio_current_thread(&runtime, job)
    })
}

/// The executor is global, so both sides have the same workers.
fn smol(effort: Effort) -> Vec<Row> {
    over(&SMOL, effort, by_hand::smol)
}

fn async_executor(effort: Effort) -> Vec<Row> {
    over(&ASYNC_EXECUTOR, effort, by_hand::async_executor)
}

/// The scheduler is global, so both sides have the same workers.
fn may(effort: Effort) -> Vec<Row> {
    over(&MAY, effort, by_hand::may)
}

fn monoio(effort: Effort) -> Vec<Row> {
    if_allowed(&MONOIO, || over(&MONOIO, effort, loops::monoio))
}

fn glommio(effort: Effort) -> Vec<Row> {
    if_allowed(&GLOMMIO, || over(&GLOMMIO, effort, loops::glommio))
}

/// The rows of `measure`, if this system can run `backend`.
fn if_allowed(backend: &dyn Backend, measure: impl FnOnce() -> Vec<Row>) -> Vec<Row> {
    match backend.check_system() {
        Ok(()) => measure(),
        Err(refusal) => {
            eprintln!("skipped: {refusal}");
            Vec::new()
        }
    }
}
