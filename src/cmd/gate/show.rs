//! A comparison for a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::compare::{ComparedCase, Comparison, Judgement, SideError, Verdict};

/// Where a figure is not to be had.
const NONE: &str = "–";

/// The share of the machine that went to others above which it is mentioned: nanobench calls a result
/// unstable at an error of 5%.
const FOREIGN_RATIO: f64 = 0.05;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const UNSURE: Style = AnsiColor::Yellow.on_default();
const DETAIL: Style = Style::new().dimmed();

/// The whole of it, worst first.
pub(super) fn table(comparison: &Comparison) -> String {
    let mut text = String::new();
    let mut cases: Vec<&ComparedCase> = comparison.cases.iter().collect();
    cases.sort_by_key(|case| (case.error.is_none(), place(case.verdict())));
    if !cases.is_empty() {
        text += &rows(&cases);
    }
    for case in &cases {
        if let Some(error) = &case.error {
            line(&mut text, BAD, &failure(&case.case.id(), error));
        }
    }
    for missing in &comparison.missing {
        let side = missing.side;
        let said = format!("{}: the {} has no such case", missing.id, side.name());
        line(&mut text, BAD, &said);
    }
    for reason in &comparison.advisory {
        line(&mut text, UNSURE, &format!("advisory only: {reason}"));
    }
    if comparison.is_identical() {
        line(
            &mut text,
            UNSURE,
            "the two binaries are the same, byte for byte",
        );
    }
    for note in notes(comparison) {
        line(&mut text, DETAIL, &note);
    }
    text
}

/// The place of a verdict when the worst comes first.
fn place(verdict: Verdict) -> Option<usize> {
    Verdict::ALL.iter().position(|other| *other == verdict)
}

fn rows(cases: &[&ComparedCase]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["verdict", "case", "wall time", "CPU time", "pairs"]);
    for case in cases {
        let pairs = case.wall.as_ref().map(|wall| wall.pair_count.to_string());
        table.add_row([
            word(case).to_owned(),
            case.case.id(),
            case.wall.as_ref().map_or(NONE.into(), with_interval),
            case.cpu.as_ref().map_or(NONE.into(), cpu),
            pairs.unwrap_or(NONE.into()),
        ]);
    }
    // Styles take no room, so they come after the columns are laid out: a line each, the heads first.
    let styles = [DETAIL]
        .into_iter()
        .chain(cases.iter().map(|case| style(case)));
    let mut text = String::new();
    for (row, style) in table.trim_fmt().lines().zip(styles) {
        line(&mut text, style, row);
    }
    text + "\n"
}

/// What became of a case.
fn word(case: &ComparedCase) -> &'static str {
    match case.error {
        Some(_) => "failed",
        None => case.verdict().name(),
    }
}

fn style(case: &ComparedCase) -> Style {
    match (&case.error, case.verdict()) {
        (Some(_), _) | (None, Verdict::Regressed) => BAD,
        (None, Verdict::Inconclusive) => UNSURE,
        (None, Verdict::Improved | Verdict::Unchanged) => GOOD,
    }
}

/// `+5.2% (+4.1 – +6.3)`, and what it would take to know more.
fn with_interval(judgement: &Judgement) -> String {
    let mut text = change(judgement.ratio);
    if let Some(interval) = judgement.interval {
        let (low, high) = (change(interval.low), change(interval.high));
        // Writing to a String cannot fail.
        let _ = write!(text, " ({low} – {high})");
    }
    if judgement.verdict == Verdict::Inconclusive {
        text += &match judgement.more_pair_count {
            Some(count) => format!(", about {count} more pairs would tell"),
            None => ", too close to the threshold to tell".into(),
        };
    }
    text
}

fn cpu(judgement: &Judgement) -> String {
    format!("{} {}", change(judgement.ratio), judgement.verdict)
}

/// A ratio as a change: `+5.2%`.
pub(super) fn change(ratio: f64) -> String {
    format!("{:+.1}%", (ratio - 1.0) * 100.0)
}

/// What went wrong with a case, in a line.
pub(super) fn failure(case: &str, error: &SideError) -> String {
    let side = error
        .side
        .map(|side| format!(" on the {} side", side.name()));
    let (kind, message) = (&error.error.kind, &error.error.message);
    format!("{case}: {kind}{}: {message}", side.unwrap_or_default())
}

/// What people have to know besides.
fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(control) = &comparison.control {
        let shown = control.wall.as_ref().map_or(NONE.into(), with_interval);
        let id = control.case.id();
        notes.push(format!(
            "control, the base against itself on {id}: {}, {shown}",
            control.verdict()
        ));
    }
    let is_slower = |case: &&ComparedCase| {
        let cpu = case.cpu.as_ref().map(|cpu| cpu.verdict);
        cpu == Some(Verdict::Regressed) && case.verdict() != Verdict::Regressed
    };
    let slower = comparison.cases.iter().filter(is_slower).count();
    if slower > 0 {
        notes.push(format!(
            "{slower} cases take more CPU time without taking longer: their idle cores burn it"
        ));
    }
    let foreign = comparison.foreign_load_ratio;
    if let Some(ratio) = foreign.filter(|ratio| *ratio >= FOREIGN_RATIO) {
        notes.push(format!(
            "{:.0}% of the machine went to others; the quieter it is, the fewer pairs it takes",
            ratio * 100.0
        ));
    }
    if let Some(ratio) = comparison.calibration_spread_ratio {
        notes.push(format!(
            "the machine's speed varied by {:.0}%; base and head took turns on it",
            (ratio - 1.0) * 100.0
        ));
    }
    notes.push(format!(
        "{:.0} s, seed {}, the chance of any false alarm at most {}%",
        comparison.elapsed_ns as f64 / 1e9,
        comparison.seed,
        comparison.alpha * 100.0
    ));
    notes
}

fn line(text: &mut String, style: Style, content: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{style}{content}{style:#}");
}
