//! Markdown for a pull request.

use std::fmt::Write;

use super::{Format, figures};
use crate::compare::{Comparison, not_steady};
use crate::record::Record;
use crate::report::latency::Latency;
use crate::report::words::{self, TOO_FEW_NOTE, latency_cells, latency_headings};
use crate::text::{markdown, markdown_code};
use crate::units;

mod comment;

/// The format `markdown`.
pub(super) struct Markdown;

impl Format for Markdown {
    fn name(&self) -> &'static str {
        "markdown"
    }

    fn why(&self) -> &'static str {
        "a comment on a pull request, or the summary of a CI job"
    }

    fn comparisons(&self, comparisons: &[Comparison]) -> String {
        comment::comment(comparisons)
    }

    fn records(&self, records: &[Record]) -> Option<String> {
        let mut text = String::from("| case | wall time | 95% interval |\n|---|--:|--:|\n");
        for record in records {
            let id = markdown_code(&record.case.id());
            let figures = figures(record);
            // Writing to a String cannot fail.
            let _ = match (figures.first(), &record.error) {
                (Some(wall), _) => writeln!(
                    text,
                    "| {id} | {}{} | {} |",
                    units::time(wall.value),
                    if not_steady(record).is_some() {
                        " (not steady)"
                    } else {
                        ""
                    },
                    words::interval(wall.interval)
                ),
                (None, Some(error)) => {
                    writeln!(
                        text,
                        "| {id} | failed: {} | – |",
                        markdown(error.kind.name())
                    )
                }
                (None, None) => writeln!(text, "| {id} | – | – |"),
            };
        }
        latencies(&mut text, records);
        Some(text)
    }
}

/// A second table: the latencies of all records that did not fail. Nothing if there are none.
fn latencies(text: &mut String, records: &[Record]) {
    let mut lines = Vec::new();
    for record in records.iter().filter(|record| record.error.is_none()) {
        for latency in Latency::all(record) {
            let first = [markdown_code(&record.case.id()), markdown(&latency.name)];
            lines.push([&first[..], &latency_cells(&latency)].concat().join(" | "));
        }
    }
    if lines.is_empty() {
        return;
    }
    let headings: Vec<&str> = ["case", "latency"]
        .into_iter()
        .chain(latency_headings())
        .collect();
    let rule = "--:|".repeat(headings.len() - 2);
    let _ = write!(text, "\n| {} |\n|---|---|{rule}\n", headings.join(" | "));
    for line in lines {
        let _ = writeln!(text, "| {line} |");
    }
    let _ = writeln!(text, "\n{}", markdown(TOO_FEW_NOTE));
}
