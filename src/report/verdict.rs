//! A comparison in words: what every format that people read says of it.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, LineStyle, Table};

use super::heading::slow_clock;
use crate::compare::{
    ComparedCase, Comparison, ComparisonSource, Judgement, MissingCase, RatioInterval, Side,
    Verdict,
};
use crate::text;
use crate::units;

/// The share of the machine that went to others above which it is worth a word: as in a report.
const FOREIGN_RATIO: f64 = 0.05;

/// The swing of the control loop from which on it is worth a word: what a neighbour on the same processor does.
const SWING: f64 = 1.2;

/// Where a figure is not to be had.
pub(super) const NONE: &str = "–";

/// One case, in words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CaseLine {
    /// The id of the case.
    pub(super) id: String,
    /// How it came out.
    pub(super) kind: LineKind,
    /// The change of wall time, such as `+5.2%`.
    pub(super) wall: String,
    /// Where the true change lies.
    pub(super) interval: String,
    /// The change of CPU time.
    pub(super) cpu: String,
    /// What has to be known besides; may be empty.
    pub(super) note: String,
}

/// How a case came out. The worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKind {
    Failed,
    /// The head does not have it any more.
    Missing,
    Verdict(Verdict),
    /// Only the head has it.
    New,
}

impl LineKind {
    /// The word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::Verdict(verdict) => verdict.name(),
            Self::New => "new",
        }
    }

    fn rank(self) -> usize {
        match self {
            Self::Failed => 0,
            Self::Missing => 1,
            Self::Verdict(verdict) => {
                let all = Verdict::ALL.iter();
                2 + all.take_while(|other| **other != verdict).count()
            }
            Self::New => 2 + Verdict::ALL.len(),
        }
    }
}

/// All cases, worst first, and within a verdict the slowest first.
pub(super) fn lines(comparison: &Comparison) -> Vec<CaseLine> {
    let ratio = |case: &ComparedCase| case.wall.as_ref().map_or(0.0, |wall| wall.ratio);
    let mut cases: Vec<&ComparedCase> = comparison.cases.iter().collect();
    cases.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    let missing = comparison.missing.iter().map(line_of_one_side);
    let compared = cases.into_iter().map(|case| line(case, comparison));
    let mut lines: Vec<CaseLine> = compared.chain(missing).collect();
    lines.sort_by_key(|line| line.kind.rank());
    lines
}

fn line(case: &ComparedCase, comparison: &Comparison) -> CaseLine {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.into());
    let wall = case.wall.as_ref();
    let interval = wall.and_then(|wall| wall.interval);
    CaseLine {
        id: case.case.id(),
        kind: match case.error {
            Some(_) => LineKind::Failed,
            None => LineKind::Verdict(comparison.binding(case.verdict())),
        },
        wall: or_none(wall.map(|wall| change(wall.ratio))),
        interval: or_none(interval.map(range)),
        cpu: or_none(case.cpu.as_ref().map(|cpu| change(cpu.ratio))),
        note: note(case, comparison),
    }
}

/// A case that only one side has.
fn line_of_one_side(missing: &MissingCase) -> CaseLine {
    let mut note = format!("only the {} has it", missing.side.other().name());
    if let Some(error) = &missing.error {
        note += &format!("; {}: {}", error.kind, error.message);
    }
    CaseLine {
        id: missing.id.clone(),
        kind: match (missing.side, &missing.error) {
            (Side::Head, _) => LineKind::Missing,
            (Side::Base, Some(_)) => LineKind::Failed,
            (Side::Base, None) => LineKind::New,
        },
        wall: NONE.into(),
        interval: NONE.into(),
        cpu: NONE.into(),
        note: text::line(&note),
    }
}

fn note(case: &ComparedCase, comparison: &Comparison) -> String {
    if let Some(error) = &case.error {
        let side = error.side.map_or("between the two", Side::name);
        return text::line(&format!(
            "{side}: {}: {}",
            error.error.kind, error.error.message
        ));
    }
    if let Some(why) = &case.not_judged {
        return format!("cannot be judged: {}", text::line(why));
    }
    if !comparison.advisory.is_empty() {
        return match comparison.source {
            ComparisonSource::Gate => format!("would be {}", case.verdict()),
            ComparisonSource::Records => "without a verdict".into(),
        };
    }
    let mut notes = Vec::new();
    if let Some(wall) = &case.wall
        && wall.verdict == Verdict::Inconclusive
    {
        notes.push(needs(wall, comparison.source));
    }
    if let Some(cpu) = &case.cpu
        && cpu.verdict == Verdict::Regressed
        && case.verdict() != Verdict::Regressed
    {
        notes.push("it takes more CPU time".into());
    }
    notes.join("; ")
}

/// What it would take to settle it.
fn needs(wall: &Judgement, source: ComparisonSource) -> String {
    let unit = match source {
        ComparisonSource::Gate => "pairs",
        ComparisonSource::Records => "sessions of each",
    };
    match wall.more_pair_count {
        Some(count) => format!("about {} more {unit} would settle it", units::count(count)),
        None => format!("no number of {unit} that anybody would wait for would settle it"),
    }
}

/// By how much the head differs from the base: `+5.2%`, `−0.31%`, or `× 2.50` from a doubling on.
pub(crate) fn change(ratio: f64) -> String {
    if !(0.5..2.0).contains(&ratio) {
        return format!("× {ratio:.2}");
    }
    let percent = (ratio - 1.0) * 100.0;
    let decimals = if percent.abs() < 0.995 { 2 } else { 1 };
    // A true minus is as wide as a digit; the hyphen is not.
    format!("{percent:+.decimals$}%").replace('-', "−")
}

/// A share as it was given, up to a thousandth of a per cent: `0.1%`, `99.5%`.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", (share * 1e5).round() / 1e3)
}

/// `+4.1% … +6.3%`.
fn range(interval: RatioInterval) -> String {
    format!("{} … {}", change(interval.low), change(interval.high))
}

/// What is compared with what.
pub(super) fn title(comparison: &Comparison) -> String {
    let name = |build: &crate::compare::Build| match (&build.commit, build.short_commit()) {
        (Some(hash), Some(short))
            if build.dirty || !build.name.starts_with(&beginning(hash, 7)) =>
        {
            format!("{} ({short})", build.name)
        }
        _ => build.name.clone(),
    };
    text::line(&format!(
        "{} against {}",
        name(&comparison.head),
        name(&comparison.base)
    ))
}

/// The first characters of a hash, which whoever wrote the file may have filled with anything.
fn beginning(hash: &str, count: usize) -> String {
    hash.chars().take(count).collect()
}

/// How many cases came out how, the worst first: `1 regressed, 3 unchanged`.
pub(super) fn counts(lines: &[CaseLine]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for line in lines {
        match counts.last_mut() {
            Some((name, count)) if *name == line.kind.name() => *count += 1,
            _ => counts.push((line.kind.name(), 1)),
        }
    }
    let words = counts.iter().map(|(name, count)| format!("{count} {name}"));
    match words.collect::<Vec<_>>() {
        none if none.is_empty() => "no cases".into(),
        words => words.join(", "),
    }
}

/// What the verdicts rest on, and what speaks against trusting them; a sentence each.
pub(super) fn fitness(comparison: &Comparison) -> Vec<String> {
    let mut sentences = Vec::new();
    for why in &comparison.advisory {
        sentences.push(format!("The verdicts are advisory: {}.", text::line(why)));
    }
    if comparison.is_identical() {
        sentences.push("The two binaries are the same, byte for byte.".into());
    }
    if let Some(control) = &comparison.control {
        sentences.push(control_sentence(control));
    }
    if let Some(pin) = comparison.pin {
        sentences.push(format!("Throughout, {}.", bound_or_not(pin)));
    }
    if let Some(load) = comparison.foreign_load_ratio {
        let advice = match load >= FOREIGN_RATIO {
            true => " Stop it, or expect more to be inconclusive.",
            false => "",
        };
        sentences.push(format!(
            "Everything else took {} of the machine.{advice}",
            units::percent(load)
        ));
    }
    if let Some(spread) = comparison
        .calibration_spread_ratio
        .filter(|spread| *spread >= SWING)
    {
        sentences.push(format!(
            "The speed of the machine swung: the control loop took {} as long at slow times as at fast ones.",
            units::ratio(spread)
        ));
    }
    // The load average still shows the builds; what others took meanwhile was measured above.
    sentences.extend(slow_clock(&comparison.host));
    if comparison.source == ComparisonSource::Records {
        sentences.push(
            "The records were measured apart; `taskdyno gate` lets two builds take turns and sees more.".into(),
        );
    }
    sentences.push(format!(
        "The chance of any false alarm is at most {}; the seed was {}.",
        percent(comparison.alpha),
        comparison.seed
    ));
    sentences
}

/// Whether workers were kept apart.
pub(crate) fn bound_or_not(pin: bool) -> &'static str {
    match pin {
        true => "each worker was bound to a core",
        false => {
            "workers were not bound to cores, since something else may have kept one of them busy, or `--pin=never` \
             was given"
        }
    }
}

fn control_sentence(control: &ComparedCase) -> String {
    let interval = control.wall.as_ref().and_then(|wall| wall.interval);
    let width = interval.map_or(String::new(), |interval| format!(" ({})", range(interval)));
    match (&control.error, control.verdict()) {
        (Some(error), _) => format!(
            "The control, {}, failed: {}.",
            text::line(&control.case.id()),
            text::line(&error.error.message)
        ),
        (None, Verdict::Regressed | Verdict::Improved) => format!(
            "The control failed: {} came out as {} against itself{width}.",
            text::line(&control.case.id()),
            control.verdict()
        ),
        (None, verdict) => format!(
            "The control, {} against itself, came out as {verdict}{width}.",
            text::line(&control.case.id())
        ),
    }
}

/// The machine, in a line.
pub(super) fn machine(comparison: &Comparison) -> String {
    let host = &comparison.host;
    text::line(&format!(
        "{}, {}, {}",
        host.processor,
        host.cores(),
        host.kernel
    ))
}

/// A comparison for a terminal, styled; take the styles out with `anstream` where there is none.
pub(crate) fn styled_verdicts(comparison: &Comparison) -> String {
    let mut text = String::new();
    let bold = Style::new().bold();
    let dimmed = Style::new().dimmed();
    let lines = lines(comparison);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{bold}{}{bold:#}", title(comparison));
    let _ = writeln!(text, "{dimmed}{}{dimmed:#}", machine(comparison));
    if !lines.is_empty() {
        text += &table(&lines);
    }
    for sentence in fitness(comparison) {
        let _ = writeln!(text, "{dimmed}{sentence}{dimmed:#}");
    }
    let _ = writeln!(text, "{}", counts(&lines));
    text
}

fn table(lines: &[CaseLine]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING.header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header(["verdict", "case", "wall", "interval", "CPU", "notes"]);
    for line in lines {
        table.add_row([
            line.kind.name(),
            &text::line(&line.id),
            &line.wall,
            &line.interval,
            &line.cpu,
            &line.note,
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        let is_figure = (2..=4).contains(&index);
        column.set_cell_alignment(match is_figure {
            true => CellAlignment::Right,
            false => CellAlignment::Left,
        });
    }
    let rows = table.lines().map(|row| row.trim_end().to_owned() + "\n");
    // Heading and rule come before the first case.
    let kinds = [None, None]
        .into_iter()
        .chain(lines.iter().map(|line| Some(line.kind)));
    rows.zip(kinds)
        .map(|(row, kind)| colored(&row, kind))
        .collect()
}

/// The row of a table with its verdict in colour. Done last, since tables count what colours take as width.
fn colored(row: &str, kind: Option<LineKind>) -> String {
    match kind {
        None => row.into(),
        Some(kind) => {
            let style = style(kind);
            let word = kind.name();
            row.replacen(word, &format!("{style}{word}{style:#}"), 1)
        }
    }
}

fn style(kind: LineKind) -> Style {
    match kind {
        LineKind::Failed | LineKind::Missing | LineKind::Verdict(Verdict::Regressed) => {
            AnsiColor::Red.on_default()
        }
        LineKind::Verdict(Verdict::Improved) => AnsiColor::Green.on_default(),
        LineKind::Verdict(Verdict::Inconclusive) => AnsiColor::Yellow.on_default(),
        LineKind::Verdict(Verdict::Unchanged) | LineKind::New => Style::new(),
    }
}

#[cfg(test)]
pub(super) mod tests;
