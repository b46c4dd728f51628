//! The backends of every build. There is one file per backend, and one line per backend in [`BACKENDS`]. `support` has
//! what they share.

#[cfg(feature = "chili")]
mod chili;
#[cfg(feature = "crossbeam")]
mod crossbeam;
mod fork;
mod fork_dispatch;
mod fork_per_task;
mod fork_threads;
#[cfg(feature = "rayon")]
mod rayon;
mod serial;
mod r#static;
mod support;
mod thread_pool;
mod threads;
#[cfg(feature = "tokio")]
mod tokio;

pub use taskdyno_core::backend::{
    Backend, Continuation, Cores, Death, Family, Lent, MOST_WORKERS, Placement, Pool, PoolPlan,
    pool_fn,
};

#[cfg(feature = "chili")]
pub use chili::CHILI;
#[cfg(feature = "crossbeam")]
pub use crossbeam::CROSSBEAM;
pub use fork::FORK;
pub use fork_dispatch::FORK_DISPATCH;
pub use fork_per_task::FORK_PER_TASK;
pub use fork_threads::FORK_THREADS;
pub use fork_threads::PROCESS_THREADS;
#[cfg(feature = "rayon")]
pub use rayon::RAYON;
pub use serial::SERIAL;
pub use r#static::STATIC;
pub use thread_pool::THREAD_POOL;
pub use threads::THREADS;
#[cfg(feature = "tokio")]
pub use tokio::TOKIO;

/// The backends of every build. Tables and pictures keep this order unless something else decides.
pub const BACKENDS: &[&dyn Backend] = &[
    &SERIAL,
    &STATIC,
    &THREADS,
    &THREAD_POOL,
    #[cfg(feature = "crossbeam")]
    &CROSSBEAM,
    #[cfg(feature = "rayon")]
    &RAYON,
    #[cfg(feature = "chili")]
    &CHILI,
    #[cfg(feature = "tokio")]
    &TOKIO,
    &FORK,
    &FORK_THREADS,
    &FORK_DISPATCH,
    &FORK_PER_TASK,
];
