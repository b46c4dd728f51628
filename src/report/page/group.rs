//! The groups of the page: a workload with its cells, rows and sentences.

use super::cases::{CaseView, own_serial_ns};
use super::closing;
use super::family::cells;
use super::model::{PageBackend, PageGroup};
use super::round::whole;
use super::row::rows;
use super::scaling::curves;
use crate::report::answer::Answer;
use crate::report::model::{Group, LIMIT, Report};
use crate::report::words::files;

/// The group with these cases.
pub(super) fn page_group(
    group: &Group,
    views: &[CaseView],
    answer: &Answer,
    backends: &[PageBackend],
) -> PageGroup {
    let backend = |view: &CaseView| place_of(backends, &view.row.backend);
    let mut page = PageGroup {
        slug: group.slug.clone(),
        workload: group.workload.clone(),
        variant: group.variant.clone(),
        title: group.title(),
        why: group.why.clone(),
        parameters: group.parameters.clone(),
        task_count: group.graph.map(|graph| graph.task_count),
        edge_count: group.graph.map(|graph| graph.edge_count),
        files: files(group),
        ranked_by: group.ranked_by.name(),
        time_words: group.ranked_by.words(),
        cells: cells(views, answer),
        closing: format!("{}.", answer.sentence),
        closings: Default::default(),
        rows: rows(views, group.ranked_by, backend),
        scaling: curves(views, backend),
        serial_ns: own_serial_ns(views).map(whole),
    };
    page.closings = closing::of_group(&page);
    page
}

/// The position of the backend of this name; 0 if there is none.
pub(super) fn place_of(backends: &[PageBackend], name: &str) -> usize {
    let place = backends.iter().position(|one| one.name == name);
    place.unwrap_or_default()
}

/// All backends of the report, sorted by name.
pub(super) fn backends(report: &Report, groups: &[Vec<CaseView>]) -> Vec<PageBackend> {
    let backends = report.backends.iter().map(|name| {
        let view = groups
            .iter()
            .flatten()
            .find(|view| view.row.backend == *name);
        let record = report
            .records
            .iter()
            .find(|record| record.case.backend == *name);
        PageBackend {
            name: name.clone(),
            family: view.map_or_else(String::new, |view| view.row.family.clone()),
            language: view.map_or_else(String::new, |view| view.row.language.clone()),
            is_limit: name == LIMIT,
            why: record.and_then(|record| record.backend_why.clone()),
        }
    });
    backends.collect()
}
