//! What stands on disk: JSON Lines, one [`Record`] a case. Plain data, the file it is appended to, and how it is read.
//!
//! Integers carry their unit in their name (`_ns`, `_bytes`, `_count`), fractions from 0 to 1 end in
//! `_ratio`. Samples are kept raw; every statistic is recomputed when it is read. FORMAT.md describes
//! each field, and `schema/record.json` is generated from these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod append;
mod commit;
mod difference;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod host;
mod mixed;
mod read;
mod whole;

pub use append::{RecordFile, Resumable, whole_len};
pub use commit::short_hash;
pub use difference::{Difference, difference};
pub use error::{CaseError, ErrorKind};
pub use host::Host;
pub(crate) use host::{single_blanks, slug};
pub use mixed::{MixedError, refuse_mixed};
pub use read::{RecordsError, read, read_placed, read_text};
pub use whole::{write_whole, write_whole_with};

/// The version of the format. Fields are only ever added within a version; readers ignore the ones they
/// do not know and refuse a version they do not know.
pub const SCHEMA_VERSION: u32 = 1;

/// A case with all its samples, or with the error that ended it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// [`SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: u32,
    /// What was run.
    pub case: Case,
    /// The size of the graph; null if the case ended before it was built.
    pub graph: Option<GraphSize>,
    /// How it was measured.
    pub plan: Plan,
    /// The machine.
    pub host: Host,
    /// The commit of the folder that `run` was started in; null outside a git checkout.
    pub commit: Option<Commit>,
    /// When the case began, in UTC, as RFC 3339 has it.
    pub started_at: String,
    /// From the beginning of `run` to the beginning of the case.
    pub since_run_start_ns: u64,
    /// The digest of all outputs, 16 hexadecimal digits; null if the case ended before it was known.
    pub digest: Option<String>,
    /// How long the backend took to start its workers.
    pub start_ns: Option<u64>,
    /// How fast it can be at best; null where the durations of the tasks are not known.
    #[serde(default)]
    pub bound: Option<Bound>,
    /// One entry a sample, in the order they were taken.
    pub samples: Vec<Sample>,
    /// How fast the machine was, just before the samples were taken and just after; empty in records of programs
    /// that did not look.
    #[serde(default)]
    pub calibrations: Vec<Calibration>,
    /// Why `calibrations` is empty, where the system refused the threads for it; null otherwise.
    #[serde(default)]
    pub calibration_error: Option<String>,
    /// What the times follow when the machine gets slower or faster: `machine`, `clock` or `contention`; null in
    /// records of programs that did not say, where the kernels that come with taskdyno are known by name.
    #[serde(default)]
    pub pace: Option<String>,
    /// How long the tasks really took, from runs of their own after the samples; null where `bound` is.
    #[serde(default)]
    pub trace: Option<Trace>,
    /// What the same kernel does at its best, beside each sample; null but for `metg`.
    #[serde(default)]
    pub peak: Option<Peak>,
    /// The worker processes that died and were replaced, in the order they died.
    #[serde(default)]
    pub deaths: Vec<WorkerDeath>,
    /// Peak resident memory: of the case's process, and what its worker processes do not share with it.
    pub peak_memory_bytes: Option<u64>,
    /// How busy each core was while the samples were taken.
    pub load: Load,
    /// What the runs brought to light that is no failure, such as `lost_updates_count`: sums over all
    /// samples.
    pub findings: BTreeMap<String, u64>,
    /// Why the case failed; null if it did not. A case with an error has no samples that count.
    pub error: Option<CaseError>,
}

/// A cell of the matrix: what is run, on what, with how many workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// The name of the workload.
    pub workload: String,
    /// The swept parameters of this case, as `key=value` joined by commas; empty if nothing is swept.
    #[serde(default)]
    pub variant: String,
    /// The name of the backend.
    pub backend: String,
    /// How many tasks may run at once.
    pub workers: u32,
    /// Every parameter of the workload, swept or not: the `pattern` table and the `kernel` table.
    pub parameters: Value,
    /// `queue` or `inline`; null for backends without the choice.
    #[serde(default)]
    pub continuation: Option<String>,
    /// Whether worker `i` was bound to core `i` modulo the number of cores.
    #[serde(default)]
    pub pin: bool,
    /// The backend's own options, every one that it has.
    #[serde(default)]
    pub options: BTreeMap<String, Value>,
}

impl Case {
    /// What the case is called on the command line: `workload/variant/backend/workers`, without the
    /// variant where nothing is swept, and with `+inline` and `+pin` behind where those were asked for.
    pub fn id(&self) -> String {
        let mut id = self.workload.clone();
        for part in [&self.variant, &self.backend] {
            if !part.is_empty() {
                id += "/";
                id += part;
            }
        }
        id += &format!("/{}", self.workers);
        if self.continuation.as_deref() == Some("inline") {
            id += "+inline";
        }
        if self.pin {
            id += "+pin";
        }
        id
    }
}

/// The size of a task graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GraphSize {
    /// How many tasks it has.
    pub task_count: u64,
    /// How many dependences it has.
    pub edge_count: u64,
}

/// How fast a graph can be run at best, from the durations that its tasks are meant to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bound {
    /// The sum of all durations.
    pub work_ns: u64,
    /// The longest path by duration.
    pub span_ns: u64,
    /// How many tasks the backend has under way at once; null for as many as there are.
    pub parallelism: Option<u64>,
    /// The larger of `work_ns / parallelism` and `span_ns`: no run is shorter.
    pub lower_bound_ns: u64,
    /// The shortest schedule there is, where the workload states it for this many workers.
    #[serde(default)]
    pub certified_optimum_ns: Option<u64>,
}

impl Bound {
    /// The best that is known to be possible: the certified optimum, or else the lower bound.
    pub fn best_ns(&self) -> u64 {
        let optimum = self.certified_optimum_ns.unwrap_or(0);
        optimum.max(self.lower_bound_ns)
    }
}

/// How long tasks really took, with a clock around each of them: runs of their own, never the timed ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// How many tasks were run alone, one after the other, on an idle machine: the first ones.
    pub alone_task_count: u64,
    /// What these took, together.
    pub alone_work_ns: u64,
    /// One entry a traced run.
    pub runs: Vec<TracedRun>,
}

/// A run with a clock around each task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TracedRun {
    /// Wall clock of the run.
    pub wall_ns: u64,
    /// What all its tasks took, together.
    pub work_ns: u64,
    /// What those of its tasks took that were also run alone.
    pub alone_task_work_ns: u64,
    /// How long a greedy schedule takes with what the tasks took, were all else free.
    pub greedy_makespan_ns: u64,
}

/// One size of a sweep over task sizes, and what the machine gave at its best meanwhile.
///
/// The efficiency of sample `i` is `least_task_count ×` what a task takes at best, over `wall_ns ÷ run_count` of the
/// sample. A task takes at best `task_ns`, or where that is null `size × wall_ns ÷ run_count` of probe `i`
/// `÷ probe_task_count ÷ probe_size`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// Wall clock of all its runs together.
    pub wall_ns: u64,
    /// How many runs it holds.
    pub run_count: u64,
}

/// How a case was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The seed that the order of the cases was drawn from.
    pub seed: u64,
    /// The place of this case in that order, from 0.
    pub order_index: u64,
    /// How long the case was run before the first sample.
    pub warmup_ns: u64,
    /// Runs were put together until a sample was at least this long, and long enough for the clock.
    pub min_sample_ns: u64,
    /// Samples were taken for at least this long,
    pub min_time_ns: u64,
    /// at most this long,
    pub max_time_ns: u64,
    /// until there were at least this many,
    pub min_sample_count: u64,
    /// and at most this many.
    pub max_sample_count: u64,
    /// The case was to be killed after this long without an answer.
    pub timeout_ns: u64,
    /// How often a task whose worker process died was to be tried again.
    #[serde(default)]
    pub retry_limit: u32,
    /// A worker process that ran one task for longer than this was to be killed; null for no limit.
    #[serde(default)]
    pub task_timeout_ns: Option<u64>,
}

impl Plan {
    /// The part that bears on the times: not which order was drawn, nor when to give up.
    pub fn measured(&self) -> Self {
        Self {
            seed: 0,
            order_index: 0,
            timeout_ns: 0,
            task_timeout_ns: None,
            ..self.clone()
        }
    }
}

/// A commit of a git checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    /// The full hash.
    pub hash: String,
    /// Whether files that are in it were changed since; files that are not in it do not count.
    pub dirty: bool,
}

/// One sample: `run_count` runs of the whole graph, one straight after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// Wall clock of all its runs together. Divide by `run_count` for one run.
    pub wall_ns: u64,
    /// How many runs it holds: 1, unless a run is too short for the clock.
    pub run_count: u64,
    /// CPU time of the case's process and its worker processes in that time.
    pub cpu_ns: u64,
    /// CPU time that everything else on the machine took, in proportion to this sample's share of its
    /// slice; null for slices too short for the kernel's 10 ms ticks.
    pub foreign_cpu_ns: Option<u64>,
    /// Times a worker gave up its core by itself.
    pub voluntary_switch_count: u64,
    /// Times a worker was made to give up its core.
    pub involuntary_switch_count: u64,
    /// The core that each worker had last run on when the sample ended. Empty where the workers do not
    /// outlive a run.
    pub worker_cores: Vec<u32>,
    /// Whether worker processes died in it. Its result is right, but its times count for nothing.
    #[serde(default)]
    pub is_degraded: bool,
}

/// A worker process that died in a run that went on without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerDeath {
    /// The number of the worker, from 0.
    pub worker: u32,
    /// The signal that killed it; null if it left by itself.
    pub signal: Option<i32>,
    /// The exit code that it left with; null if it was killed.
    pub exit_code: Option<i32>,
    /// The task that it ran; null between two tasks.
    pub task: Option<u64>,
    /// How often the task had been tried then, this time included; 0 without a task.
    pub attempt_count: u32,
}

/// How long a fixed loop took: how fast the machine was, whatever ran on it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// The loop on one thread.
    pub single_ns: u64,
    /// The same on one thread a worker at once, as long as the slowest of them took; null for one worker.
    pub parallel_ns: Option<u64>,
}

/// Per-core load over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Load {
    /// Where the figures come from.
    pub source: LoadSource,
    /// The time between two rows of `cores`; 0 if it is empty.
    pub interval_ns: u64,
    /// One row an interval, one busy ratio from 0 to 1 a core.
    pub cores: Vec<Vec<f64>>,
}

/// Where per-core load comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadSource {
    /// The `sysinfo` crate, refreshed no more often than it can bear.
    Sysinfo,
    /// The kernel's counters at the beginning and the end.
    ProcStat,
    /// No figure: the kernel counts in ticks of 10 ms, and there were too few.
    TooShort,
}
