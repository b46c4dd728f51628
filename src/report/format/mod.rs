//! Formats of other tools, as `export` writes them: one file per format, and one line per format in [`FORMATS`].

use crate::compare::{ComparedCase, Comparison, Judgement};
use crate::record::{Channel, Record};
use crate::report::latency::{Latency, PERCENTILES};
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

/// Markdown, as shown in a pull request.
pub(crate) const MARKDOWN: &dyn Format = &markdown::Markdown;

/// A text format for records or comparisons.
pub(crate) trait Format: Sync {
    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// What reads the format, in one line.
    fn why(&self) -> &'static str;

    /// Renders these comparisons: one per baseline, all with the same head.
    fn comparisons(&self, comparisons: &[Comparison]) -> String;

    /// Renders these records; `None` for a format that only holds verdicts, because records have no verdicts.
    fn records(&self, records: &[Record]) -> Option<String>;
}

/// The format of this name; `None` if there is none.
pub(crate) fn format(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// The intervals of the medians of a record have a level of 95%, as in a report.
const ALPHA: f64 = 0.05;

/// A value of a record.
struct Figure {
    /// Its name in other tools: lower-case words joined by hyphens.
    name: &'static str,
    /// Its unit: `ns` or `bytes`.
    unit: &'static str,
    /// What it means, in one sentence.
    help: &'static str,
    value: f64,
    /// The exact interval of the median; `None` if there are too few samples, or if the value is not a median.
    interval: Option<Interval>,
}

/// The values of a record; empty if the case failed. Times are for one run, in nanoseconds.
fn figures(record: &Record) -> Vec<Figure> {
    let samples: Vec<_> = record
        .samples
        .iter()
        .filter(|sample| !sample.is_degraded)
        .collect();
    let walls: Vec<f64> = samples.iter().map(|sample| sample.run_wall_ns()).collect();
    let cpus: Vec<f64> = samples
        .iter()
        .filter_map(|sample| sample.run_cpu_ns())
        .collect();
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
    let slice_cpu = record.slice_cpu_ns_per_run().map(|value| Figure {
        name: "cpu-time",
        unit: "ns",
        help: "Mean CPU time of one run over whole slices, over all processes of the case.",
        value,
        interval: None,
    });
    let memory = record.peak_memory_bytes.map(|bytes| Figure {
        name: "peak-memory",
        unit: "bytes",
        help: "Peak resident memory of the case.",
        value: bytes as f64,
        interval: None,
    });
    [Some(wall), cpu.or(slice_cpu), memory]
        .into_iter()
        .flatten()
        .collect()
}

/// The percentiles of the latencies of a record, and the largest of each: its name, such as `hand-over-p99`, the value in
/// nanoseconds, and the number of latencies. Percentiles with too few latencies are left out; all are if the case failed.
fn latency_figures(record: &Record) -> Vec<(String, u64, u64)> {
    let latencies = Latency::all(record).into_iter();
    let all = latencies
        .filter(|_| record.error.is_none())
        .flat_map(|latency| {
            let percentiles = PERCENTILES
                .iter()
                .map(|(name, _)| *name)
                .zip(latency.percentiles_ns);
            let known = percentiles.filter_map(|(name, ns)| Some((name, ns?)));
            let known = known.chain([("max", latency.max_ns)]);
            let named = known.map(|(name, ns)| {
                let name = format!("{}-{name}", latency.name.replace(' ', "-"));
                (name, ns, latency.count)
            });
            named.collect::<Vec<_>>()
        });
    all.collect()
}

/// A judgement, with its comparison, its case, and the time that was judged.
struct ChannelOfCase<'a> {
    comparison: &'a Comparison,
    case: &'a ComparedCase,
    channel: Channel,
    judgement: &'a Judgement,
}

/// Each judgement of each case.
fn channels(comparisons: &[Comparison]) -> impl Iterator<Item = ChannelOfCase<'_>> {
    comparisons.iter().flat_map(|comparison| {
        comparison.cases.iter().flat_map(move |case| {
            let both = [Channel::Wall, Channel::Cpu].into_iter();
            both.filter_map(move |channel| {
                Some(ChannelOfCase {
                    comparison,
                    case,
                    channel,
                    judgement: case.judgement_of(channel)?,
                })
            })
        })
    })
}

#[cfg(test)]
mod tests;
