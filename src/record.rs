//! The records on disk: JSON Lines, one [`Record`] per case. Plain data, the file that it is appended to, and how it is
//! read.
//!
//! Names of integers contain their unit (`_ns`, `_bytes`, `_count`), and names of fractions end in `_ratio`. Samples
//! are stored raw, and every statistic is computed when a record is read. FORMAT.md describes each field, and
//! `schema/record.json` is generated from these types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod append;
mod case;
mod channel;
mod claim;
mod commit;
mod death;
mod difference;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod host;
mod latencies;
mod mixed;
mod peak;
mod read;
mod runtime;
mod time;
mod trace;
mod usage;
mod whole;

pub(crate) use append::{RecordFile, Resumable, whole_len};
pub use case::Case;
pub(crate) use channel::Channel;
pub use claim::{ClaimSide, Inequality, Quantity};
pub(crate) use commit::short_hash;
pub use death::WorkerDeath;
pub(crate) use difference::{Difference, difference};
pub use error::{CaseError, ErrorKind};
pub use host::Host;
pub(crate) use host::{single_blanks, slug};
pub use latencies::Latencies;
pub(crate) use latencies::add_latencies;
pub(crate) use mixed::{MixedError, refuse_mixed};
pub use peak::{Peak, Probe};
pub use read::{RecordsError, read, read_placed, read_text};
pub use runtime::Runtime;
pub(crate) use time::{nanoseconds, now, run_ns, time_of_day};
pub use trace::{Trace, TracedRun};
pub use usage::{SliceUsage, UsageSource, WorkerUsage};
pub(crate) use whole::{write_whole, write_whole_with};

/// The version of the format. Within a version, fields are only added. Readers ignore fields that they do not know and
/// refuse a version that they do not know.
pub const SCHEMA_VERSION: u32 = 3;

/// The oldest version that this program reads. Records of version 1 have CPU time and context switches in every sample;
/// everything else that version 2 added has a default. Version 3 has another control loop.
pub const OLDEST_SCHEMA_VERSION: u32 = 1;

/// A case with all its samples, or with the error that stopped it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Record {
    /// [`SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: u32,
    /// The case that was run.
    pub case: Case,
    /// The family of the backend: `serial`, `threads`, `async`, `processes` or `mixed`. Null if it is not known.
    #[serde(default)]
    pub family: Option<String>,
    /// What the workload is for, in its own words.
    #[serde(default)]
    pub workload_why: Option<String>,
    /// What the backend is, in its own words.
    #[serde(default)]
    pub backend_why: Option<String>,
    /// What the child said of itself; null if it said nothing.
    #[serde(default)]
    pub runtime: Option<Runtime>,
    /// The size of the graph; null if the case ended before it was built.
    pub graph: Option<GraphSize>,
    /// How it was measured.
    pub plan: Plan,
    /// The machine.
    pub host: Host,
    /// The commit of the folder that `run` was started in; null outside a git checkout.
    pub commit: Option<Commit>,
    /// When the case began, in UTC, in the format of RFC 3339.
    pub started_at: String,
    /// The time from the beginning of `run` to the beginning of the case.
    pub since_run_start_ns: u64,
    /// The digest of all outputs, 16 hexadecimal digits; null if the case ended before it was known.
    pub digest: Option<String>,
    /// How long the backend took to start its workers, in the first process of the case.
    pub start_ns: Option<u64>,
    /// The bound on its run time; null if the durations of the tasks are not known.
    #[serde(default)]
    pub bound: Option<Bound>,
    /// One entry per sample, in the order in which they were taken.
    pub samples: Vec<Sample>,
    /// CPU time and context switches of each slice, for children that do not measure them with each sample; else empty.
    #[serde(default)]
    pub usage: Vec<SliceUsage>,
    /// How fast the machine was just before and just after the samples were taken; empty in records of programs that
    /// did not measure it.
    #[serde(default)]
    pub calibrations: Vec<Calibration>,
    /// Why `calibrations` is empty, if the system refused the threads for it; null otherwise.
    #[serde(default)]
    pub calibration_error: Option<String>,
    /// What determines the times when the machine gets slower or faster: `machine`, `clock` or `contention`. Null in
    /// records of programs that did not record it; readers then know the kernels of taskdyno by name.
    #[serde(default)]
    pub pace: Option<String>,
    /// Whether cases are ranked and judged by the CPU time of a run instead of its wall time, because the clock decides how long a run
    /// takes.
    #[serde(default)]
    pub is_ranked_by_cpu: bool,
    /// The type of the file system that holds the files of the tasks, such as `ext4`; null if they have no files.
    #[serde(default)]
    pub file_system: Option<String>,
    /// How long the tasks really took, measured in separate runs after the samples; null if `bound` is null.
    #[serde(default)]
    pub trace: Option<Trace>,
    /// The file of a traced run, which says when each task ran on which worker. Its path is relative to the folder of this
    /// record. Null without `run --trace`.
    #[serde(default)]
    pub trace_file: Option<String>,
    /// Why `run --trace` wrote no such file; null otherwise.
    #[serde(default)]
    pub no_trace_file: Option<String>,
    /// The peak rate of the same kernel, measured with each sample; null except for `metg`.
    #[serde(default)]
    pub peak: Option<Peak>,
    /// Which side of a claim it is; null except for `claims`.
    #[serde(default)]
    pub claim: Option<ClaimSide>,
    /// The worker processes that died and were replaced, in the order in which they died.
    #[serde(default)]
    pub deaths: Vec<WorkerDeath>,
    /// Peak resident memory of the case's process, plus the memory of its worker processes that they do not share with
    /// it.
    pub peak_memory_bytes: Option<u64>,
    /// What each worker of the first process used; empty if workers do not outlive a run, or if the child does not say.
    #[serde(default)]
    pub worker_usage: Vec<WorkerUsage>,
    /// How busy each core was while the first process took its samples.
    pub load: Load,
    /// Observations that are not failures, such as `lost_updates_count`; sums over all samples.
    pub findings: BTreeMap<String, u64>,
    /// What the tasks timed themselves, by name, such as `lateness`; empty if they time nothing. All processes of the case
    /// together.
    #[serde(default)]
    pub latencies: Latencies,
    /// What was wrong with the end of the case's processes, after the samples were taken: one sentence each.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// Why the case failed; null if it did not. A case with an error has no valid samples.
    pub error: Option<CaseError>,
    /// Why other cases that were asked for could not run, and how many there are for each reason. Only the first record of
    /// a run has it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_applicable: BTreeMap<String, u64>,
}

/// The size of a task graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GraphSize {
    /// The number of tasks.
    pub task_count: u64,
    /// The number of dependences.
    pub edge_count: u64,
}

/// The shortest possible run time of a graph, computed from the nominal durations of its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bound {
    /// The sum of all durations.
    pub work_ns: u64,
    /// The longest path by duration.
    pub span_ns: u64,
    /// How many tasks the backend runs at once; null for no limit.
    pub parallelism: Option<u64>,
    /// The larger of `work_ns / parallelism` and `span_ns`: no run is shorter.
    pub lower_bound_ns: u64,
    /// The duration of the shortest possible schedule, if the workload states it for this number of workers.
    #[serde(default)]
    pub certified_optimum_ns: Option<u64>,
}

impl Bound {
    /// The best known bound: the certified optimum, or else the lower bound.
    pub fn best_ns(&self) -> u64 {
        let optimum = self.certified_optimum_ns.unwrap_or(0);
        optimum.max(self.lower_bound_ns)
    }
}

/// How a case was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Plan {
    /// The seed of the random order of the cases.
    pub seed: u64,
    /// The position of this case in that order, from 0.
    pub order_index: u64,
    /// How long the case was run before the first sample.
    pub warmup_ns: u64,
    /// How many runs were made before the first sample, at least.
    #[serde(default)]
    pub warmup_run_count: u64,
    /// How many processes the case was measured in, one after the other.
    #[serde(default = "one")]
    pub invocation_count: u32,
    /// A sample contains enough runs to last this long, and long enough for the clock.
    pub min_sample_ns: u64,
    /// Samples were taken for at least this long,
    pub min_time_ns: u64,
    /// at most this long,
    pub max_time_ns: u64,
    /// until there were at least this many,
    pub min_sample_count: u64,
    /// and at most this many.
    pub max_sample_count: u64,
    /// A process of the case would have been killed after this time.
    pub timeout_ns: u64,
    /// How often a task would be tried again after its worker process died.
    #[serde(default)]
    pub retry_limit: u32,
    /// The time limit of one task on a worker process; null for no limit.
    #[serde(default)]
    pub task_timeout_ns: Option<u64>,
}

/// Without the field, a case was measured in one process.
fn one() -> u32 {
    1
}

impl Plan {
    /// The part that affects the times: without the order of the cases and the time limits.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Commit {
    /// The full hash.
    pub hash: String,
    /// Whether files of this commit were changed since. Files that are not part of it do not count.
    pub dirty: bool,
}

/// One sample: `run_count` consecutive runs of the whole graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Sample {
    /// Wall time of all its runs together. Divide by `run_count` to get the time of one run.
    pub wall_ns: u64,
    /// The number of runs: 1, unless a run is too short for the clock.
    pub run_count: u64,
    /// CPU time of the case's process and its worker processes during the sample; null if the child does not measure it.
    pub cpu_ns: Option<u64>,
    /// CPU time that everything else on the machine took, in proportion to this sample's share of its slice; null for
    /// slices that are too short for the kernel's ticks of 10 ms.
    pub foreign_cpu_ns: Option<u64>,
    /// How often a worker gave up its core voluntarily; null if the child does not measure it.
    pub voluntary_switch_count: Option<u64>,
    /// How often a worker was preempted; null if the child does not measure it.
    pub involuntary_switch_count: Option<u64>,
    /// The core that each worker last ran on when the sample ended. Empty if workers do not outlive a run.
    #[serde(default)]
    pub worker_cores: Vec<u32>,
    /// Whether worker processes died in it. Its result is right, but its times do not enter any statistic.
    #[serde(default)]
    pub is_degraded: bool,
    /// The process that it comes from, from 0: a case may be measured in several, one after the other.
    #[serde(default)]
    pub invocation: u32,
}

impl Sample {
    /// A sample of this wall time and this number of runs, in which nothing else was observed.
    pub fn new(wall_ns: u64, run_count: u64) -> Self {
        Self {
            wall_ns,
            run_count,
            cpu_ns: None,
            foreign_cpu_ns: None,
            voluntary_switch_count: None,
            involuntary_switch_count: None,
            worker_cores: Vec::new(),
            is_degraded: false,
            invocation: 0,
        }
    }
}

/// How long a fixed loop took, which shows how fast the machine was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Calibration {
    /// The loop on one thread.
    pub single_ns: u64,
    /// The same on one thread per worker at once: the time of the slowest thread; null for one worker.
    pub parallel_ns: Option<u64>,
}

/// Per-core load over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Load {
    /// Where the figures come from.
    pub source: LoadSource,
    /// The time between two rows of `cores`; 0 if it is empty.
    pub interval_ns: u64,
    /// One row per interval, with one busy ratio from 0 to 1 per core.
    pub cores: Vec<Vec<f64>>,
}

/// Where per-core load comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LoadSource {
    /// The `sysinfo` crate, refreshed no more often than it supports.
    Sysinfo,
    /// The kernel's counters before and after.
    ProcStat,
    /// No figure, because there were too few of the kernel's ticks of 10 ms.
    TooShort,
}
