//! The overview for a terminal: one table of workload × family, and one sentence per workload.

use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, LineStyle, Table};

use super::answer::{Best, Overview};
use super::model::{Group, LIMIT_FAMILY, Report, Row, RowOutcome};
use super::table::{failures, line};
use super::words::{FOREIGN_RATIO, LIMIT_MARK, LIMIT_NOTE, NONE};
use crate::text;
use crate::units;

const TITLE: Style = Style::new().bold();
const DETAIL: Style = Style::new().dimmed();
const BEST: Style = AnsiColor::Green.on_default();

/// The mark of a case that is the best, or tied with it.
const FIRST_MARK: &str = "*";

/// A name of a workload is not cut to fewer columns than this.
const MIN_NAME_WIDTH: usize = 12;

/// The overview in at most `width` columns, styled for a terminal. For other destinations, remove the styles with
/// `anstream`. Without cases, one line says so.
pub(crate) fn styled_overview(report: &Report, width: usize) -> String {
    if report.groups.is_empty() {
        return "no records, so there is nothing to show\n".into();
    }
    let overview = Overview::new(report);
    let mut text = String::new();
    matrix(&mut text, report, &overview, width);
    text.push('\n');
    for (group, answer) in report.groups.iter().zip(&overview.answers) {
        let sentence = format!("{}: {}", group_name(group), answer.sentence);
        text += &text::wrapped(&text::line(&sentence), width, 2);
        failures(&mut text, group);
    }
    text.push('\n');
    for note in notes(report, &overview) {
        let note = text::wrapped(&text::line(&note), width, 2);
        note.lines().for_each(|part| line(&mut text, DETAIL, part));
    }
    text
}

/// What explains the table, and what makes it doubtful.
fn notes(report: &Report, overview: &Overview) -> Vec<String> {
    let mut notes = vec![
        "× best: the time of the best case of each family as a multiple of the best of all. \
        * marks the best and those that the data cannot tell apart from it. `--details` shows every case"
            .to_owned(),
    ];
    if overview.families.iter().any(|one| one == LIMIT_FAMILY) {
        notes.push(format!("{LIMIT_MARK} {LIMIT_NOTE}"));
    }
    notes.extend(disturbance(report));
    notes
}

/// How many cases other programs disturbed; `None` if they disturbed none.
fn disturbance(report: &Report) -> Option<String> {
    let measured = report.groups.iter().flat_map(Group::measured);
    let shares = measured.filter_map(|(_, measured)| measured.foreign_ratio);
    let mut shares: Vec<f64> = shares.filter(|share| *share >= FOREIGN_RATIO).collect();
    shares.sort_by(f64::total_cmp);
    let (low, high) = (shares.first()?, shares.last()?);
    let (low, high) = (units::percent(*low), units::percent(*high));
    let range = match low == high {
        true => high,
        false => format!("{} to {high}", low.trim_end_matches('%')),
    };
    let cases = match shares.len() {
        1 => "1 case".into(),
        count => format!("{count} cases"),
    };
    Some(format!(
        "{range} foreign load in {cases}: other programs were running, so these times are doubtful; stop them and run again"
    ))
}

/// The table. Columns are dropped until it fits: first other languages from the last on, then the limit, `mixed`, and the
/// others from the last on. The names of workloads are cut only if a single family does not fit.
fn matrix(text: &mut String, report: &Report, overview: &Overview, width: usize) {
    let mut columns: Vec<usize> = (0..overview.families.len()).collect();
    let mut name_width = usize::MAX;
    loop {
        let table = table(report, overview, &columns, name_width);
        let needed = table.lines().map(|row| row.trim_end().chars().count());
        let needed = needed.max().unwrap_or(0);
        if needed <= width || (columns.len() <= 1 && name_width <= MIN_NAME_WIDTH) {
            return paint(text, &table);
        }
        match columns.len() {
            0 | 1 => name_width = name_width.min(needed).saturating_sub(1),
            _ => {
                columns.remove(least(&columns, &overview.families));
            }
        }
    }
}

/// The position in `columns` of the family to drop next.
fn least(columns: &[usize], families: &[String]) -> usize {
    let is = |test: fn(&str) -> bool| {
        let mut positions = columns.iter();
        positions.rposition(|&column| test(&families[column]))
    };
    is(|family| family.contains(' '))
        .or_else(|| is(|family| family == LIMIT_FAMILY))
        .or_else(|| is(|family| family == "mixed"))
        .unwrap_or(columns.len() - 1)
}

/// Each workload has two lines: how many times longer each family takes, and the backend that is the best of the family.
fn table(report: &Report, overview: &Overview, columns: &[usize], name_width: usize) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING.header_separator(LineStyle::none().fill('─').junction('─')));
    let families = columns.iter().map(|&column| {
        let family = text::line(&overview.families[column]);
        match family == LIMIT_FAMILY {
            true => format!("{family}{LIMIT_MARK}"),
            false => family,
        }
    });
    table.set_header(["× best".to_owned()].into_iter().chain(families));
    for (group, answer) in report.groups.iter().zip(&overview.answers) {
        let cells = columns
            .iter()
            .map(|&column| answer.cells[column].as_ref())
            .map(|best| best.map(|best| (figure(best), backend(&group.rows[best.row]))));
        let cells: Vec<(String, String)> = cells
            .map(|cell| cell.unwrap_or((NONE.into(), String::new())))
            .collect();
        let name = text::shortened(&text::line(&group_name(group)), name_width);
        let figures = cells.iter().map(|(figure, _)| figure.clone());
        table.add_row([name].into_iter().chain(figures));
        let backends = cells.iter().map(|(_, backend)| backend.clone());
        table.add_row([String::new()].into_iter().chain(backends));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
        column.set_cell_alignment(CellAlignment::Left);
    }
    table
}

fn figure(best: &Best) -> String {
    let figure = best
        .ratio
        .map(|ratio| format!("{}×", units::multiple(ratio)));
    let mark = if best.is_first { FIRST_MARK } else { "" };
    figure.map_or("failed".into(), |figure| figure + mark)
}

/// The backend and its number of workers, such as `rayon/2`.
fn backend(row: &Row) -> String {
    match &row.outcome {
        RowOutcome::Measured(_) => format!("{}/{}", text::line(&row.label), row.workers),
        RowOutcome::Failed(error) => error.kind.to_string(),
    }
}

/// The name of the workload and the values that are swept, without their keys.
fn group_name(group: &Group) -> String {
    let values = group.variant.split(',');
    let values = values.map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
    match values.is_empty() {
        true => group.workload.clone(),
        false => format!("{} · {}", group.workload, values.join(", ")),
    }
}

/// Adds the table with its styles, which the table would count as width: bold headings, green for the best figures of a
/// row, and dimmed backends.
fn paint(text: &mut String, table: &Table) {
    for (index, row) in table.lines().enumerate() {
        let row = row.trim_end();
        match index {
            0 => line(text, TITLE, row),
            1 => line(text, Style::new(), row),
            _ if index % 2 == 0 => line(text, Style::new(), &green(row)),
            _ => line(text, DETAIL, row),
        }
    }
}

/// The row with all marked figures in green.
fn green(row: &str) -> String {
    let words = row.split_inclusive(' ');
    let words = words.map(
        |word| match word.trim_end().ends_with(&format!("×{FIRST_MARK}")) {
            true => format!("{BEST}{word}{BEST:#}"),
            false => word.to_owned(),
        },
    );
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::record::fixture::case;
    use crate::report::tests::{report, varied};

    fn plain(report: &Report, width: usize) -> String {
        anstream::adapter::strip_str(&styled_overview(report, width)).to_string()
    }

    #[test]
    fn an_overview() {
        insta::assert_snapshot!(plain(&varied(), 100));
    }

    #[test]
    fn columns_are_dropped_and_nothing_is_wrapped() {
        let backends = ["serial", "static", "a-backend-with-a-long-name", "rayon"];
        let report = report(backends.map(|name| case("a-workload-with-a-long-name", name, 2)));
        for width in [200, 80, 60, 40, 30] {
            let text = plain(&report, width);
            let table: Vec<&str> = text.lines().take(4).collect();
            let widest = table.iter().map(|row| row.chars().count()).max().unwrap();
            assert!(widest <= width, "{width}:\n{text}");
            assert!(table[2].contains("1.00×"), "{width}:\n{text}");
        }
        assert!(plain(&report, 200).contains("static/2"));
        assert!(!plain(&report, 60).contains("static/2"));
    }

    #[test]
    fn the_best_and_those_tied_with_it_are_green() {
        let report = report([
            case("empty", "serial", 1).around_us(1000),
            case("empty", "rayon", 2).around_us(3000),
        ]);
        let text = styled_overview(&report, 80);
        assert!(text.contains("\u{1b}[32m1.00×*"), "{text}");
        assert!(!text.contains("\u{1b}[32m3.00×"), "{text}");
    }

    #[test]
    fn foreign_load_is_said_once_with_the_number_of_cases() {
        let quiet = report([case("empty", "rayon", 2)]);
        assert_eq!(disturbance(&quiet), None);
        let loaded = |backend: &str, foreign_ns: u64| {
            let mut record = case("empty", backend, 2).around_us(1000).record();
            for sample in &mut record.samples {
                sample.foreign_cpu_ns = Some(foreign_ns * sample.wall_ns / 1000);
            }
            record
        };
        let said = |records: &[Record]| disturbance(&Report::new(records).unwrap()).unwrap();
        let one = said(&[loaded("rayon", 600), loaded("serial", 0)]);
        assert!(one.starts_with("30% foreign load in 1 case: "), "{one}");
        let two = said(&[loaded("rayon", 600), loaded("tokio", 1540)]);
        assert!(
            two.starts_with("30 to 77% foreign load in 2 cases: "),
            "{two}"
        );
    }
}
