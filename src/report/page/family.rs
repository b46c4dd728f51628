//! The first view: which family of backends suits which workload.

use super::cases::{CaseView, Standing};
use super::model::{PageCell, PageFamily};
use super::round::{figure, whole};
use crate::report::model::RowOutcome;
use crate::report::words::LIMIT_NOTE;

/// The columns that every page has if it has cases of them, in their order: key, heading, meaning.
const KNOWN: [(&str, &str, &str); 6] = [
    (
        "serial",
        "One thread",
        "a plain loop that runs one task after the other",
    ),
    ("threads", "Threads", "threads of one process"),
    (
        "async",
        "Async",
        "an event loop, or several: tasks that wait do not occupy a worker",
    ),
    (
        "processes",
        "Processes",
        "processes, which share no memory but what they ask for",
    ),
    (
        "mixed",
        "Processes with threads",
        "processes with several threads each",
    ),
    (
        "other",
        "Others",
        "backends whose records do not say what they are",
    ),
];

/// The column of the practical limit, which is the last.
pub(super) const LIMIT_KEY: &str = "limit";

/// The columns of these cases.
pub(super) fn families(groups: &[Vec<CaseView>]) -> Vec<PageFamily> {
    let views = || groups.iter().flatten();
    let mut families: Vec<PageFamily> = Vec::new();
    for (key, title, why) in KNOWN {
        if views().any(|view| view.column == key) {
            families.push(PageFamily {
                key: key.into(),
                title: title.into(),
                why: why.into(),
            });
        }
    }
    let is_known = |key: &str| key == LIMIT_KEY || KNOWN.iter().any(|one| one.0 == key);
    for view in views().filter(|view| !is_known(&view.column)) {
        if families.iter().all(|one| one.key != view.column) {
            families.push(PageFamily {
                key: view.column.clone(),
                title: capitalised(&view.column),
                why: format!("the backends that {} comes with", capitalised(&view.column)),
            });
        }
    }
    if views().any(|view| view.column == LIMIT_KEY) {
        families.push(PageFamily {
            key: LIMIT_KEY.into(),
            title: "Limit".into(),
            why: format!("{LIMIT_NOTE}; it is no choice, so it never wins"),
        });
    }
    families
}

/// The word with a capital letter.
fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// The best case of each column that has any, in the order of the columns.
pub(super) fn cells(
    views: &[CaseView],
    standing: &Standing,
    families: &[PageFamily],
) -> Vec<PageCell> {
    let cells = families.iter().filter_map(|family| {
        let own = || (0..views.len()).filter(|index| views[*index].column == family.key);
        let measured = own().filter_map(|index| Some((index, views[index].median_ns()?)));
        let best = measured.min_by(|a, b| a.1.total_cmp(&b.1));
        match best {
            Some((index, median_ns)) => Some(cell(views, standing, index, median_ns)),
            None => own().next().map(|index| failed(&views[index])),
        }
    });
    cells.collect()
}

fn cell(views: &[CaseView], standing: &Standing, index: usize, median_ns: f64) -> PageCell {
    let view = &views[index];
    let ratio = standing.ratios[index];
    let interval = ratio.and_then(|one| one.interval);
    PageCell {
        family: view.column.clone(),
        row: Some(view.id.clone()),
        label: view.row.label.clone(),
        workers: view.row.workers,
        median_ns: Some(whole(median_ns)),
        ratio: ratio.map(|one| figure(one.ratio)),
        ratio_low: interval.map(|one| figure(one.low)),
        ratio_high: interval.map(|one| figure(one.high)),
        is_best: standing.best == Some(index),
        is_tied: standing.is_tied(index),
        is_limit: view.row.is_limit,
        failure: None,
    }
}

/// The cell of a column whose cases all failed.
fn failed(view: &CaseView) -> PageCell {
    PageCell {
        family: view.column.clone(),
        row: Some(view.id.clone()),
        label: view.row.label.clone(),
        workers: view.row.workers,
        median_ns: None,
        ratio: None,
        ratio_low: None,
        ratio_high: None,
        is_best: false,
        is_tied: false,
        is_limit: view.row.is_limit,
        failure: match &view.row.outcome {
            RowOutcome::Failed(error) => Some(format!("failed: {}", error.kind)),
            RowOutcome::Measured(_) => None,
        },
    }
}
