//! The first view: which family of backends suits which workload.

use super::cases::CaseView;
use super::model::{PageCell, PageFamily};
use super::round::{figure, whole};
use crate::report::answer::{Answer, Best};
use crate::report::model::{LIMIT_FAMILY, RowOutcome};
use crate::report::words::LIMIT_NOTE;

/// The families of this program: key, heading, meaning.
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
        "processes, which share only the memory that they ask for",
    ),
    (
        "mixed",
        "Processes with threads",
        "processes with several threads each",
    ),
    (
        "unknown",
        "Unknown",
        "backends whose records do not say what they are",
    ),
];

/// The column of a family, whose key is that of [`crate::report::model::Row::family`].
pub(super) fn page_family(key: &str) -> PageFamily {
    let known = KNOWN.iter().find(|(known, _, _)| *known == key);
    let (title, why) = match known {
        Some((_, title, why)) => ((*title).into(), (*why).into()),
        None if key == LIMIT_FAMILY => (
            "Limit".into(),
            format!("{LIMIT_NOTE}; it is no choice, so it never wins"),
        ),
        None => (capitalised(key), of_language(key)),
    };
    PageFamily {
        key: key.into(),
        title,
        why,
    }
}

/// What a family of another language is, such as `python threads`.
fn of_language(key: &str) -> String {
    match key.split_once(' ') {
        Some((language, family)) => {
            format!(
                "{family} of a program in {}, on its own runtime",
                capitalised(language)
            )
        }
        None => key.into(),
    }
}

/// The words with a capital letter.
fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// The best case of each column that has any, in the order of the columns.
pub(super) fn cells(views: &[CaseView], answer: &Answer) -> Vec<PageCell> {
    let firsts = answer.cells.iter().flatten().filter(|cell| cell.is_first);
    let is_tied = firsts.count() > 1;
    let fastest = answer.cells.iter().flatten();
    let fastest = fastest.filter(|cell| cell.is_first);
    let fastest = fastest.min_by(|a, b| {
        let median = |cell: &Best| views[cell.row].median_ns().unwrap_or(f64::INFINITY);
        median(a).total_cmp(&median(b))
    });
    let cells = answer.cells.iter().flatten();
    let cells = cells.map(|best| {
        let view = &views[best.row];
        let ratio = view.measured().and_then(|measured| measured.ratio);
        let interval = ratio.and_then(|ratio| ratio.interval);
        PageCell {
            family: view.row.family.clone(),
            row: Some(view.id.clone()),
            label: view.row.label.clone(),
            workers: view.row.workers,
            median_ns: view.median_ns().map(whole),
            ratio: ratio.map(|one| figure(one.ratio)),
            ratio_low: interval.map(|one| figure(one.low)),
            ratio_high: interval.map(|one| figure(one.high)),
            is_best: fastest.is_some_and(|fastest| fastest.row == best.row),
            is_tied: is_tied && best.is_first,
            is_limit: view.row.is_limit,
            failure: match &view.row.outcome {
                RowOutcome::Failed(error) => Some(format!("failed: {}", error.kind)),
                RowOutcome::Measured(_) => None,
            },
        }
    });
    cells.collect()
}
