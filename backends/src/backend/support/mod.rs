//! What several backends share. None of it is a backend.
//!
//! | module | what it holds |
//! |---|---|
//! | `worker` | how threads start and end, and how they wait |
//! | `process` | how worker processes start, are watched and end |
//! | `casualties` | which worker processes died, and what becomes of their tasks |
//! | `children` | the children of recursive programs that wait in queues |
//! | `spawning` | how a worker with a queue runs a recursive program |
//! | `reserving` | when an idle worker keeps a task that waits for one more input |

pub(super) mod casualties;
pub(super) mod children;
#[cfg(test)]
pub(super) mod fixture;
pub(super) mod process;
pub(super) mod reserving;
pub(super) mod spawning;
pub(super) mod worker;

/// The atomics of `children` under one name, so that a model checker can replace them.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}
