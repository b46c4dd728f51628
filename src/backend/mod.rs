//! The backends that every build has. One file per backend, one line in [`BACKENDS`].

mod casualties;
mod crossbeam;
#[cfg(test)]
mod fixture;
mod fork;
mod fork_dispatch;
mod fork_per_task;
mod fork_threads;
mod process;
mod rayon;
mod reserving;
mod serial;
mod r#static;
mod thread_pool;
mod threads;
mod tokio;
mod worker;

pub use taskdyno_core::backend::{
    Backend, Continuation, Death, Lent, MOST_WORKERS, Placement, Pool, PoolPlan, pool_fn,
    verify_runs,
};

pub use crossbeam::CROSSBEAM;
pub use fork::FORK;
pub use fork_dispatch::FORK_DISPATCH;
pub use fork_per_task::FORK_PER_TASK;
pub use fork_threads::{FORK_THREADS, PROCESS_THREADS};
pub use rayon::RAYON;
pub use serial::SERIAL;
pub use r#static::STATIC;
pub use thread_pool::THREAD_POOL;
pub use threads::THREADS;
pub use tokio::TOKIO;

/// The backends that every build has. Tables and pictures keep this order where nothing else decides.
pub const BACKENDS: &[&dyn Backend] = &[
    &SERIAL,
    &STATIC,
    &THREADS,
    &THREAD_POOL,
    &CROSSBEAM,
    &RAYON,
    &TOKIO,
    &FORK,
    &FORK_THREADS,
    &FORK_DISPATCH,
    &FORK_PER_TASK,
];
