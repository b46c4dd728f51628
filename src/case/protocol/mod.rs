//! The messages between parent and child: one JSON object per line. FORMAT.md shows a whole exchange.
//!
//! Both sides ignore fields that they do not know.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::backend::MOST_WORKERS;
use crate::handover::{self, HandedOver, HandoverError};
use crate::kernel::Findings;
use crate::measure::schedule::KnownDurations;
use crate::measure::{MOST_NS, SlicePlan};
use crate::record::{
    Bound, Case, CaseError, GraphSize, Latencies, Sample, Trace, WorkerDeath, WorkerUsage,
};

mod greeting;
mod hex;
mod names;

pub use greeting::{GreetedBackend, GreetedOption, Greeting, Hello, VERSIONS};
pub use hex::Hex;

/// A request from the parent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The first request of version 2: say what you are.
    Hello(Hello),
    /// Build or read the graph, start the workers, warm up.
    Prepare(Box<Prepare>),
    /// Take samples, then wait for the next request.
    Slice(SliceRequest),
    /// Stop the workers and exit. The end of the input has the same effect, without a reply.
    Finish {},
    /// To the command `expected`, which answers and exits: what must every run of this work compute?
    Expect(Box<Expect>),
}

/// The most runs per sample. Their number times the number of tasks fits into 64 bits.
const MOST_RUNS: u64 = u32::MAX as u64;
/// The most retries of a task.
const MOST_RETRIES: u32 = 1_000_000;
/// The largest factor by which a sample may be stretched. A stretched time still fits into its type.
const MOST_STRETCH: f64 = 1000.0;

/// A number in a request that is out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be {value}: expected a number from {least} to {most}")]
pub struct RangeError {
    name: &'static str,
    value: String,
    least: String,
    most: String,
}

impl Request {
    /// Checks every number in it, so that its users need not.
    ///
    /// # Errors
    ///
    /// The first number that is out of range, with the expected range.
    pub fn check(&self) -> Result<(), RangeError> {
        match self {
            Self::Prepare(prepare) => prepare.check(),
            Self::Slice(slice) => check_plan(&slice.plan),
            Self::Hello(_) | Self::Expect(_) | Self::Finish {} => Ok(()),
        }
    }
}

impl Prepare {
    fn check(&self) -> Result<(), RangeError> {
        within("workers", self.case.workers, 1..=MOST_WORKERS)?;
        within("warmup_ns", self.warmup_ns, 0..=MOST_NS)?;
        within("warmup_run_count", self.warmup_run_count, 0..=MOST_RUNS)?;
        within("min_sample_ns", self.min_sample_ns, 0..=MOST_NS)?;
        within("retry_limit", self.retry_limit, 0..=MOST_RETRIES)?;
        let times = [
            ("task_timeout_ns", self.task_timeout_ns),
            ("certified_optimum_ns", self.certified_optimum_ns),
        ];
        for (name, time) in times {
            within(name, time.unwrap_or(0), 0..=MOST_NS)?;
        }
        let kill_ratio = self.chaos.map_or(0.0, |chaos| chaos.kill_ratio);
        within("kill_ratio", kill_ratio, 0.0..=1.0)?;
        let stretch_ratio = self.stretch_ratio.unwrap_or(0.0);
        within("stretch_ratio", stretch_ratio, 0.0..=MOST_STRETCH)
    }
}

fn check_plan(plan: &SlicePlan) -> Result<(), RangeError> {
    // Times and numbers of samples are only used as limits, so any value is valid.
    within("run_count", plan.run_count.unwrap_or(1), 1..=MOST_RUNS)
}

fn within<T: PartialOrd + Display>(
    name: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), RangeError> {
    // NaN is in no range.
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = range.into_inner();
    Err(RangeError {
        name,
        value: value.to_string(),
        least: least.to_string(),
        most: most.to_string(),
    })
}

/// A reply from the child.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `hello`.
    Greeting(Greeting),
    /// To `prepare`: ready for slices.
    Prepared(Prepared),
    /// To `slice`: one line per sample, sent after the last sample was taken,
    Sample(SampleReply),
    /// and one line that ends the slice.
    SliceDone(SliceDone),
    /// To `finish`: the last line.
    Finished(Finished),
    /// To `expect`: the last line.
    Expected(Expected),
    /// To any request: the case has failed. The last line.
    Error(CaseError),
}

/// The case to prepare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prepare {
    /// The kind of work: `graph`; `coordination` if all tasks must be in progress at once; or `recursion` if the task of the
    /// graph is a recursive program.
    #[serde(default = "graph")]
    pub kind: String,
    /// The case.
    pub case: Case,
    /// Where to read the graph; null to build it from the parameters of the case, which only builds of taskdyno can do.
    #[serde(default)]
    pub graph: Option<HandedGraph>,
    /// The path of a table in which tasks that wait for each other say what they wait for; null if no task does.
    #[serde(default)]
    pub waits: Option<String>,
    /// The nonce of the warm-up.
    #[serde(default)]
    pub nonce: Hex,
    /// How long to warm up. There is at least one run.
    pub warmup_ns: u64,
    /// How many runs to warm up for, at least.
    #[serde(default)]
    pub warmup_run_count: u64,
    /// A sample contains enough runs to last this long, and long enough for the clock.
    #[serde(default)]
    pub min_sample_ns: u64,
    /// How often a task is tried again after its worker process died.
    #[serde(default)]
    pub retry_limit: u32,
    /// The time limit of one task on a worker process, which is killed then; null for no limit.
    #[serde(default)]
    pub task_timeout_ns: Option<u64>,
    /// The duration of the shortest possible schedule, if the workload states it for this number of workers.
    #[serde(default)]
    pub certified_optimum_ns: Option<u64>,
    /// Whether to add a run at the end that times each task, if a bound is known.
    #[serde(default)]
    pub trace: bool,
    /// Where to write when each task of such a run ran; null for nowhere.
    #[serde(default)]
    pub trace_file: Option<TraceTarget>,
    /// Makes worker processes die at random; null for none.
    #[serde(default)]
    pub chaos: Option<Chaos>,
    /// Makes every sample longer by this fraction of its own time, to test whether a gate detects it; null for none. 0
    /// takes the same steps and adds nothing.
    #[serde(default)]
    pub stretch_ratio: Option<f64>,
}

fn graph() -> String {
    "graph".into()
}

impl Prepare {
    /// A request to prepare `case` with as little as possible: one run of warm-up, samples that last long enough for the
    /// clock, no retries, no time limits.
    pub fn of(case: Case) -> Self {
        Self {
            kind: graph(),
            case,
            graph: None,
            waits: None,
            nonce: Hex(0),
            warmup_ns: 0,
            warmup_run_count: 0,
            min_sample_ns: 0,
            retry_limit: 0,
            task_timeout_ns: None,
            certified_optimum_ns: None,
            trace: false,
            trace_file: None,
            chaos: None,
            stretch_ratio: None,
        }
    }
}

/// The file for the times of each task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceTarget {
    /// The path of the file.
    pub path: String,
    /// When the case began, as in its record.
    pub started_at: String,
}

/// A graph file that the parent has written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedGraph {
    /// The path of the file.
    pub path: String,
    /// The CRC-32 of the file, as in zlib, in 8 lower-case hexadecimal digits.
    pub crc32: String,
    /// The number of tasks.
    pub task_count: u64,
    /// The number of dependences.
    pub edge_count: u64,
}

impl HandedGraph {
    /// Reads the graph.
    ///
    /// # Errors
    ///
    /// Why the file has no such graph.
    pub(crate) fn read(&self) -> Result<HandedOver, HandedGraphError> {
        let crc32 = u32::from_str_radix(&self.crc32, 16);
        let crc32 = crc32.map_err(|_| HandedGraphError::NoChecksum(self.crc32.clone()))?;
        Ok(handover::read(Path::new(&self.path), crc32)?)
    }
}

/// Why a graph file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandedGraphError {
    /// The request has no checksum.
    #[error("`crc32` is {0:?}: expected 8 hexadecimal digits")]
    NoChecksum(String),
    /// The file is wrong.
    #[error(transparent)]
    File(#[from] HandoverError),
}

/// A slice to measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceRequest {
    /// When it ends.
    #[serde(flatten)]
    pub plan: SlicePlan,
    /// The nonce of its runs; of its first run if it is chained.
    #[serde(default)]
    pub nonce: Hex,
    /// Whether each run, of all samples, takes its nonce from the run before it: the nonce of that run, folded with its
    /// digest.
    #[serde(default)]
    pub chained: bool,
    /// Whether the tasks record latencies.
    #[serde(default)]
    pub latencies: bool,
}

/// One sample, and what its last run computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleReply {
    /// The sample.
    #[serde(flatten)]
    pub sample: Sample,
    /// The digest of its last run; null in version 1, whose child compares it itself.
    #[serde(default)]
    pub digest: Option<Hex>,
}

/// The work whose results are expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expect {
    /// The graph and the kernel, as in a case.
    pub parameters: serde_json::Value,
    /// The nonces that runs will have.
    pub nonces: Vec<Hex>,
}

/// What every run of a work must compute, and how fast it can be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// The size of its graph.
    pub graph: GraphSize,
    /// The graph, in a file that exists as long as the process that answers; null if it could not be written.
    #[serde(default)]
    pub file: Option<HandedGraph>,
    /// Why it could not be written.
    #[serde(default)]
    pub no_file: Option<String>,
    /// One digest per nonce.
    pub digests: Vec<Hex>,
    /// What determines its times, see [`crate::record::Record::pace`].
    pub pace: String,
    /// The kind of work, see [`Prepare::kind`].
    #[serde(default = "graph")]
    pub kind: String,
    /// Whether its tasks wait for each other.
    #[serde(default)]
    pub has_parties: bool,
    /// What is known of the durations of its tasks; null if they are not known, or all zero.
    #[serde(default)]
    pub durations: Option<KnownDurations>,
    /// The names of the latencies that its tasks can record; empty if there are none.
    #[serde(default)]
    pub latencies: Vec<String>,
    /// Whether they are recorded in the measured samples.
    #[serde(default)]
    pub is_timing_the_work: bool,
    /// See [`crate::record::Record::is_ranked_by_cpu`].
    #[serde(default)]
    pub is_ranked_by_cpu: bool,
}

/// Makes worker processes die at random.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Chaos {
    /// The fraction of all tasks whose worker dies, from 0 to 1.
    pub kill_ratio: f64,
    /// The seed from which these tasks, and the way and moment of each death, are drawn.
    pub seed: u64,
}

/// A case that is ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// How long the backend took to start its workers.
    pub start_ns: u64,
    /// The number of runs per sample that the warm-up determined.
    #[serde(default)]
    pub run_count: u64,
    /// The type of the file system that holds the files of the tasks; null if they have none.
    #[serde(default)]
    pub file_system: Option<String>,
    /// The digest of the last run of the warm-up. In version 1, the digest that every run must produce.
    #[serde(default)]
    pub digest: Option<Hex>,
    /// The size of its graph; only in version 1, like all that follows.
    #[serde(default)]
    pub graph: Option<GraphSize>,
    /// The bound on its run time; null if the durations of its tasks are not known.
    #[serde(default)]
    pub bound: Option<Bound>,
    /// What determines its times, see [`crate::record::Record::pace`].
    #[serde(default)]
    pub pace: Option<String>,
}

/// The end of a slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceDone {
    /// Sums over the samples of the slice.
    #[serde(default)]
    pub findings: Findings,
    /// The worker processes that died and were replaced.
    #[serde(default)]
    pub deaths: Vec<WorkerDeath>,
    /// The latencies of the slice by name, if they were requested.
    #[serde(default)]
    pub latencies: Latencies,
}

/// The end of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// Peak resident memory of the process, plus the memory of its worker processes that they do not share with it.
    #[serde(default)]
    pub peak_memory_bytes: Option<u64>,
    /// What each worker has used since it started; empty if workers do not outlive a run.
    #[serde(default)]
    pub worker_usage: Vec<WorkerUsage>,
    /// How long its tasks really took, if this was requested and a bound is known.
    #[serde(default)]
    pub trace: Option<Trace>,
    /// Why the file for the times of each task was not written; null if it was, or if none was requested.
    #[serde(default)]
    pub no_trace_file: Option<String>,
}
