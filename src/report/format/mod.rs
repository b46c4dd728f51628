//! Formats of other tools, one file each and one line in [`FORMATS`]: what `export` writes.

use crate::compare::{Comparison, Judgement};
use crate::record::{Record, Sample};
use crate::stats::{Interval, median, median_interval};

mod bencher;
mod csv;
mod github;
mod junit;
mod markdown;
mod openmetrics;

pub(super) use csv::row;

/// All formats.
pub(crate) const FORMATS: &[&dyn Format] = &[
    MARKDOWN,
    &junit::Junit,
    &bencher::Bencher,
    &github::GithubActionBenchmark,
    &openmetrics::OpenMetrics,
    &csv::Csv,
];

/// What a pull request shows.
pub(crate) const MARKDOWN: &dyn Format = &markdown::Markdown;

/// A text format for records or comparisons.
pub(crate) trait Format: Sync {
    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// What reads it, in one line.
    fn why(&self) -> &'static str;

    /// These comparisons; one a baseline that the same head is compared with.
    fn comparisons(&self, comparisons: &[Comparison]) -> String;

    /// These records; `None` for a format of verdicts, which records have none of.
    fn records(&self, records: &[Record]) -> Option<String>;
}

/// The format of this name; `None` if there is none.
pub(crate) fn format(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// The level of the intervals of a record's medians: 95%, as in a report.
const ALPHA: f64 = 0.05;

/// A figure of a record.
struct Figure {
    /// Its name in other tools: lower-case words joined by hyphens.
    name: &'static str,
    /// Its unit, in the words of OpenMetrics.
    unit: &'static str,
    /// What it is, in a sentence.
    help: &'static str,
    value: f64,
    /// The exact interval of the median; `None` with too few samples, or where there is only one value.
    interval: Option<Interval>,
}

/// The figures of a record that did not fail; none of one that did. Times are for one run, in nanoseconds.
fn figures(record: &Record) -> Vec<Figure> {
    let samples: Vec<_> = record
        .samples
        .iter()
        .filter(|sample| !sample.is_degraded)
        .collect();
    let of_each = |time: fn(&Sample) -> f64| -> Vec<f64> {
        samples.iter().map(|sample| time(sample)).collect()
    };
    let walls = of_each(Sample::run_wall_ns);
    let cpus = of_each(Sample::run_cpu_ns);
    let of_median = |name, help, values: &[f64]| {
        Some(Figure {
            name,
            unit: "ns",
            help,
            value: median(values)?,
            interval: median_interval(values, ALPHA),
        })
    };
    let wall = of_median("wall-time", "Median wall clock of one run.", &walls);
    let Some(wall) = wall.filter(|_| record.error.is_none()) else {
        return Vec::new();
    };
    let cpu = of_median(
        "cpu-time",
        "Median CPU time of one run, over all workers.",
        &cpus,
    );
    let memory = record.peak_memory_bytes.map(|bytes| Figure {
        name: "peak-memory",
        unit: "bytes",
        help: "Peak resident memory of the case.",
        value: bytes as f64,
        interval: None,
    });
    [Some(wall), cpu, memory].into_iter().flatten().collect()
}

/// The judged channels of every case: the comparison, the id of the case, and `wall` or `cpu`.
fn channels(
    comparisons: &[Comparison],
) -> impl Iterator<Item = (&Comparison, String, &'static str, &Judgement)> {
    comparisons.iter().flat_map(|comparison| {
        comparison.cases.iter().flat_map(move |case| {
            let both = [("wall", &case.wall), ("cpu", &case.cpu)];
            both.into_iter().filter_map(move |(channel, judgement)| {
                Some((comparison, case.case.id(), channel, judgement.as_ref()?))
            })
        })
    })
}

#[cfg(test)]
mod tests;
