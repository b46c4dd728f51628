//! How long the tasks of a case took.

use serde::{Deserialize, Serialize};

/// How long tasks really took, from separate runs that time each task. Samples never do this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trace {
    /// How many tasks ran alone, one after the other, on an idle machine. These are the first tasks.
    pub alone_task_count: u64,
    /// The total time of these tasks.
    pub alone_work_ns: u64,
    /// One entry per traced run.
    pub runs: Vec<TracedRun>,
}

/// A run that times each task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TracedRun {
    /// Wall clock of the run.
    pub wall_ns: u64,
    /// The total time of all its tasks.
    pub work_ns: u64,
    /// The total time of those tasks that also ran alone.
    pub alone_task_work_ns: u64,
    /// The makespan of a greedy schedule with these task times and no other costs.
    pub greedy_makespan_ns: u64,
}
