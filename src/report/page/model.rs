//! What the page of a report shows, as plain data: the JSON that is embedded in it once, and that every view reads.
//!
//! All statistics are computed here, in Rust: the scripts of the page only filter, sort, scale and draw. Times are whole
//! nanoseconds, `_ratio` is a fraction or a multiple, and `null` stands for what is not known.

use std::collections::BTreeMap;

use serde::Serialize;

use super::claims::PageClaim;
use super::cost::PageCost;
use super::ranks::PageRanks;
use super::runtimes::PageRuntime;
use super::scaling::PageCurve;
use super::sweeps::PageSweep;
use super::tail::PageTail;
use super::verdicts::{PageComparison, PageHistory};
use crate::report::timelines::PageTimeline;

/// The version of the data, for scripts that read a page.
pub(super) const PAGE_VERSION: u32 = 1;

/// Everything that a page shows.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Page {
    /// [`PAGE_VERSION`] of the program that wrote it.
    pub page_version: u32,
    /// The title of the document.
    pub title: String,
    /// Where and when it was measured; null without records.
    pub heading: Option<PageHeading>,
    /// The columns of the first view, in their order.
    pub families: Vec<PageFamily>,
    /// The backends, sorted by name. The position determines the colour.
    pub backends: Vec<PageBackend>,
    /// The sentence that closes each view. A view without one has no data, and no section.
    pub questions: BTreeMap<&'static str, Closing>,
    /// One entry per workload and variant.
    pub groups: Vec<PageGroup>,
    /// Sweeps over task sizes.
    pub sweeps: Vec<PageSweep>,
    /// The METG over numbers of ranks, and a model of messages.
    pub ranks: Vec<PageRanks>,
    /// What other programs said of themselves.
    pub runtimes: Vec<PageRuntime>,
    /// The load of each core; null if no case has any.
    pub load: Option<PageLoad>,
    /// The claims of textbooks.
    pub claims: Vec<PageClaim>,
    /// A comparison of two builds, for a report on the output of `gate` or `compare`.
    pub comparison: Option<PageComparison>,
    /// The changes over many sessions, for a report on the output of `history`.
    pub history: Option<PageHistory>,
    /// Cases that ran and failed.
    pub failures: Vec<PageFailure>,
    /// Cases that did not begin to run.
    pub skipped: Vec<PageFailure>,
    /// Why cases that were asked for could not run, and how many there are for each reason.
    pub not_applicable: BTreeMap<String, u64>,
    /// What each worker did in one traced run of a case.
    pub timelines: Vec<PageTimeline>,
    /// The words that the page uses.
    pub glossary: Vec<GlossaryEntry>,
}

/// The sentence that closes a view.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Closing {
    /// The sentence.
    pub closing: String,
}

/// Where and when it was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageHeading {
    /// The version of taskdyno.
    pub taskdyno: String,
    /// The model name of the processor.
    pub processor: String,
    /// Cores, memory, kernel and compiler.
    pub machine: String,
    /// The number of cores.
    pub core_count: u32,
    /// When the first case began.
    pub started: String,
    /// The short hash of the commit.
    pub commit: Option<String>,
    /// Whether files of that commit were changed.
    pub commit_is_dirty: bool,
    /// The number of cases.
    pub case_count: usize,
    /// How many of them failed.
    pub failed_count: usize,
    /// The load average when the run began.
    pub load_average: f64,
    /// The frequency governor.
    pub governor: Option<String>,
    /// What made the machine unfit for measuring.
    pub warnings: Vec<String>,
    /// What `doctor` found when the run began.
    pub findings: Vec<String>,
}

/// A column of the first view: a family of backends, the backends of a foreign language, or the practical limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PageFamily {
    /// Its key in cells and rows.
    pub key: String,
    /// Its heading.
    pub title: String,
    /// What it is.
    pub why: String,
}

/// A backend.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageBackend {
    /// Its name.
    pub name: String,
    /// The key of its column.
    pub family: String,
    /// The language of the program that ran the tasks.
    pub language: String,
    /// Whether it shows the practical limit.
    pub is_limit: bool,
    /// What it is, in its own words.
    pub why: Option<String>,
}

/// A workload with one set of parameters.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageGroup {
    /// A name for anchors, unique on the page.
    pub slug: String,
    /// The name of the workload.
    pub workload: String,
    /// The swept parameters.
    pub variant: String,
    /// Both, and what the times are if they are not wall times.
    pub title: String,
    /// What the workload is for.
    pub why: String,
    /// All parameters, one entry per table of the workload file.
    pub parameters: Vec<String>,
    /// The number of tasks.
    pub task_count: Option<u64>,
    /// The number of dependences.
    pub edge_count: Option<u64>,
    /// Where the files of the tasks are.
    pub files: Option<String>,
    /// Which time of a run the times are: `wall` or `cpu`.
    pub ranked_by: &'static str,
    /// The same in words.
    pub time_words: &'static str,
    /// The best case of each family.
    pub cells: Vec<PageCell>,
    /// Which case is the fastest, in one sentence.
    pub closing: String,
    /// A sentence for each other view that has data of this workload.
    pub closings: BTreeMap<&'static str, String>,
    /// All cases.
    pub rows: Vec<PageRow>,
    /// The speed-up of each backend over its numbers of workers.
    pub scaling: Vec<PageCurve>,
    /// The median of the fastest plain loop of this program.
    pub serial_ns: Option<u64>,
}

/// The best case of a family on a workload.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageCell {
    /// The key of the column.
    pub family: String,
    /// The row that it shows; null if all cases of the family failed.
    pub row: Option<String>,
    /// The name of the backend, with options if needed.
    pub label: String,
    /// The number of workers.
    pub workers: u32,
    /// The median time of a run.
    pub median_ns: Option<u64>,
    /// The median as a multiple of the best one. The practical limit can be below 1.
    pub ratio: Option<f64>,
    /// The 95% interval of the ratio.
    pub ratio_low: Option<f64>,
    /// See `ratio_low`.
    pub ratio_high: Option<f64>,
    /// Whether it is the best of all families.
    pub is_best: bool,
    /// Whether its interval overlaps that of the best, so that the data cannot tell them apart.
    pub is_tied: bool,
    /// Whether it is the practical limit, which never wins.
    pub is_limit: bool,
    /// Why there is no median.
    pub failure: Option<String>,
}

/// A case. If it failed, all its figures are null or empty.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct PageRow {
    /// A name for anchors, unique on the page.
    pub id: String,
    /// The position of its backend in [`Page::backends`].
    pub backend: usize,
    /// The name of the backend, with options if needed.
    pub label: String,
    /// The number of workers.
    pub workers: u32,
    /// The key of its column.
    pub family: String,
    /// The language of the program that ran the tasks.
    pub language: String,
    /// Whether it shows the practical limit.
    pub is_limit: bool,
    /// Whether it is the plain loop of its language.
    pub is_serial: bool,
    /// Its name on the command line.
    pub case: String,
    /// Why it failed.
    pub error: Option<PageError>,
    /// The rank among all but the practical limit, which has none.
    pub rank: Option<usize>,
    /// Whether it shares rank 1.
    pub is_tied: bool,
    /// The number of valid samples.
    pub sample_count: usize,
    /// The median time of a run.
    pub median_ns: Option<u64>,
    /// Its 95% interval.
    pub low_ns: Option<u64>,
    /// See `low_ns`.
    pub high_ns: Option<u64>,
    /// The median as a multiple of the best one.
    pub ratio: Option<f64>,
    /// Its 95% interval.
    pub ratio_low: Option<f64>,
    /// See `ratio_low`.
    pub ratio_high: Option<f64>,
    /// The time of one run in each sample, in the order in which they were taken.
    pub samples_ns: Vec<u64>,
    /// What everything else took of the machine in each sample, in thousandths; null if no sample has a figure.
    pub foreign_permille: Option<Vec<Option<u32>>>,
    /// The samples in which a worker died, which are in no statistic.
    pub degraded: Vec<usize>,
    /// The samples with which a new process begins, apart from the first.
    pub invocation_starts: Vec<usize>,
    /// The time from the beginning of the run to the beginning of the case.
    pub since_run_start_ns: u64,
    /// The position in the random order of the cases.
    pub order_index: u64,
    /// CPU time ÷ (wall time × workers).
    pub utilisation_ratio: Option<f64>,
    /// Median ÷ tasks.
    pub task_ns: Option<f64>,
    /// What each task costs in addition to its work.
    pub overhead_ns: Option<f64>,
    /// The time that the workers took to start.
    pub start_ns: Option<u64>,
    /// The median of the plain loop of the same language ÷ the median.
    pub speed_up: Option<f64>,
    /// Its 95% interval.
    pub speed_up_low: Option<f64>,
    /// See `speed_up_low`.
    pub speed_up_high: Option<f64>,
    /// The speed-up ÷ the number of workers.
    pub efficiency_ratio: Option<f64>,
    /// How close it came to the best possible schedule.
    pub schedule: Option<PageSchedule>,
    /// What it costs.
    pub cost: PageCost,
    /// The times of runs, and what the tasks timed themselves, as percentiles.
    pub tails: Vec<PageTail>,
    /// What everything else took of the machine.
    pub foreign_ratio: Option<f64>,
    /// Whether that is enough to doubt the times.
    pub is_disturbed: bool,
    /// Which samples differ from the rest.
    pub not_steady: Option<String>,
    /// Whether its results were verified: `verified` or `none`.
    pub digest: &'static str,
    /// The same in words.
    pub digest_text: String,
    /// What readers must know besides.
    pub notes: Vec<String>,
}

/// Why a case failed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageError {
    /// The kind of error.
    pub kind: String,
    /// What happened.
    pub message: String,
}

/// The parts of a median: bound, schedule loss and overhead.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageSchedule {
    /// The best possible time as far as it is known.
    pub best_ns: u64,
    /// Whether that is a certified optimum.
    pub is_certified: bool,
    /// The best possible time ÷ the median.
    pub closeness_ratio: f64,
    /// The lower bound.
    pub bound_ns: u64,
    /// How much longer a greedy schedule takes.
    pub loss_ns: Option<f64>,
    /// The rest of the median.
    pub overhead_ns: Option<f64>,
    /// The duration of tasks that run beside others ÷ that of the same tasks alone.
    pub inflation_ratio: Option<f64>,
}

/// How busy each core was. Times are from the beginning of the run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageLoad {
    /// The number of cores whose load is known.
    pub core_count: usize,
    /// The end of the last stretch.
    pub end_ns: u64,
    /// Stretches of time: start, length, and the busy share of each core in thousandths. Without shares, the load is not
    /// known.
    pub stretches: Vec<(u64, u64, Vec<u32>)>,
    /// The cases, in the order in which they ran.
    pub cases: Vec<PageSpan>,
}

/// The time in which a case took its samples.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageSpan {
    /// The first sample.
    pub start_ns: u64,
    /// The last sample.
    pub end_ns: u64,
    /// The row of the case; null for cases of sweeps and claims.
    pub row: Option<String>,
    /// The case, by its name on the command line.
    pub name: String,
    /// What everything else took of the machine.
    pub foreign_ratio: Option<f64>,
    /// Whether that is enough to doubt the times.
    pub is_disturbed: bool,
}

/// A case without figures.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageFailure {
    /// Its row.
    pub row: String,
    /// The workload and the case, in words.
    pub name: String,
    /// The kind of error.
    pub kind: String,
    /// What happened.
    pub message: String,
}

/// A word of the page, and its meaning.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct GlossaryEntry {
    /// The word.
    pub term: String,
    /// What it means.
    pub text: String,
}
