//! How worker processes die.

use serde::{Deserialize, Serialize};

/// A worker process that died in a run that continued without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorkerDeath {
    /// The number of the worker, from 0.
    pub worker: u32,
    /// The signal that killed it; null if it exited.
    pub signal: Option<i32>,
    /// The exit code; null if it was killed.
    pub exit_code: Option<i32>,
    /// The task that it ran; null if it died between two tasks.
    pub task: Option<u64>,
    /// How often the task had been tried, this attempt included; 0 without a task.
    pub attempt_count: u32,
}
