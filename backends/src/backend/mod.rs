//! The backends of every build. There is one file per backend, and one line per backend in [`BACKENDS`]. `support` has
//! what they share.

#[cfg(feature = "async-executor")]
mod async_executor;
#[cfg(feature = "bevy_tasks")]
mod bevy_tasks;
#[cfg(feature = "chili")]
mod chili;
#[cfg(feature = "crossbeam")]
mod crossbeam;
mod fork;
mod fork_dispatch;
mod fork_per_task;
mod fork_threads;
#[cfg(feature = "glommio")]
mod glommio;
#[cfg(feature = "may")]
mod may;
#[cfg(feature = "monoio")]
mod monoio;
#[cfg(feature = "rayon")]
mod rayon;
#[cfg(feature = "rayon")]
mod rayon_levels;
mod serial;
#[cfg(feature = "smol")]
mod smol;
mod r#static;
mod support;
mod thread_pool;
#[cfg(feature = "threadpool")]
mod threadpool;
mod threads;
#[cfg(feature = "tokio")]
mod tokio;
#[cfg(feature = "tokio")]
mod tokio_current_thread;

pub use taskdyno_core::backend::{
    Backend, Continuation, Cores, Death, Family, Lent, MOST_WORKERS, Placement, Pool, PoolPlan,
    pool_fn,
};

#[cfg(feature = "async-executor")]
pub use async_executor::ASYNC_EXECUTOR;
#[cfg(feature = "bevy_tasks")]
pub use bevy_tasks::BEVY_TASKS;
#[cfg(feature = "chili")]
pub use chili::CHILI;
#[cfg(feature = "crossbeam")]
pub use crossbeam::CROSSBEAM;
pub use fork::FORK;
pub use fork_dispatch::FORK_DISPATCH;
pub use fork_per_task::FORK_PER_TASK;
pub use fork_threads::FORK_THREADS;
pub use fork_threads::PROCESS_THREADS;
#[cfg(feature = "glommio")]
pub use glommio::GLOMMIO;
#[cfg(feature = "may")]
pub use may::MAY;
#[cfg(feature = "monoio")]
pub use monoio::MONOIO;
#[cfg(feature = "rayon")]
pub use rayon::RAYON;
#[cfg(feature = "rayon")]
pub use rayon_levels::RAYON_LEVELS;
pub use serial::SERIAL;
#[cfg(feature = "smol")]
pub use smol::SMOL;
pub use r#static::STATIC;
pub use thread_pool::THREAD_POOL;
#[cfg(feature = "threadpool")]
pub use threadpool::THREADPOOL;
pub use threads::THREADS;
#[cfg(feature = "tokio")]
pub use tokio::TOKIO;
#[cfg(feature = "tokio")]
pub use tokio_current_thread::TOKIO_CURRENT_THREAD;

/// The backends of every build. Tables and pictures keep this order unless something else decides.
pub const BACKENDS: &[&dyn Backend] = &[
    &SERIAL,
    &STATIC,
    &THREADS,
    &THREAD_POOL,
    #[cfg(feature = "threadpool")]
    &THREADPOOL,
    #[cfg(feature = "crossbeam")]
    &CROSSBEAM,
    #[cfg(feature = "rayon")]
    &RAYON,
    #[cfg(feature = "chili")]
    &CHILI,
    #[cfg(feature = "rayon")]
    &RAYON_LEVELS,
    #[cfg(feature = "bevy_tasks")]
    &BEVY_TASKS,
    #[cfg(feature = "tokio")]
    &TOKIO,
    #[cfg(feature = "tokio")]
    &TOKIO_CURRENT_THREAD,
    #[cfg(feature = "smol")]
    &SMOL,
    #[cfg(feature = "async-executor")]
    &ASYNC_EXECUTOR,
    #[cfg(feature = "may")]
    &MAY,
    #[cfg(feature = "monoio")]
    &MONOIO,
    #[cfg(feature = "glommio")]
    &GLOMMIO,
    &FORK,
    &FORK_THREADS,
    &FORK_DISPATCH,
    &FORK_PER_TASK,
];

/// The backends that a build may lack, and the feature of this crate and of `taskdyno` that adds each.
pub const FEATURES: &[(&str, &str)] = &[
    ("async-executor", "async-executor"),
    ("bevy-tasks", "bevy_tasks"),
    ("chili", "chili"),
    ("crossbeam", "crossbeam"),
    ("glommio", "glommio"),
    ("may", "may"),
    ("monoio", "monoio"),
    ("rayon", "rayon"),
    ("rayon-levels", "rayon"),
    ("smol", "smol"),
    ("threadpool", "threadpool"),
    ("tokio", "tokio"),
    ("tokio-current-thread", "tokio"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_of_another_crate_has_its_feature_in_the_list() {
        let own = [
            "serial",
            "static",
            "threads",
            "thread-pool",
            "fork",
            "fork-threads",
            "fork-dispatch",
            "fork-per-task",
        ];
        for backend in BACKENDS {
            let name = backend.name();
            let has_feature = FEATURES.iter().any(|(lacking, _)| *lacking == name);
            assert_ne!(has_feature, own.contains(&name), "{name}");
        }
    }
}
