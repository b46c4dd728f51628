//! Markdown for a pull request, the worst outcome first.

use std::fmt::Write;

use super::{Format, figures};
use crate::compare::{ComparedCase, Comparison, ComparisonSource, Verdict, not_steady};
use crate::record::Record;
use crate::report::latency::Latency;
use crate::report::verdict::{CaseLine, LineKind, counts, fitness, lines, machine, percent, title};
use crate::report::words::{self, TOO_FEW_NOTE, latency_cells, latency_headings};
use crate::text::{markdown, markdown_code};
use crate::units;

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
        comparisons.iter().map(comparison).collect()
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

fn comparison(comparison: &Comparison) -> String {
    let lines = lines(comparison);
    let is_quiet = |line: &CaseLine| line.kind == LineKind::Verdict(Verdict::Unchanged);
    let (quiet, loud): (Vec<&CaseLine>, Vec<&CaseLine>) =
        lines.iter().partition(|line| is_quiet(line));
    let mut text = format!(
        "### taskdyno: {}\n\n{}\n\n",
        markdown(&counts(&lines)),
        markdown(&title(comparison))
    );
    if !loud.is_empty() {
        table(&mut text, &loud);
    }
    if !quiet.is_empty() {
        let _ = write!(
            text,
            "<details><summary>{} unchanged</summary>\n\n",
            quiet.len()
        );
        table(&mut text, &quiet);
        text += "</details>\n\n";
    }
    let judgements = || comparison.cases.iter().filter_map(ComparedCase::judgement);
    for sentence in fitness(comparison) {
        let _ = writeln!(text, "- {}", markdown(&sentence));
    }
    let _ = writeln!(text, "- {}", markdown(&machine(comparison)));
    if let Some(first) = judgements().next() {
        let threshold = match judgements().all(|one| one.threshold_ratio == first.threshold_ratio) {
            true => percent(first.threshold_ratio),
            false => "the threshold of a case".into(),
        };
        // Among several cases, each interval has the level at which its case was decided.
        let level = match judgements().all(|one| one.alpha == first.alpha) {
            true => percent(1.0 - first.alpha),
            false => format!("{} or more", percent(1.0 - comparison.alpha)),
        };
        let how = match comparison.source {
            ComparisonSource::Gate => "pairs of processes that ran in alternation",
            ComparisonSource::Records => "stored records",
        };
        let _ = writeln!(
            text,
            "- Intervals are at {level}, from {how}. Changes smaller than {threshold} are ignored."
        );
    }
    text + "\n"
}

fn table(text: &mut String, lines: &[&CaseLine]) {
    *text += "| | case | wall time | interval | CPU time | |\n|---|---|--:|--:|--:|---|\n";
    for line in lines {
        let mark = mark(line.kind);
        let _ = writeln!(
            text,
            "| {mark} {} | {} | {} | {} | {} | {} |",
            line.kind.name(),
            markdown_code(&line.id),
            line.wall,
            line.interval,
            line.cpu,
            markdown(&line.note)
        );
    }
    text.push('\n');
}

/// A mark that can be recognised without colour.
fn mark(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Failed | LineKind::Missing => "⛔",
        LineKind::Verdict(Verdict::Regressed) => "🔺",
        LineKind::Verdict(Verdict::Inconclusive) => "❔",
        LineKind::Verdict(Verdict::Improved) => "🟢",
        LineKind::Verdict(Verdict::Unchanged) => "✔",
        LineKind::New => "✨",
    }
}
