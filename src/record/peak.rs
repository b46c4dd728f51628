//! A sweep over task sizes, as records hold it.

use serde::{Deserialize, Serialize};

/// One size of a sweep over task sizes, and what the machine gave at its best meanwhile.
///
/// The efficiency of sample `i` is `least_task_count ×` what a task takes at best, over `wall_ns ÷ run_count` of the
/// sample. A task takes at best `task_ns`, or where that is null `size × wall_ns ÷ run_count` of probe `i`
/// `÷ probe_task_count ÷ probe_size`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Peak {
    /// The variant without the size.
    pub variant: String,
    /// The parameter of the kernel that is swept.
    pub size_parameter: String,
    /// Its value in this case, above 0.
    pub size: f64,
    /// How long a task of this size lasts by the clock, for kernels that go by it: their peak is known, and there are
    /// no probes. Null for all others.
    #[serde(default)]
    pub task_ns: Option<f64>,
    /// How many tasks, of equal length, have to run one after the other in any schedule: the larger of
    /// tasks ÷ workers, rounded up, and the tasks on the longest path. Only the second where any number of tasks
    /// can wait at once.
    pub least_task_count: u64,
    /// The efficiency that was looked for.
    pub efficiency_ratio: f64,
    /// The value of the parameter in the probes; 0 without probes.
    pub probe_size: f64,
    /// How many tasks each worker ran one after the other in a run of the probe; 0 without probes.
    pub probe_task_count: u64,
    /// The probe that was taken just before each sample: as many independent chains of tasks as there are workers,
    /// on the backend that shows the practical limit.
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
