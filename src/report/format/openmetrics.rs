//! OpenMetrics text, version 1.0: gauges in base units, with the case as labels.

use std::collections::BTreeSet;
use std::fmt::{Display, Write};

use super::{Figure, Format, channels, figures};
use crate::compare::{Comparison, Side, Verdict};
use crate::record::{Case, Record};
use crate::report::latency::{Latency, PERCENTILES};
use crate::text;

/// The format `openmetrics`.
pub(super) struct OpenMetrics;

/// Names and values of labels.
type Labels = Vec<(&'static str, String)>;

impl Format for OpenMetrics {
    fn name(&self) -> &'static str {
        "openmetrics"
    }

    fn why(&self) -> &'static str {
        "Prometheus, through a textfile collector or a push gateway"
    }

    fn comparisons(&self, comparisons: &[Comparison]) -> String {
        let mut ratios = MetricFamily::new(
            "taskdyno_change_ratio",
            "ratio",
            "Time of the head divided by time of the base, with the ends of the interval.",
        );
        let mut verdicts = MetricFamily::new(
            "taskdyno_verdict",
            "",
            "1 for the verdict of a case, 0 for all other verdicts.",
        );
        verdicts.kind = "stateset";
        for one in channels(comparisons) {
            let (comparison, judgement) = (one.comparison, one.judgement);
            let labels = [
                ("case", one.case.case.id()),
                ("base", comparison.base.name.clone()),
                ("channel", one.channel.name().into()),
            ];
            let interval = judgement
                .interval
                .map(|interval| (interval.low, interval.high));
            ratios.bounds(&labels, judgement.ratio, interval);
            for verdict in Verdict::ALL {
                let labels = [&labels[..], &[("taskdyno_verdict", verdict.name().into())]].concat();
                let holds = f64::from(u8::from(verdict == comparison.binding(judgement.verdict)));
                verdicts.sample(&labels, holds);
            }
        }
        let builds = comparisons.iter().flat_map(|comparison| {
            let (base, head) = (&comparison.base, &comparison.head);
            [(Side::Base, base), (Side::Head, head)]
        });
        let builds = builds.map(|(side, build)| {
            let labels = vec![("side", side.name().into()), ("name", build.name.clone())];
            (labels, build.commit_name())
        });
        ratios.text() + &verdicts.text() + &commits(builds).text() + "# EOF\n"
    }

    fn records(&self, records: &[Record]) -> Option<String> {
        let mut families: Vec<MetricFamily> = Vec::new();
        for record in records {
            for figure in figures(record) {
                let (name, unit, factor) = base_unit(&figure);
                // All samples of a family must follow each other.
                let known = families.iter().position(|family| family.name == name);
                let index = known.unwrap_or_else(|| {
                    families.push(MetricFamily::new(&name, unit, figure.help));
                    families.len() - 1
                });
                let interval = figure
                    .interval
                    .map(|interval| (interval.low * factor, interval.high * factor));
                let labels = labels(&record.case);
                families[index].bounds(&labels, figure.value * factor, interval);
            }
        }
        families.extend(latencies(records));
        let text: String = families.iter().map(MetricFamily::text).collect();
        let measured = records.iter().filter_map(|record| record.commit.as_ref());
        let measured = measured.map(|commit| (Vec::new(), Some(commit.long())));
        Some(text + &commits(measured).text() + "# EOF\n")
    }
}

/// The latencies of all records that did not fail: a summary with quantiles, and the largest.
fn latencies(records: &[Record]) -> [MetricFamily; 2] {
    let help = "What the tasks timed themselves: percentiles that are at most 1.6% too high.";
    let mut summary = MetricFamily::new("taskdyno_latency_seconds", "seconds", help);
    summary.kind = "summary";
    let help = "The largest of the latencies that the tasks timed themselves.";
    let mut largest = MetricFamily::new("taskdyno_latency_max_seconds", "seconds", help);
    for record in records.iter().filter(|record| record.error.is_none()) {
        for latency in Latency::all(record) {
            let name = latency.name.replace(' ', "_");
            let labels = [labels(&record.case), vec![("latency", name)]].concat();
            for ((_, thousandths), ns) in PERCENTILES.iter().zip(latency.percentiles_ns) {
                let Some(ns) = ns else { continue };
                let quantile = (*thousandths as f64 / 1000.0).to_string();
                let labels = [&labels[..], &[("quantile", quantile)]].concat();
                summary.sample(&labels, ns as f64 * 1e-9);
            }
            summary.count(&labels, latency.count);
            largest.sample(&labels, latency.max_ns as f64 * 1e-9);
        }
    }
    [summary, largest]
}

/// The commits that were measured, each once.
fn commits(all: impl Iterator<Item = (Labels, Option<String>)>) -> MetricFamily {
    let mut family = MetricFamily::new("taskdyno_commit", "", "The commit that was measured.");
    family.kind = "info";
    let named =
        all.filter_map(|(labels, commit)| Some([labels, vec![("commit", commit?)]].concat()));
    let named: BTreeSet<Labels> = named.collect();
    for labels in named {
        family.sample(&labels, 1.0);
    }
    family
}

/// The name, the unit and the conversion factor of a value in base units, as OpenMetrics requires.
fn base_unit(figure: &Figure) -> (String, &'static str, f64) {
    let (unit, factor) = match figure.unit {
        "ns" => ("seconds", 1e-9),
        other => (other, 1.0),
    };
    let name = figure.name.replace('-', "_");
    (format!("taskdyno_{name}_{unit}"), unit, factor)
}

fn labels(case: &Case) -> Vec<(&'static str, String)> {
    vec![
        ("case", case.id()),
        ("workload", case.workload.clone()),
        ("variant", case.variant.clone()),
        ("backend", case.backend.clone()),
        ("workers", case.workers.to_string()),
    ]
}

/// A metric family.
struct MetricFamily {
    name: String,
    kind: &'static str,
    unit: &'static str,
    help: &'static str,
    samples: String,
}

impl MetricFamily {
    fn new(name: &str, unit: &'static str, help: &'static str) -> Self {
        Self {
            name: name.into(),
            kind: "gauge",
            unit,
            help,
            samples: String::new(),
        }
    }

    /// Adds an estimate and the ends of its interval, distinguished by the label `bound`.
    fn bounds(&mut self, labels: &[(&'static str, String)], value: f64, ends: Option<(f64, f64)>) {
        let mut bound = |name: &str, value| {
            let labels = [labels, &[("bound", name.into())]].concat();
            self.sample(&labels, value);
        };
        bound("estimate", value);
        if let Some((low, high)) = ends {
            bound("low", low);
            bound("high", high);
        }
    }

    fn sample(&mut self, labels: &[(&'static str, String)], value: f64) {
        let suffix = if self.kind == "info" { "_info" } else { "" };
        self.line(suffix, labels, value);
    }

    /// Adds how many values a summary is of.
    fn count(&mut self, labels: &[(&'static str, String)], count: u64) {
        self.line("_count", labels, count);
    }

    fn line(&mut self, suffix: &str, labels: &[(&'static str, String)], value: impl Display) {
        let labels = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", text::metric(value)));
        let labels = labels.collect::<Vec<_>>().join(",");
        // Writing to a String cannot fail.
        let _ = writeln!(self.samples, "{}{suffix}{{{labels}}} {value}", self.name);
    }

    /// The text of the whole family; empty if it has no samples.
    fn text(&self) -> String {
        if self.samples.is_empty() {
            return String::new();
        }
        let unit = match self.unit {
            "" => String::new(),
            unit => format!("# UNIT {} {unit}\n", self.name),
        };
        format!(
            "# TYPE {name} {}\n{unit}# HELP {name} {}\n{}",
            self.kind,
            text::metric(self.help),
            self.samples,
            name = self.name
        )
    }
}
