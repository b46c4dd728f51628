//! Bencher Metric Format: `{"case": {"measure": {"value", "lower_value", "upper_value"}}}`.

use serde_json::{Map, Value, json};

use super::{Format, channels, figures, latency_figures};
use crate::compare::Comparison;
use crate::record::Record;

/// The format `bmf`.
pub(super) struct Bencher;

impl Format for Bencher {
    fn name(&self) -> &'static str {
        "bmf"
    }

    fn why(&self) -> &'static str {
        "Bencher Metric Format, for `bencher run --adapter json`"
    }

    fn comparisons(&self, comparisons: &[Comparison]) -> String {
        let mut cases = Map::new();
        for one in channels(comparisons) {
            let interval = one.judgement.interval;
            let ends = interval.map(|interval| (interval.low, interval.high));
            let channel = one.channel.name();
            let measure = match comparisons.len() {
                1 => format!("{channel}-ratio"),
                _ => format!("{channel}-ratio-to-{}", one.comparison.base.name),
            };
            let metric = metric(one.judgement.ratio, ends);
            insert(&mut cases, one.case.case.id(), measure, metric);
        }
        text(cases)
    }

    fn records(&self, records: &[Record]) -> Option<String> {
        let mut cases = Map::new();
        for record in records {
            for figure in figures(record) {
                // Bencher knows the unit of this measure: nanoseconds.
                let measure = match figure.name {
                    "wall-time" => "latency",
                    other => other,
                };
                let ends = figure
                    .interval
                    .map(|interval| (interval.low, interval.high));
                let metric = metric(figure.value, ends);
                insert(&mut cases, record.case.id(), measure.into(), metric);
            }
            for (name, ns, _) in latency_figures(record) {
                insert(&mut cases, record.case.id(), name, metric(ns as f64, None));
            }
        }
        Some(text(cases))
    }
}

fn insert(cases: &mut Map<String, Value>, id: String, measure: String, metric: Value) {
    let measures = cases.entry(id).or_insert_with(|| json!({}));
    measures[measure] = metric;
}

fn metric(value: f64, ends: Option<(f64, f64)>) -> Value {
    match ends {
        Some((low, high)) => json!({ "value": value, "lower_value": low, "upper_value": high }),
        None => json!({ "value": value }),
    }
}

fn text(cases: Map<String, Value>) -> String {
    format!("{:#}\n", Value::Object(cases))
}
