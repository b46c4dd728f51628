//! What several backends share. None of it is a backend.
//!
//! | module | what it holds |
//! |---|---|
//! | `worker` | how threads start and end, and how they wait |
//! | `process` | how worker processes start, are watched and end |
//! | `casualties` | which worker processes died, and what becomes of their tasks |
//! | `children` | the children of recursive programs that wait in queues |
//! | `walking` | how a worker with a queue runs a recursive program |
//! | `levels` | the levels of a graph, and how workers share them |
//! | `spawning` | runs on runtimes that spawn one future for each task that becomes ready |
//! | `ending` | how such a run ends on the executors of smol |
//! | `owned` | runs on event loops that do not steal, so each task has an owner |
//! | `once` | runtimes that a process can start only once |
//! | `io_uring` | whether this system allows `io_uring` |
//! | `reserving` | when an idle worker keeps a task that waits for one more input |

pub(super) mod casualties;
pub(super) mod children;
#[cfg(any(feature = "async-executor", feature = "smol"))]
pub(super) mod ending;
#[cfg(test)]
pub(super) mod fixture;
#[cfg(any(feature = "glommio", feature = "monoio"))]
pub(super) mod io_uring;
pub(super) mod levels;
#[cfg(any(feature = "may", feature = "smol"))]
pub(super) mod once;
#[cfg(any(feature = "glommio", feature = "monoio"))]
pub(super) mod owned;
pub(super) mod process;
pub(super) mod reserving;
#[cfg(any(
    feature = "async-executor",
    feature = "may",
    feature = "smol",
    feature = "tokio"
))]
pub(super) mod spawning;
pub(super) mod walking;
pub(super) mod worker;

/// The atomics of `children` under one name, so that a model checker can replace them.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}
