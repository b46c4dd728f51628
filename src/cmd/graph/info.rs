//! The output of `graph info`.

use serde::Serialize;

use crate::graph::TaskGraph;
use crate::graph::bound::{level_widths, span, work};
use crate::graph_file::import::Unit;
use crate::units;

/// Figures about a graph. The field names are the keys of the JSON output.
#[derive(Serialize)]
pub(super) struct Info {
    task_count: usize,
    edge_count: usize,
    /// The number of tasks on the longest path.
    depth: usize,
    source_count: usize,
    sink_count: usize,
    /// The number of tasks on the largest level. A level contains all tasks whose longest path from a source has the
    /// same length.
    widest_level_count: u32,
    #[serde(flatten)]
    sums: Option<Sums>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Sums {
    Seconds { work_ns: u128, span_ns: u128 },
    Units { work: Amount, span: Amount },
}

/// A sum of durations without a unit, written as a whole number if it is one.
#[derive(Serialize)]
#[serde(untagged)]
enum Amount {
    Whole(u128),
    Fraction(f64),
}

impl Amount {
    fn of(billionths: u128) -> Self {
        match billionths % BILLION {
            0 => Self::Whole(billionths / BILLION),
            _ => Self::Fraction(billionths as f64 / BILLION as f64),
        }
    }
}

const BILLION: u128 = 1_000_000_000;

impl Info {
    pub(super) fn new(graph: &TaskGraph, durations: Option<&[u64]>, unit: Unit) -> Self {
        let widths = level_widths(graph);
        let is_sink = |task| graph.successors(task).is_empty();
        let sums = durations.map(|durations| {
            let (work, span) = (work(durations), span(graph, durations));
            match unit {
                Unit::Seconds => Sums::Seconds {
                    work_ns: work,
                    span_ns: span,
                },
                Unit::None => Sums::Units {
                    work: Amount::of(work),
                    span: Amount::of(span),
                },
            }
        });
        Self {
            task_count: graph.task_count(),
            edge_count: graph.edge_count(),
            depth: widths.len(),
            source_count: graph.sources().len(),
            sink_count: graph.tasks().filter(|task| is_sink(*task)).count(),
            widest_level_count: widths.into_iter().max().unwrap_or(0),
            sums,
        }
    }

    /// The figures as readable text, with one line per figure.
    pub(super) fn text(&self) -> String {
        let count = |count: usize| units::count(count as u64);
        let mut lines = vec![
            ("tasks", count(self.task_count)),
            ("edges", count(self.edge_count)),
            ("sources", count(self.source_count)),
            ("sinks", count(self.sink_count)),
            ("depth", count(self.depth)),
            ("widest level", units::count(self.widest_level_count.into())),
        ];
        let (work, span) = match &self.sums {
            // Without durations, every task has the same weight.
            None => (self.task_count as f64, self.depth as f64),
            Some(Sums::Seconds { work_ns, span_ns }) => {
                let [work, span] = [work_ns, span_ns].map(|ns| *ns as f64 / BILLION as f64);
                lines.push(("work", format!("{work} s")));
                lines.push(("span", format!("{span} s")));
                (work, span)
            }
            Some(Sums::Units { work, span }) => {
                let [work, span] = [work, span].map(|amount| match amount {
                    Amount::Whole(whole) => *whole as f64,
                    Amount::Fraction(fraction) => *fraction,
                });
                lines.push(("work", work.to_string()));
                lines.push(("span", span.to_string()));
                (work, span)
            }
        };
        // A graph without work has no parallelism.
        let parallelism = if span > 0.0 { work / span } else { 0.0 };
        lines.push(("parallelism", format!("{parallelism:.2}")));
        let lines = lines
            .iter()
            .map(|(name, value)| format!("{name:<14}{value}\n"));
        lines.collect()
    }
}
