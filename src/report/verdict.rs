//! A comparison in words, as every format for people shows it.

use std::fmt::Write;

use anstyle::Style;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, LineStyle, Table};

use super::heading::slow_clock;
use crate::compare::{
    ComparedCase, Comparison, ComparisonSource, MissingCase, RatioInterval, Side, SideTimes,
};
use crate::record::Channel;
use crate::text;
use crate::units;

mod common;
mod conclusion;
mod course;
mod kind;
mod note;

pub(super) use conclusion::{conclusion, threshold};
pub(super) use kind::LineKind;

/// From this foreign load on, as a share of the machine, advice is given. Reports use the same limit.
const FOREIGN_RATIO: f64 = 0.05;

/// From this spread of the control loop on, it is reported. A neighbour on the same processor causes this much.
const SWING: f64 = 1.2;

/// The column of the times before and after.
const TIMES_COLUMN: usize = 2;

/// Stands for a value that is not available.
pub(super) const NONE: &str = "–";

/// One case in words: a row of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CaseLine {
    /// The id of the case.
    pub(super) id: String,
    /// The outcome.
    pub(super) kind: LineKind,
    /// The time that decides.
    pub(super) judged: Channel,
    /// The time that decides, before and after, such as `5.10 → 5.50 ms`, if it is known.
    pub(super) times: Option<String>,
    /// The change of wall time, such as `+5.2%`.
    pub(super) wall: String,
    /// The interval that contains the true change of the time that decides.
    pub(super) interval: String,
    /// The change of CPU time.
    pub(super) cpu: String,
    /// What readers must know besides; may be empty.
    pub(super) note: String,
}

impl CaseLine {
    /// The change of the time that decides.
    pub(super) fn change(&self) -> &str {
        match self.judged {
            Channel::Wall => &self.wall,
            Channel::Cpu => &self.cpu,
        }
    }
}

/// All cases, the worst outcome first. Cases with the same outcome are sorted by their change, the largest first.
pub(super) fn lines(comparison: &Comparison) -> Vec<CaseLine> {
    let ratio = |case: &ComparedCase| case.judgement().map_or(0.0, |one| one.ratio);
    let mut cases: Vec<&ComparedCase> = comparison.cases.iter().collect();
    cases.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    let missing = comparison.missing.iter();
    let missing = missing.map(|one| line_of_one_side(one, comparison));
    let compared = cases.into_iter().map(|case| line(case, comparison));
    let mut lines: Vec<CaseLine> = compared.chain(missing).collect();
    lines.sort_by_key(|line| line.kind.rank());
    lines
}

fn line(case: &ComparedCase, comparison: &Comparison) -> CaseLine {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.into());
    let interval = case.judgement().and_then(|one| one.interval);
    let change_of = |channel| or_none(case.judgement_of(channel).map(|one| change(one.ratio)));
    CaseLine {
        id: case.case.id(),
        kind: match case.error {
            Some(_) => LineKind::Failed,
            None => LineKind::Verdict(comparison.binding(case.verdict())),
        },
        judged: case.judged,
        times: case.times.map(before_and_after),
        wall: change_of(Channel::Wall),
        interval: or_none(interval.map(range)),
        cpu: change_of(Channel::Cpu),
        note: note::note(case, comparison),
    }
}

/// The times of both sides, with the unit only once if it is the same.
fn before_and_after(times: SideTimes) -> String {
    let (before, after) = (units::time(times.base_ns), units::time(times.head_ns));
    match (before.split_once(' '), after.split_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number} → {after}"),
        _ => format!("{before} → {after}"),
    }
}

/// The line of a case that only one side has.
fn line_of_one_side(missing: &MissingCase, comparison: &Comparison) -> CaseLine {
    let mut note = format!("only the {} has it", missing.side.other().name());
    if let Some(error) = &missing.error {
        note += &format!("; {}: {}", error.kind, error.message);
    }
    CaseLine {
        id: missing.id.clone(),
        kind: match (missing.side, &missing.error) {
            (Side::Base, Some(_)) => LineKind::Failed,
            (lacks, _) => LineKind::OneSided {
                lacks,
                fails: comparison.refuses(missing),
            },
        },
        judged: Channel::Wall,
        times: None,
        wall: NONE.into(),
        interval: NONE.into(),
        cpu: NONE.into(),
        note: text::line(&note),
    }
}

/// A ratio of head to base as a change: `+5.2%`, `−0.31%`, or `× 2.50` if the ratio is 2 or more, or below 0.5.
pub(crate) fn change(ratio: f64) -> String {
    if !(0.5..2.0).contains(&ratio) {
        return format!("× {ratio:.2}");
    }
    let percent = (ratio - 1.0) * 100.0;
    let decimals = if percent.abs() < 0.995 { 2 } else { 1 };
    // The minus sign is as wide as a digit; the hyphen is not.
    format!("{percent:+.decimals$}%").replace('-', "−")
}

/// A share from 0 to 1 as a percentage, with up to three decimals: `0.1%`, `99.5%`.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", (share * 1e5).round() / 1e3)
}

/// An interval of ratios as changes: `+4.1% … +6.3%`.
fn range(interval: RatioInterval) -> String {
    format!("{} … {}", change(interval.low), change(interval.high))
}

/// The head and the base, by name and commit.
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

/// The first `count` characters of a hash. The hash comes from a file and may hold any text, so it is not sliced by
/// bytes.
fn beginning(hash: &str, count: usize) -> String {
    hash.chars().take(count).collect()
}

/// The number of cases per outcome, the worst first: `1 regressed, 3 unchanged`.
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

/// How the verdicts were obtained, and the reasons to doubt them: one sentence per fact.
pub(super) fn fitness(comparison: &Comparison) -> Vec<String> {
    let mut sentences = Vec::new();
    for why in &comparison.advisory {
        sentences.push(format!("The verdicts are advisory: {}.", text::line(why)));
    }
    if comparison.is_identical() {
        sentences.push("The two binaries are the same, byte for byte.".into());
    }
    if let Some(control) = &comparison.control {
        sentences.push(course::control_sentence(control));
    }
    sentences.extend(
        comparison
            .course
            .as_ref()
            .map(course::sentences)
            .unwrap_or_default(),
    );
    if let Some(pin) = comparison.pin {
        sentences.push(format!(
            "During the whole comparison, {}.",
            bound_or_not(pin)
        ));
    }
    if let Some(load) = comparison.foreign_load_ratio {
        let advice = match load >= FOREIGN_RATIO {
            true => " Stop them, or expect more inconclusive verdicts.",
            false => "",
        };
        sentences.push(format!(
            "Other programs used {} of the machine.{advice}",
            units::percent(load)
        ));
    }
    if let Some(spread) = comparison
        .calibration_spread_ratio
        .filter(|spread| *spread >= SWING)
    {
        sentences.push(format!(
            "The speed of the machine varied: when it was slow, the control loop took {} as long as when it was fast.",
            units::ratio(spread)
        ));
    }
    // No warning about the load average: it still contains the builds. The foreign load above was measured.
    sentences.extend(slow_clock(&comparison.host));
    sentences.extend(about_latencies(comparison));
    sentences.extend(conclusion::about_control(comparison).map(str::to_owned));
    if comparison.source == ComparisonSource::Records {
        sentences.push(
            "The records were measured at different times. `taskdyno gate` alternates two builds and detects smaller changes.".into(),
        );
    }
    sentences.push(format!(
        "The chance of any false alarm is at most {}; the seed was {}.",
        percent(comparison.alpha),
        comparison.seed
    ));
    sentences
}

/// Says which results no verdict is about; `None` if there are none.
fn about_latencies(comparison: &Comparison) -> Option<String> {
    let cases = comparison.cases.iter();
    let count = cases.filter(|case| case.has_latencies).count();
    let (whose, their) = match count {
        0 => return None,
        1 => (
            "The tasks of one case time more than the run; its".into(),
            "verdict is",
        ),
        _ => (
            format!("The tasks of {count} cases time more than the run; their"),
            "verdicts are",
        ),
    };
    Some(format!(
        "{whose} latencies are not judged, and the {their} about the run. `taskdyno run` shows them."
    ))
}

/// Says whether each worker was bound to a core. The result is a clause without a full stop.
pub(crate) fn bound_or_not(pin: bool) -> &'static str {
    match pin {
        true => "each worker was bound to a core",
        false => {
            "workers were not bound to cores, because another program may have kept a core busy, or because of \
            `--pin=never`"
        }
    }
}

/// The machine in one line.
pub(super) fn machine(comparison: &Comparison) -> String {
    let host = &comparison.host;
    text::line(&format!(
        "{}, {}, {}",
        host.processor,
        host.cores(),
        host.kernel
    ))
}

/// A comparison as styled text for a terminal. For other destinations, remove the styles with `anstream`.
pub(crate) fn styled_verdicts(comparison: &Comparison) -> String {
    let mut text = String::new();
    let bold = Style::new().bold();
    let dimmed = Style::new().dimmed();
    let lines = lines(comparison);
    let (rows, common) = common::without_common_notes(&lines);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{bold}{}{bold:#}", title(comparison));
    let _ = writeln!(text, "{dimmed}{}{dimmed:#}", machine(comparison));
    if !lines.is_empty() {
        text += &table(&rows);
    }
    for note in common {
        let _ = writeln!(text, "{note}");
    }
    for sentence in fitness(comparison) {
        let _ = writeln!(text, "{dimmed}{sentence}{dimmed:#}");
    }
    let _ = writeln!(text, "{}", counts(&lines));
    if let Some(sentence) = conclusion(comparison, &lines) {
        let _ = writeln!(text, "{sentence}");
    }
    text
}

fn table(lines: &[CaseLine]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING.header_separator(LineStyle::none().fill('─').junction('─')));
    let has_times = lines.iter().any(|line| line.times.is_some());
    let with_times = |cells: [&str; 7]| {
        let cells = cells.map(str::to_owned).into_iter().enumerate();
        let cells = cells.filter(|(index, _)| has_times || *index != TIMES_COLUMN);
        cells.map(|(_, cell)| cell).collect::<Vec<_>>()
    };
    table.set_header(with_times([
        "verdict", "case", "times", "wall", "interval", "CPU", "notes",
    ]));
    for line in lines {
        table.add_row(with_times([
            line.kind.name(),
            &text::line(&line.id),
            line.times.as_deref().unwrap_or(NONE),
            &line.wall,
            &line.interval,
            &line.cpu,
            &line.note,
        ]));
    }
    let last_figure = if has_times { 5 } else { 4 };
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        let is_figure = (2..=last_figure).contains(&index);
        column.set_cell_alignment(match is_figure {
            true => CellAlignment::Right,
            false => CellAlignment::Left,
        });
    }
    let rows = table.lines().map(|row| row.trim_end().to_owned() + "\n");
    // The heading and the rule are the two rows before the first case.
    let kinds = [None, None]
        .into_iter()
        .chain(lines.iter().map(|line| Some(line.kind)));
    rows.zip(kinds)
        .map(|(row, kind)| colored(&row, kind))
        .collect()
}

/// A row of the table with its verdict in colour. Colours are added last, because the table would count them as width.
fn colored(row: &str, kind: Option<LineKind>) -> String {
    match kind {
        None => row.into(),
        Some(kind) => {
            let style = kind.style();
            let word = kind.name();
            row.replacen(word, &format!("{style}{word}{style:#}"), 1)
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
