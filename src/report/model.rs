//! The view model: everything that a report shows, computed from records, but not yet rendered.

use std::collections::BTreeMap;

use super::heading::Heading;
use super::latency::Latency;
use super::load::LoadMap;
use super::rank_facts::RankFacts;
use super::schedule::Schedule;
use super::timelines::PageTimeline;
use super::worker_cpu::WorkerCpu;
use crate::compare::JudgedClaim;
use crate::record::{CaseError, Channel, GraphSize, Record};
use crate::stats::metg::{Metg, SweepPoint};
use crate::stats::{Interval, Ratio};

/// The probability that an interval of a report does not contain the true value is at most this.
pub(crate) const ALPHA: f64 = 0.05;

/// The backend that runs all tasks on one thread. Its result is correct by definition, and its time is the work without
/// scheduling.
pub(crate) const SERIAL: &str = "serial";

/// The backend that shows the practical limit: it assigns tasks to workers before the clock starts.
pub(crate) const LIMIT: &str = "static";

/// The family of [`LIMIT`] in a report: it has threads, but schedules nothing.
pub(crate) const LIMIT_FAMILY: &str = "limit";

/// A whole report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// Where and when it was measured; `None` without records.
    pub heading: Option<Heading>,
    /// One group per workload and variant. Waiting, hashing and sharing a counter come first, and all are sorted by name.
    pub groups: Vec<Group>,
    /// Sweeps over task sizes, sorted by name.
    pub sweeps: Vec<Sweep>,
    /// Claims of textbooks, in the order of their numbers.
    pub claims: Vec<JudgedClaim>,
    /// How busy the cores were, over the whole run.
    pub load: LoadMap,
    /// The traced runs; empty if nothing was traced. [`timelines`](super::timelines()) reads them.
    pub timelines: Vec<PageTimeline>,
    /// The names of all backends, sorted. The position of a backend in this list determines its colour in every
    /// picture.
    pub backends: Vec<String>,
    /// The records that it was made from, in their order, for what needs each sample.
    pub records: Vec<Record>,
}

/// A workload with one set of parameters, and its outcome on each backend.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// The name of the workload.
    pub workload: String,
    /// The swept parameters, as `key=value` joined by commas; empty if nothing is swept.
    pub variant: String,
    /// A name for files and anchors: lower-case letters, digits and hyphens, unique within the report.
    pub slug: String,
    /// What the workload is for, in its own words; empty if the records do not say.
    pub why: String,
    /// All parameters, one entry per table of the workload file, such as `pattern stencil-1d, width 64, steps 1000`.
    pub parameters: Vec<String>,
    /// The size of the graph; `None` if no case got far enough to build it.
    pub graph: Option<GraphSize>,
    /// The types of the file systems that hold the files of its tasks, each once; empty if they have no files.
    pub file_systems: Vec<String>,
    /// Which time of a run the times are: the one that the workload is ranked by.
    pub ranked_by: Channel,
    /// One row per case: first the measured cases, by rank and then by median, with the practical limit where its median
    /// belongs, then the failed cases, by name.
    pub rows: Vec<Row>,
}

/// One case of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// The case that it shows, by its name on the command line.
    pub case: String,
    /// The language of the program that ran the tasks, such as `rust`.
    pub language: String,
    /// The name of the backend.
    pub backend: String,
    /// The name of the backend, with its options if the group has the backend with several options.
    pub label: String,
    /// The number of workers.
    pub workers: u32,
    /// The kind of backend, in words: the family that it says it is of, after the language unless that is Rust, such as
    /// `threads` or `python threads`; [`LIMIT_FAMILY`] for the practical limit.
    pub family: String,
    /// Whether this is the backend that shows the practical limit.
    pub is_limit: bool,
    /// The outcome of the case.
    pub outcome: RowOutcome,
}

/// The outcome of a case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RowOutcome {
    /// It has valid samples.
    Measured(Box<Measured>),
    /// It failed. It has no rank and enters no statistic.
    Failed(CaseError),
}

/// The results of a measured case. Times are in nanoseconds and for one run of the graph.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    /// The rank, from 1. All cases that are tied with the best have rank 1; after three of them, the next rank is 4.
    /// `None` for the practical limit, which no user could choose.
    pub rank: Option<usize>,
    /// Whether it shares rank 1 with other cases: their intervals overlap, so the data cannot tell them apart.
    pub is_tied: bool,
    /// The valid samples, in the order in which they were taken: the time of a run in nanoseconds, wall time, or CPU
    /// time if the group is ranked by it. At least one.
    pub times_ns: Vec<f64>,
    /// The median wall time, or CPU time if the group is ranked by it.
    pub median_ns: f64,
    /// The exact 95% interval of that median; `None` with fewer than six samples.
    pub interval: Option<Interval>,
    /// The median as a multiple of the best median of the group, not counting the practical limit; `None` if that is
    /// zero.
    pub ratio: Option<Ratio>,
    /// CPU time ÷ (wall time × workers): the median over all samples, or over whole slices together if the samples have
    /// no CPU time. `None` if neither is known, or if no time passed.
    pub utilisation: Option<f64>,
    /// The CPU time of a run for each worker; `None` if it is not known.
    pub worker_cpu: Option<WorkerCpu>,
    /// Median ÷ tasks; `None` if the size of the graph is not known.
    pub task_ns: Option<f64>,
    /// (median × workers - the serial median) ÷ tasks: the worker time that each task costs in addition to its work, as a
    /// plain loop of the same language does it. `None` without such a loop in the group. Negative if many tasks wait on one worker at the same time.
    pub overhead_ns: Option<f64>,
    /// The median of the same backend and options with one worker ÷ this median; `None` without that case.
    pub speed_up: Option<f64>,
    /// The time that the workers took to start, in nanoseconds. No other time includes it. `None` if it is not known.
    pub start_ns: Option<u64>,
    /// Peak resident memory in bytes; `None` if it is not known.
    pub peak_memory_bytes: Option<u64>,
    /// How close it came to the best possible schedule; `None` if the durations of the tasks are not known.
    pub schedule: Option<Schedule>,
    /// CPU time of everything else on the machine ÷ (wall time × cores), over all samples for which it is known; `None`
    /// if there are none.
    pub foreign_ratio: Option<f64>,
    /// Whether `utilisation` comes from CPU time over whole slices, which contains what the child did between its
    /// samples.
    pub has_slice_cpu: bool,
    /// Which samples differ from the rest, if the samples are not steady.
    pub not_steady: Option<String>,
    /// What the kernel observed that is not a failure, such as lost updates: key and sum over all samples.
    pub findings: BTreeMap<String, u64>,
    /// What the tasks timed themselves, sorted by name; empty if they timed nothing.
    pub latencies: Vec<Latency>,
    /// What was wrong with the end of the case's processes, one sentence each.
    pub remarks: Vec<String>,
}

/// A workload with a swept task size and one number of workers, on each backend.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sweep {
    /// The name of the workload.
    pub workload: String,
    /// The swept parameters except the size, as `key=value` joined by commas; empty if there are none.
    pub variant: String,
    /// The number of workers.
    pub workers: u32,
    /// A name for files and anchors, unique within the report.
    pub slug: String,
    /// All parameters except the size, one entry per table of the workload file.
    pub parameters: Vec<String>,
    /// The parameter that sets the size of a task.
    pub size_parameter: String,
    /// The target efficiency, from 0 to 1.
    pub target: f64,
    /// One curve per backend: those with the smallest METG first, then those without a crossing.
    pub curves: Vec<Curve>,
}

/// The efficiency of one backend over all task sizes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve {
    /// The name of the backend.
    pub backend: String,
    /// The name of the backend, with its options if the sweep has the backend with several options.
    pub label: String,
    /// Whether this is the backend that shows the practical limit.
    pub is_limit: bool,
    /// The medians over all rounds, sorted by size.
    pub points: Vec<SweepPoint>,
    /// The number of rounds. Each round measures every size once.
    pub round_count: usize,
    /// The number of samples in which two workers were seen on one core although each could have had its own.
    pub shared_core_count: usize,
    /// The number of sizes that were omitted because their tasks are too short to measure.
    pub left_out_count: usize,
    /// The number of sizes that failed.
    pub failed_count: usize,
    /// The minimum effective task granularity; `None` if no size was measured.
    pub metg: Option<Metg>,
    /// What is known of its ranks; `None` if it has none.
    pub ranks: Option<RankFacts>,
    /// CPU time ÷ (wall time × workers) at the smallest size that reaches the target, or else at the largest size; `None`
    /// if the CPU time is not known.
    pub utilisation: Option<f64>,
}

impl Report {
    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.sweeps.is_empty() && self.claims.is_empty()
    }
}

impl Group {
    /// The name of the workload and the swept parameters.
    pub(crate) fn name(&self) -> String {
        match self.variant.as_str() {
            "" => self.workload.clone(),
            variant => format!("{} · {}", self.workload, variant.replace(',', ", ")),
        }
    }

    /// The name of the workload and the swept parameters, and what the times are if they are not wall times.
    pub(crate) fn title(&self) -> String {
        let mut title = self.name();
        if self.ranked_by != Channel::Wall {
            title += &format!(" · {} of a run", self.ranked_by.words());
        }
        title
    }

    /// Whether the durations of the tasks are known, so that there is a best possible schedule.
    pub(crate) fn has_bounds(&self) -> bool {
        self.measured()
            .any(|(_, measured)| measured.schedule.is_some())
    }

    /// Whether the CPU time of each worker is known.
    pub(crate) fn has_worker_cpu(&self) -> bool {
        self.measured()
            .any(|(_, measured)| measured.worker_cpu.is_some())
    }

    /// The latencies of all rows: those of one name together, and each name in the order of [`Group::rows`].
    pub(crate) fn latencies(&self) -> Vec<(&Row, &Latency)> {
        let rows = self.measured();
        let all =
            rows.flat_map(|(row, measured)| measured.latencies.iter().map(move |one| (row, one)));
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(_, latency)| &latency.name);
        all
    }

    /// The rows that were measured, in the order of [`Group::rows`].
    pub(crate) fn measured(&self) -> impl Iterator<Item = (&Row, &Measured)> {
        self.rows.iter().filter_map(|row| match &row.outcome {
            RowOutcome::Measured(measured) => Some((row, measured.as_ref())),
            RowOutcome::Failed(_) => None,
        })
    }
}

impl Sweep {
    /// The name of the workload, the other swept parameters, and the number of workers.
    pub(crate) fn title(&self) -> String {
        let workers = match self.workers {
            1 => "1 worker".into(),
            count => format!("{count} workers"),
        };
        let variant = match self.variant.as_str() {
            "" => String::new(),
            variant => format!(" · {}", variant.replace(',', ", ")),
        };
        format!("{}{variant} · {workers}", self.workload)
    }
}
