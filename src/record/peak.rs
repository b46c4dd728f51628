//! A sweep over task sizes, as records hold it.

use serde::{Deserialize, Serialize};

/// One size of a sweep over task sizes, and the peak rate of the machine meanwhile.
///
/// The efficiency of sample `i` is `least_task_count` × the best time of a task ÷ (`wall_ns ÷ run_count` of the
/// sample). The best time of a task is `task_ns`, or if that is null, `size × wall_ns ÷ run_count` of probe `i` `÷
/// probe_task_count ÷ probe_size`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Peak {
    /// The variant without the size.
    pub variant: String,
    /// The parameter of the kernel that is swept.
    pub size_parameter: String,
    /// Its value in this case, above 0.
    pub size: f64,
    /// The duration of a task of this size, for kernels whose tasks last for a known time: their peak is known, so
    /// there are no probes. Null for all others.
    #[serde(default)]
    pub task_ns: Option<f64>,
    /// How many tasks of equal length must run one after the other in any schedule: the larger of tasks ÷ workers,
    /// rounded up, and the tasks on the longest path. Only the latter if any number of tasks can wait at once.
    pub least_task_count: u64,
    /// The efficiency to find.
    pub efficiency_ratio: f64,
    /// The value of the parameter in the probes; 0 without probes.
    pub probe_size: f64,
    /// How many tasks each worker ran one after the other in a run of the probe; 0 without probes.
    pub probe_task_count: u64,
    /// The probes, one taken just before each sample: as many independent chains of tasks as there are workers, on the
    /// backend that shows the practical limit.
    pub probes: Vec<Probe>,
}

/// One sample of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Probe {
    /// Wall clock of all its runs together.
    pub wall_ns: u64,
    /// How many runs it holds.
    pub run_count: u64,
}
