//! The cases of a report as rows of a table that other programs read, or Markdown.

use serde::Serialize;

use super::format::row;
use super::model::{Group, Report, Row, RowOutcome};
use super::words::{NONE, interval, notes};
use crate::stats::Interval;
use crate::text::{markdown, markdown_code};
use crate::units;

/// One case. Times are in nanoseconds and for one run of the graph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CaseRow<'a> {
    /// The name of the workload.
    workload: &'a str,
    /// The swept parameters, as `key=value` joined by commas; empty if nothing is swept.
    variant: &'a str,
    /// The name of the backend, with its options if the workload has the backend with several options.
    backend: &'a str,
    /// The kind of backend.
    family: &'a str,
    /// The number of workers.
    workers: u32,
    /// `wall` or `cpu`: which time the others are.
    ranked_by: &'static str,
    /// The rank within the workload and variant, from 1; tied cases share rank 1. Null for the practical limit and for
    /// cases that failed.
    rank: Option<usize>,
    /// The median.
    median_ns: Option<f64>,
    /// The lower end of its 95% interval.
    interval_low_ns: Option<f64>,
    /// The upper end.
    interval_high_ns: Option<f64>,
    /// The median as a multiple of the best.
    best_ratio: Option<f64>,
    /// The number of samples.
    sample_count: usize,
    /// CPU time ÷ (wall time × workers).
    utilisation_ratio: Option<f64>,
    /// Peak resident memory.
    peak_memory_bytes: Option<u64>,
    /// What readers must know besides; why the case failed.
    notes: Vec<String>,
}

impl<'a> CaseRow<'a> {
    /// All cases of a report, in its order.
    pub(crate) fn all(report: &'a Report) -> Vec<Self> {
        let groups = report.groups.iter();
        groups
            .flat_map(|group| group.rows.iter().map(|row| Self::new(group, row)))
            .collect()
    }

    fn new(group: &'a Group, row: &'a Row) -> Self {
        let measured = match &row.outcome {
            RowOutcome::Measured(measured) => Some(measured),
            RowOutcome::Failed(_) => None,
        };
        let end = |end: fn(Interval) -> f64| measured.and_then(|one| one.interval).map(end);
        let mut notes = notes(row);
        if let RowOutcome::Failed(error) = &row.outcome {
            notes.push(error.message.clone());
        }
        Self {
            workload: &group.workload,
            variant: &group.variant,
            backend: &row.label,
            family: &row.family,
            workers: row.workers,
            ranked_by: group.ranked_by.name(),
            rank: measured.and_then(|one| one.rank),
            median_ns: measured.map(|one| one.median_ns),
            interval_low_ns: end(|ends| ends.low),
            interval_high_ns: end(|ends| ends.high),
            best_ratio: measured.and_then(|one| one.ratio).map(|one| one.ratio),
            sample_count: measured.map_or(0, |one| one.times_ns.len()),
            utilisation_ratio: measured.and_then(|one| one.utilisation),
            peak_memory_bytes: measured.and_then(|one| one.peak_memory_bytes),
            notes,
        }
    }
}

/// Comma-separated values according to RFC 4180, with the same names as in JSON. Notes are joined by semicolons.
pub(crate) fn csv(report: &Report) -> String {
    let mut text = row(&[
        "workload",
        "variant",
        "backend",
        "family",
        "workers",
        "ranked_by",
        "rank",
        "median_ns",
        "interval_low_ns",
        "interval_high_ns",
        "best_ratio",
        "sample_count",
        "utilisation_ratio",
        "peak_memory_bytes",
        "notes",
    ]);
    for one in CaseRow::all(report) {
        let figure = |number: Option<f64>| number.map_or(String::new(), |n| n.to_string());
        text += &row(&[
            one.workload,
            one.variant,
            one.backend,
            one.family,
            &one.workers.to_string(),
            one.ranked_by,
            &one.rank.map_or(String::new(), |rank| rank.to_string()),
            &figure(one.median_ns),
            &figure(one.interval_low_ns),
            &figure(one.interval_high_ns),
            &figure(one.best_ratio),
            &one.sample_count.to_string(),
            &figure(one.utilisation_ratio),
            &one.peak_memory_bytes
                .map_or(String::new(), |bytes| bytes.to_string()),
            &one.notes.join("; "),
        ]);
    }
    text
}

/// A table in Markdown for each workload.
pub(crate) fn markdown_tables(report: &Report) -> String {
    let mut text = String::new();
    for group in &report.groups {
        text += &format!("**{}**\n\n", markdown(&group.title()));
        text += "| rank | backend | workers | median | 95% interval | × best | notes |\n|--:|---|--:|--:|--:|--:|---|\n";
        for row in &group.rows {
            let one = CaseRow::new(group, row);
            let ends = one.interval_low_ns.zip(one.interval_high_ns);
            let cells = [
                one.rank.map_or(NONE.into(), |rank| rank.to_string()),
                markdown_code(one.backend),
                one.workers.to_string(),
                one.median_ns.map_or(NONE.into(), units::time),
                interval(ends.map(|(low, high)| Interval { low, high })),
                one.best_ratio.map_or(NONE.into(), units::ratio),
                markdown(&one.notes.join(", ")),
            ];
            text += &format!("| {} |\n", cells.join(" | "));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::varied;

    #[test]
    fn the_names_of_the_columns_are_those_of_json() {
        let report = varied();
        let rows = serde_json::to_value(CaseRow::all(&report)).unwrap();
        let keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
        let csv = csv(&report);
        let heading = csv.lines().next().unwrap();
        for key in &keys {
            assert!(heading.split(',').any(|name| name == *key), "{key}");
        }
        assert_eq!(heading.split(',').count(), keys.len());
        assert_eq!(
            csv.lines()
                .filter(|line| line.starts_with("empty,"))
                .count(),
            9
        );
    }

    #[test]
    fn tables_in_markdown() {
        insta::assert_snapshot!(markdown_tables(&varied()));
    }
}
