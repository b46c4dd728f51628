//! The view model: everything a report says, computed from records and not yet worded or drawn.

use std::collections::BTreeMap;

use super::heading::Heading;
use super::load::LoadMap;
use super::schedule::Schedule;
use crate::record::{CaseError, GraphSize};
use crate::stats::metg::{Metg, SweepPoint};
use crate::stats::{Interval, Ratio};

/// Every interval of a report misses the true median at most this often.
pub(crate) const ALPHA: f64 = 0.05;

/// The backend whose result is right by definition, and whose time is the work without scheduling.
pub(crate) const SERIAL: &str = "serial";

/// The backend that shows the practical limit: a fixed partition, decided before the clock starts.
pub(crate) const LIMIT: &str = "static";

/// A whole report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// Where and when it was measured; `None` without records.
    pub heading: Option<Heading>,
    /// One group a workload and variant, by name.
    pub groups: Vec<Group>,
    /// Sweeps over task sizes, by name.
    pub sweeps: Vec<Sweep>,
    /// How busy the cores were, over the whole run.
    pub load: LoadMap,
    /// The names of all backends, sorted: a backend's place here decides its colour in every picture.
    pub backends: Vec<String>,
}

/// A workload with one set of parameters, and what became of it on each backend.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// The name of the workload.
    pub workload: String,
    /// The swept parameters, as `key=value` joined by commas; empty if nothing is swept.
    pub variant: String,
    /// A name for files and anchors: lower-case letters, digits and hyphens, and no other group's.
    pub slug: String,
    /// All parameters, as `pattern stencil-1d, width 64, steps 1000`, one entry a table.
    pub parameters: Vec<String>,
    /// The size of its graph; `None` if no case got so far.
    pub graph: Option<GraphSize>,
    /// One row a case: the measured ones from fastest to slowest, then those that failed, by name.
    pub rows: Vec<Row>,
}

/// One case of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// The name of the backend.
    pub backend: String,
    /// The name of the backend, with its options where the group has it with several.
    pub label: String,
    /// How many tasks might run at once.
    pub workers: u32,
    /// Whether this is the backend that shows the practical limit.
    pub is_limit: bool,
    /// What became of it.
    pub outcome: RowOutcome,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RowOutcome {
    /// It has samples that count.
    Measured(Box<Measured>),
    /// It failed: it has no place in the ranking and enters no statistic.
    Failed(CaseError),
}

/// The figures of a measured case. Times are in nanoseconds and for one run of the graph.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    /// Its place, from 1. All that are tied with the best are first; the next after three of them is fourth.
    pub rank: usize,
    /// Whether its interval overlaps that of another in first place, so that the data cannot tell them apart.
    pub is_tied: bool,
    /// How many samples there are.
    pub sample_count: usize,
    /// The median of wall time.
    pub median_ns: f64,
    /// The exact 95% interval of that median; `None` with fewer than six samples.
    pub interval: Option<Interval>,
    /// The median as a multiple of the best median of the group; `None` if that is zero.
    pub ratio: Option<Ratio>,
    /// CPU time ÷ (wall time × workers), the median over all samples; `None` if no time passed.
    pub utilisation: Option<f64>,
    /// Median ÷ tasks; `None` where the size of the graph is not known.
    pub task_ns: Option<f64>,
    /// (median × workers - the serial median) ÷ tasks: the time of workers that a task costs beyond its work.
    /// `None` without a serial case in the group. Negative where workers do not need a core each, as when
    /// tasks wait and many of them wait at once on one worker.
    pub overhead_ns: Option<f64>,
    /// The median of the same backend and options with one worker ÷ this median; `None` without that case.
    pub speed_up: Option<f64>,
    /// How long the workers took to start. Not part of any other time.
    pub start_ns: Option<u64>,
    /// Peak resident memory.
    pub peak_memory_bytes: Option<u64>,
    /// How close it came to the best possible schedule; `None` where the durations of tasks are not known.
    pub schedule: Option<Schedule>,
    /// CPU time of everything else on the machine ÷ (wall time × cores), over all samples that know it.
    pub foreign_ratio: Option<f64>,
    /// What the runs brought to light that is no failure.
    pub findings: BTreeMap<String, u64>,
}

/// A workload whose task size was swept, with one number of workers, on each backend.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sweep {
    /// The name of the workload.
    pub workload: String,
    /// The swept parameters but for the size, as `key=value` joined by commas; empty if there are none.
    pub variant: String,
    /// How many tasks might run at once.
    pub workers: u32,
    /// A name for files and anchors: no other sweep's, nor a group's.
    pub slug: String,
    /// All parameters but the size, one entry a table.
    pub parameters: Vec<String>,
    /// The parameter that says how large a task is.
    pub size_parameter: String,
    /// The efficiency that was looked for.
    pub target: f64,
    /// One a backend: those with the finest tasks first, then those without a crossing.
    pub curves: Vec<Curve>,
}

/// A backend over all sizes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve {
    /// The name of the backend.
    pub backend: String,
    /// The name of the backend, with its options where the sweep has it with several.
    pub label: String,
    /// Whether this is the backend that shows the practical limit.
    pub is_limit: bool,
    /// The medians over all rounds, by size.
    pub points: Vec<SweepPoint>,
    /// How often the sizes were gone through.
    pub round_count: usize,
    /// Samples in which two workers were seen on one core though there was one for each.
    pub shared_core_count: usize,
    /// How many points were too fine to be told.
    pub left_out_count: usize,
    /// How many sizes failed.
    pub failed_count: usize,
    /// The minimum effective task granularity; `None` if no size was measured.
    pub metg: Option<Metg>,
}

impl Report {
    /// Every case that failed, with its group.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (&Group, &Row, &CaseError)> {
        self.groups.iter().flat_map(|group| {
            let rows = group.rows.iter();
            rows.filter_map(move |row| match &row.outcome {
                RowOutcome::Failed(error) => Some((group, row, error)),
                RowOutcome::Measured(_) => None,
            })
        })
    }
}

impl Group {
    /// The name of the workload, and what was swept.
    pub(crate) fn title(&self) -> String {
        if self.variant.is_empty() {
            return self.workload.clone();
        }
        format!("{} · {}", self.workload, self.variant.replace(',', ", "))
    }

    /// Whether the durations of the tasks are known, so that there is a best possible schedule.
    pub(crate) fn has_bounds(&self) -> bool {
        self.measured()
            .any(|(_, measured)| measured.schedule.is_some())
    }

    /// The rows that were measured, from fastest to slowest.
    pub(crate) fn measured(&self) -> impl Iterator<Item = (&Row, &Measured)> {
        self.rows.iter().filter_map(|row| match &row.outcome {
            RowOutcome::Measured(measured) => Some((row, measured.as_ref())),
            RowOutcome::Failed(_) => None,
        })
    }
}

impl Sweep {
    /// The name of the workload, what was swept, and the number of workers.
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
