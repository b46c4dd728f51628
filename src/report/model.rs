//! The view model: everything a report says, computed from records and not yet worded or drawn.

use std::collections::{BTreeMap, BTreeSet};

use super::efficiency::{Sweep, sweeps};
use super::group::group;
use super::heading::Heading;
use super::load::LoadMap;
use super::schedule::Schedule;
use crate::record::{CaseError, GraphSize, MixedError, Record, refuse_mixed, slug};
use crate::stats::{Interval, Ratio};

/// Every interval of a report misses the true median at most this often.
pub const ALPHA: f64 = 0.05;

/// The backend whose result is right by definition, and whose time is the work without scheduling.
pub const SERIAL: &str = "serial";

/// The backend that shows the practical limit: a fixed partition, decided before the clock starts.
pub const LIMIT: &str = "static";

/// A whole report.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
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
pub struct Group {
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
pub struct Row {
    /// The name of the backend.
    pub backend: String,
    /// The name of the backend, with its options where the group has it with several.
    pub label: String,
    /// How many tasks might run at once.
    pub workers: u32,
    /// Whether this is the backend that shows the practical limit.
    pub is_limit: bool,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It has samples that count.
    Measured(Box<Measured>),
    /// It failed: it has no place in the ranking and enters no statistic.
    Failed(CaseError),
}

/// The figures of a measured case. Times are in nanoseconds and for one run of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
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

impl Report {
    /// The report of these records.
    ///
    /// # Errors
    ///
    /// When two records do not belong in one report (see [`refuse_mixed`]).
    pub fn new(records: &[Record]) -> Result<Self, MixedError> {
        let places = (1..).map(|number| format!("record {number}"));
        refuse_mixed(places.zip(records))?;
        let mut by_name: BTreeMap<_, Vec<&Record>> = BTreeMap::new();
        for record in records.iter().filter(|record| record.peak.is_none()) {
            let key = (
                natural(&record.case.workload),
                natural(&record.case.variant),
            );
            by_name.entry(key).or_default().push(record);
        }
        let mut groups: Vec<Group> = by_name.values().map(|records| group(records)).collect();
        let swept: Vec<&Record> = records.iter().filter(|one| one.peak.is_some()).collect();
        let mut sweeps = sweeps(&swept);
        name_files(&mut groups, &mut sweeps);
        let backends: BTreeSet<&String> =
            records.iter().map(|record| &record.case.backend).collect();
        Ok(Self {
            heading: Heading::new(records),
            groups,
            sweeps,
            load: LoadMap::new(records),
            backends: backends.into_iter().cloned().collect(),
        })
    }

    /// Every case that failed, with its group.
    pub fn failures(&self) -> impl Iterator<Item = (&Group, &Row, &CaseError)> {
        self.groups.iter().flat_map(|group| {
            let rows = group.rows.iter();
            rows.filter_map(move |row| match &row.outcome {
                Outcome::Failed(error) => Some((group, row, error)),
                Outcome::Measured(_) => None,
            })
        })
    }
}

impl Group {
    /// The name of the workload, and what was swept.
    pub fn title(&self) -> String {
        if self.variant.is_empty() {
            return self.workload.clone();
        }
        format!("{} · {}", self.workload, self.variant.replace(',', ", "))
    }

    /// Whether the durations of the tasks are known, so that there is a best possible schedule.
    pub fn has_bounds(&self) -> bool {
        self.measured()
            .any(|(_, measured)| measured.schedule.is_some())
    }

    /// The rows that were measured, from fastest to slowest.
    pub fn measured(&self) -> impl Iterator<Item = (&Row, &Measured)> {
        self.rows.iter().filter_map(|row| match &row.outcome {
            Outcome::Measured(measured) => Some((row, measured.as_ref())),
            Outcome::Failed(_) => None,
        })
    }
}

/// Gives each group and each sweep a slug of its own.
fn name_files(groups: &mut [Group], sweeps: &mut [Sweep]) {
    let mut taken = BTreeSet::new();
    let mut name = |text: &str| {
        let base = match slug(text) {
            empty if empty.is_empty() => "group".into(),
            slug => slug,
        };
        let mut candidate = base.clone();
        let mut number = 2;
        while !taken.insert(candidate.clone()) {
            candidate = format!("{base}-{number}");
            number += 1;
        }
        candidate
    };
    for group in groups {
        group.slug = name(&format!("{} {}", group.workload, group.variant));
    }
    for sweep in sweeps {
        sweep.slug = name(&format!(
            "{} {} {} metg",
            sweep.workload, sweep.variant, sweep.workers
        ));
    }
}

/// A key that sorts `width=8` before `width=64`: text and numbers in turn. The name itself comes last, so
/// that only equal names have equal keys.
fn natural(name: &str) -> (Vec<(String, u64)>, String) {
    let mut parts = vec![(String::new(), 0u64)];
    let mut was_digit = false;
    for c in name.chars() {
        let digit = c.to_digit(10);
        if digit.is_none() && was_digit {
            parts.push((String::new(), 0));
        }
        let last = parts.len() - 1;
        match digit {
            Some(digit) => {
                parts[last].1 = parts[last]
                    .1
                    .saturating_mul(10)
                    .saturating_add(u64::from(digit))
            }
            None => parts[last].0.push(c),
        }
        was_digit = digit.is_some();
    }
    (parts, name.into())
}
