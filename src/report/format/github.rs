//! `customSmallerIsBetter` of github-action-benchmark: `[{"name", "unit", "value", "range", "extra"}]`.

use serde_json::{Value, json};

use super::{Format, channels, figures, latency_figures};
use crate::compare::Comparison;
use crate::record::Record;

/// The format `github-action-benchmark`.
pub(super) struct GithubActionBenchmark;

impl Format for GithubActionBenchmark {
    fn name(&self) -> &'static str {
        "github-action-benchmark"
    }

    fn why(&self) -> &'static str {
        "benchmark-action/github-action-benchmark, as tool customSmallerIsBetter"
    }

    fn comparisons(&self, comparisons: &[Comparison]) -> String {
        // The action identifies benchmarks by name.
        let base = |comparison: &Comparison| match comparisons.len() {
            0 | 1 => String::new(),
            _ => format!(" against {}", comparison.base.name),
        };
        let entries = channels(comparisons).map(|one| {
            let (comparison, judgement) = (one.comparison, one.judgement);
            let (id, channel) = (one.case.case.id(), one.channel.name());
            let interval = judgement.interval;
            entry(
                format!("{id} ({channel}){}", base(comparison)),
                &format!("× {}", comparison.base.name),
                judgement.ratio,
                interval.map(|interval| interval.high - interval.low),
                format!("{}", comparison.binding(judgement.verdict)),
            )
        });
        text(entries.collect())
    }

    fn records(&self, records: &[Record]) -> Option<String> {
        let entries = records.iter().flat_map(|record| {
            let times = figures(record).into_iter().map(|figure| {
                let width = figure.interval.map(|interval| interval.high - interval.low);
                entry(
                    format!("{} ({})", record.case.id(), figure.name),
                    figure.unit,
                    figure.value,
                    width,
                    format!("{} samples", record.samples.len()),
                )
            });
            let latencies = latency_figures(record).into_iter();
            times.chain(latencies.map(|(name, ns, count)| {
                let name = format!("{} ({name})", record.case.id());
                entry(name, "ns", ns as f64, None, format!("{count} latencies"))
            }))
        });
        Some(text(entries.collect()))
    }
}

/// One entry. The range is half the width of the interval; it is absent without an interval.
fn entry(name: String, unit: &str, value: f64, width: Option<f64>, extra: String) -> Value {
    let mut entry = json!({ "name": name, "unit": unit, "value": value, "extra": extra });
    if let Some(width) = width {
        entry["range"] = format!("± {}", width / 2.0).into();
    }
    entry
}

fn text(entries: Vec<Value>) -> String {
    format!("{:#}\n", Value::Array(entries))
}
