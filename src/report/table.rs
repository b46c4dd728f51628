//! The report for a terminal: one table per group and per sweep, and the claims.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, LineStyle, Table};

use super::claim_table::claims_text;
use super::model::{Group, Measured, Report, Row, RowOutcome, Sweep};
use super::words::{
    self, CLOSENESS_NOTE, LIMIT_MARK, LIMIT_NOTE, NONE, TOO_FEW_NOTE, closeness, curve_notes,
    latency_cells, latency_headings, metg_figure, name, notes,
};
use super::worker_cpu::WorkerCpu;
use crate::text;
use crate::units;

const TITLE: Style = Style::new().bold();
const DETAIL: Style = Style::new().dimmed();
const FAILURE: Style = AnsiColor::Red.on_default();
const BEST: Style = AnsiColor::Green.on_default();

/// The tables of all groups and sweeps, styled for a terminal. For other destinations, remove the styles with
/// `anstream`. Without records, one line says so.
pub(crate) fn styled_tables(report: &Report) -> String {
    if report.is_empty() {
        return "no records, so there is nothing to show\n".into();
    }
    let mut text = String::new();
    for group in &report.groups {
        title(&mut text, group);
        text += &table(group);
        text += &latency_table(group);
        failures(&mut text, group);
        text.push('\n');
    }
    for sweep in &report.sweeps {
        text += &sweep_table(sweep);
    }
    text += &claims_text(&report.claims);
    let rows = || report.groups.iter().flat_map(|group| &group.rows);
    if rows().any(|row| row.is_limit) {
        line(&mut text, DETAIL, &format!("{LIMIT_MARK} {LIMIT_NOTE}"));
    }
    if report.groups.iter().any(Group::has_bounds) {
        line(&mut text, DETAIL, CLOSENESS_NOTE);
    }
    if report
        .groups
        .iter()
        .any(|group| !group.latencies().is_empty())
    {
        line(&mut text, DETAIL, TOO_FEW_NOTE);
    }
    if rows().any(is_tied) {
        let note = "tied: the 95% interval overlaps that of the fastest, so the data cannot tell them apart";
        line(&mut text, DETAIL, note);
    }
    text
}

/// The tables of all groups and sweeps, as plain text.
#[cfg(test)]
pub(crate) fn tables(report: &Report) -> String {
    anstream::adapter::strip_str(&styled_tables(report)).to_string()
}

fn is_tied(row: &Row) -> bool {
    matches!(&row.outcome, RowOutcome::Measured(measured) if measured.is_tied)
}

pub(super) fn line(text: &mut String, style: Style, content: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{style}{content}{style:#}");
}

fn title(text: &mut String, group: &Group) {
    line(text, TITLE, &text::line(&group.title()));
    let mut details = group.parameters.clone();
    if let Some(graph) = group.graph {
        details.push(units::counted(graph.task_count as usize, "task"));
    }
    details.extend(words::files(group));
    line(text, DETAIL, &text::line(&details.join("; ")));
}

/// The table of a sweep: the granularity of each backend.
fn sweep_table(sweep: &Sweep) -> String {
    let mut text = String::new();
    line(&mut text, TITLE, &text::line(&sweep.title()));
    let details = sweep.parameters.join("; ");
    line(&mut text, DETAIL, &text::line(&details));
    let mut table = empty_table();
    let metg = format!("METG({})", units::percent(sweep.target));
    table.set_header([
        "backend",
        metg.as_str(),
        "95% interval",
        "best efficiency",
        "utilisation",
        "notes",
    ]);
    for curve in &sweep.curves {
        let mark = if curve.is_limit { LIMIT_MARK } else { "" };
        let best = curve.points.iter().map(|point| point.efficiency);
        let best = best.max_by(f64::total_cmp).map(units::percent);
        let interval = curve.metg.and_then(|metg| metg.interval);
        table.add_row([
            format!("{}{mark}", text::line(&curve.label)),
            metg_figure(curve),
            words::interval(interval),
            best.unwrap_or_else(|| NONE.into()),
            curve.utilisation.map_or(NONE.into(), units::percent),
            curve_notes(curve, sweep.target).join(", "),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        column.set_cell_alignment(match index {
            0 | 5 => CellAlignment::Left,
            _ => CellAlignment::Right,
        });
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    text.extend(lines);
    text.push('\n');
    text
}

/// The table of latencies, below that of the wall times; empty if the tasks timed nothing.
fn latency_table(group: &Group) -> String {
    let latencies = group.latencies();
    if latencies.is_empty() {
        return String::new();
    }
    let mut table = empty_table();
    table.set_header(
        ["latency", "backend", "workers"]
            .into_iter()
            .chain(latency_headings()),
    );
    for (row, latency) in latencies {
        let first = [&latency.name, &row.label].map(|name| text::line(name));
        let first = first.into_iter().chain([row.workers.to_string()]);
        table.add_row(first.chain(latency_cells(latency)));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        column.set_cell_alignment(match index {
            0 | 1 => CellAlignment::Left,
            _ => CellAlignment::Right,
        });
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    "\n".to_owned() + &lines.collect::<String>()
}

fn empty_table() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING.header_separator(LineStyle::none().fill('─').junction('─')));
    table
}

fn table(group: &Group) -> String {
    let mut table = empty_table();
    let header = ["rank", "backend", "workers", "median", "95% interval"];
    let header = header.into_iter().chain(["× best", "utilisation"]);
    table.set_header(
        header
            .chain(last_columns(group).iter().copied())
            .chain(["notes"]),
    );
    for row in &group.rows {
        table.add_row(cells(row, group));
    }
    let notes = table.column_count() - 1;
    for (index, column) in table.column_iter_mut().enumerate() {
        // Text is aligned left, numbers are aligned right.
        let is_word = index == 1 || index == notes;
        column.set_padding((0, 1));
        column.set_cell_alignment(if is_word {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        });
    }
    // The heading and the rule are the two rows before the first case.
    let styles = [Style::new(); 2].into_iter();
    let styles = styles.chain(group.rows.iter().map(style));
    let mut text = String::new();
    for (row, style) in table.lines().zip(styles) {
        line(&mut text, style, row.trim_end());
    }
    text
}

/// The style of a row: the first rank and failures stand out. Styles are added last, because the table would count them
/// as width.
fn style(row: &Row) -> Style {
    match &row.outcome {
        RowOutcome::Measured(measured) if measured.rank == Some(1) => BEST,
        RowOutcome::Measured(_) => Style::new(),
        RowOutcome::Failed(_) => FAILURE,
    }
}

/// The columns after the speed: how close a case came to the best possible schedule, if the group has one; otherwise
/// the cost of a task, and the CPU time of each worker if it is known, for which the other tables have no room.
fn last_columns(group: &Group) -> &'static [&'static str] {
    match (group.has_bounds(), group.has_worker_cpu()) {
        (true, _) => &["closeness", "schedule loss", "overhead", "inflation"],
        (false, true) => &["time per task", "overhead per task", "CPU per worker"],
        (false, false) => &["time per task", "overhead per task"],
    }
}

fn cells(row: &Row, group: &Group) -> Vec<String> {
    let mark = if row.is_limit { LIMIT_MARK } else { "" };
    let backend = format!("{}{mark}", text::line(&row.label));
    let mut cells = match &row.outcome {
        RowOutcome::Measured(measured) => figures(measured, group),
        RowOutcome::Failed(_) => vec![NONE.into(); 5 + last_columns(group).len()],
    };
    // The rank is the first column, before the name of the row.
    let rank = std::mem::replace(&mut cells[0], row.workers.to_string());
    let notes = text::line(&notes(row).join(", "));
    [rank, backend]
        .into_iter()
        .chain(cells)
        .chain([notes])
        .collect()
}

/// The rank, and the values of the columns between the workers and the notes.
fn figures(measured: &Measured, group: &Group) -> Vec<String> {
    let first = [
        measured.rank.map(|rank| rank.to_string()),
        Some(units::time(measured.median_ns)),
        measured
            .interval
            .map(|ends| units::times(ends.low, ends.high)),
        measured.ratio.map(|ratio| units::ratio(ratio.ratio)),
        measured.utilisation.map(units::percent),
    ];
    let schedule = measured.schedule.as_ref();
    let last = match group.has_bounds() {
        true => vec![
            schedule.map(closeness),
            schedule.and_then(|one| one.schedule_loss_ns.map(units::time)),
            schedule.and_then(|one| one.overhead_ns.map(units::time)),
            schedule.and_then(|one| one.inflation.map(units::ratio)),
        ],
        false => vec![
            measured.task_ns.map(units::time),
            measured.overhead_ns.map(units::time),
            measured.worker_cpu.map(WorkerCpu::text),
        ],
    };
    let all = first
        .into_iter()
        .chain(last)
        .take(5 + last_columns(group).len());
    all.map(|text| text.unwrap_or_else(|| NONE.into()))
        .collect()
}

pub(super) fn failures(text: &mut String, group: &Group) {
    for row in &group.rows {
        if let RowOutcome::Failed(error) = &row.outcome {
            let message = format!("{}: {}: {}", name(row), error.kind, error.message);
            line(text, FAILURE, &text::line(&message));
        }
    }
}
