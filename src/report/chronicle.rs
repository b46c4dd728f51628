//! Renders a history: as styled text, CSV, Markdown and SVG.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::error::ReportError;
use super::format::row;
use super::picture::timelines;
use super::verdict::change;
use super::words::no_change;
use crate::compare::{Change, History, Series};
use crate::record::{Channel, Commit};
use crate::text;
use crate::units;

const TITLE: Style = Style::new().bold();
const DETAIL: Style = Style::new().dimmed();
const SLOWER: Style = AnsiColor::Red.on_default();
const FASTER: Style = AnsiColor::Green.on_default();

/// The changes of each case as styled text for a terminal. A case without changes takes one line, plus its notes.
pub(crate) fn styled_table(history: &History) -> String {
    let mut text = String::new();
    for series in &history.series {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{TITLE}{}{TITLE:#}", text::line(&series.case));
        let _ = writeln!(text, "{DETAIL}  {}{DETAIL:#}", outline(history, series));
        for change in &series.changes {
            let style = if change.ratio > 1.0 { SLOWER } else { FASTER };
            let _ = writeln!(text, "  {style}{}{style:#}", sentence(change));
        }
        for note in &series.notes {
            let _ = writeln!(text, "{DETAIL}  {}{DETAIL:#}", text::line(note));
        }
    }
    let _ = writeln!(text, "\n{}", counts(history));
    text
}

/// A summary such as `12 sessions, 10.0 ms to 12.0 ms per run, corrected for drift, no change`.
fn outline(history: &History, series: &Series) -> String {
    let medians = || series.points.iter().map(|point| point.median_ns);
    let sessions = match series.points.len() {
        0 => return "no session has valid times".into(),
        1 => "1 session".into(),
        count => format!("{} sessions", units::count(count as u64)),
    };
    let low = medians().fold(f64::INFINITY, f64::min);
    let high = medians().fold(0.0, f64::max);
    format!(
        "{sessions}, {}{} to {} per run{}{}",
        match series.judged {
            Channel::Wall => String::new(),
            other => format!("{} of ", other.words()),
        },
        units::time(low),
        units::time(high),
        if series.is_calibrated {
            ", corrected for drift"
        } else {
            ", as measured"
        },
        match no_change(history, series) {
            Some(what) => format!(", {what}"),
            None => String::new(),
        },
    )
}

/// A change in words: `+20.0% at c0ffee012345 (after 0ff1ce123456): 10.0 ms to 12.0 ms, p = 0.001`.
pub(super) fn sentence(found: &Change) -> String {
    let is_same = found.commit.is_some() && found.commit == found.previous_commit;
    let whose = match is_same {
        true => "; both sides have the same commit, so the machine changed and not the code",
        false => "",
    };
    format!(
        "{} at {} (after {}): {} to {}, p = {}{whose}",
        change(found.ratio),
        short(found.commit.as_ref()),
        short(found.previous_commit.as_ref()),
        units::time(found.before_ns),
        units::time(found.after_ns),
        chance(found.p_value)
    )
}

/// A probability with two significant digits: `0.0079`.
fn chance(p_value: f64) -> String {
    let places = 1.0 - p_value.log10().floor();
    let text = format!("{p_value:.*}", places.clamp(1.0, 17.0) as usize);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

fn short(commit: Option<&Commit>) -> String {
    commit.map_or("no commit".into(), |commit| text::line(&commit.short()))
}

fn counts(history: &History) -> String {
    let changes: usize = history
        .series
        .iter()
        .map(|series| series.changes.len())
        .sum();
    let noun = if changes == 1 { "change" } else { "changes" };
    let all = history.series.iter();
    let short = all.filter(|one| history.is_too_short(one)).count();
    let remark = match short {
        0 => String::new(),
        _ => format!(" ({short} of them with too few sessions to find a change)"),
    };
    format!("{changes} {noun} in {} cases{remark}", history.series.len())
}

/// The history as CSV: a header, and one row per session of each case. The row of the first session after a change
/// holds this change.
pub(crate) fn csv(history: &History) -> String {
    let mut text = row(&[
        "case",
        "index",
        "commit",
        "started_at",
        "median_ns",
        "is_calibrated",
        "change_ratio",
        "p_value",
        "dirty",
        "channel",
    ]);
    for series in &history.series {
        for (index, point) in series.points.iter().enumerate() {
            let change = series.changes.iter().find(|change| change.index == index);
            let commit = point.commit.as_ref();
            text += &row(&[
                &series.case,
                &index.to_string(),
                commit.map_or("", |commit| &commit.hash),
                &point.started_at,
                &point.median_ns.to_string(),
                &series.is_calibrated.to_string(),
                &change.map_or(String::new(), |change| change.ratio.to_string()),
                &change.map_or(String::new(), |change| change.p_value.to_string()),
                &commit.map_or(String::new(), |commit| commit.dirty.to_string()),
                series.judged.name(),
            ]);
        }
    }
    text
}

/// The changes as a Markdown table, the newest of each case first. Without changes there is only a heading.
pub(crate) fn markdown(history: &History) -> String {
    let mut text = format!("### taskdyno: {}\n\n", counts(history));
    let changed = || {
        history
            .series
            .iter()
            .filter(|series| !series.changes.is_empty())
    };
    if changed().next().is_none() {
        return text;
    }
    text += "| case | change | commit | after | from | to | p |\n|---|--:|---|---|--:|--:|--:|\n";
    for series in changed() {
        for found in series.changes.iter().rev() {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                text::markdown_code(&series.case),
                change(found.ratio),
                text::markdown_code(&short(found.commit.as_ref())),
                text::markdown_code(&short(found.previous_commit.as_ref())),
                units::time(found.before_ns),
                units::time(found.after_ns),
                chance(found.p_value)
            );
        }
    }
    text + "\n"
}

/// The history as an SVG with an embedded font: one line per case over its sessions, with its changes marked.
///
/// # Errors
///
/// If the picture cannot be drawn.
pub(crate) fn svg(history: &History) -> Result<String, ReportError> {
    timelines(history).svg()
}

#[cfg(test)]
mod tests;
