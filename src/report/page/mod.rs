//! The page of a report: its data, and the HTML file around it.
//!
//! [`Page`] holds everything that the page shows. [`document()`] puts it into one self-contained file, together with the
//! scripts and styles of `assets/page`, which draw it. `assets/page/README.md` says what each of them does.

use std::collections::{BTreeMap, BTreeSet};

use self::cases::views;
use self::claims::PageClaim;
use self::family::page_family;
use self::group::{backends, page_group, place_of};
use self::load::page_load;
use self::model::{PAGE_VERSION, PageFailure, PageGroup, PageHeading};
use self::ranks::over_ranks;
use self::runtimes::runtimes;
use self::sweeps::PageSweep;
use self::verdicts::{PageComparison, PageHistory};
use super::answer::Overview;
use super::heading::Heading;
use super::model::Report;
use crate::compare::{Comparison, History};
use crate::record::{Commit, ErrorKind, Record};

mod cases;
mod claims;
mod closing;
mod cost;
mod document;
mod family;
mod glossary;
mod group;
mod load;
mod model;
mod questions;
mod ranks;
mod round;
mod row;
mod runtimes;
mod scaling;
mod sweeps;
mod tail;
mod text;
mod verdicts;

pub(super) use document::document;
pub(crate) use model::Page;

/// The errors of cases that did not begin to run: they say something about the case, and nothing about the backend.
const NEVER_RAN: [ErrorKind; 4] = [
    ErrorKind::SetUp,
    ErrorKind::NotBound,
    ErrorKind::Memory,
    ErrorKind::Cancelled,
];

/// The title of a page.
const TITLE: &str = "taskdyno report";

impl Page {
    /// The page of this report.
    pub(crate) fn of_report(report: &Report) -> Self {
        let plain = report.records.iter();
        let plain = plain.filter(|record| record.peak.is_none() && record.claim.is_none());
        let records: BTreeMap<String, &Record> =
            plain.map(|record| (record.case.id(), record)).collect();
        let mut taken = BTreeSet::new();
        let all = report.groups.iter();
        let all: Vec<_> = all
            .map(|group| views(group, &records, &mut taken))
            .collect();
        let overview = Overview::new(report);
        let backends = backends(report, &all);
        let groups = report.groups.iter().zip(&all).zip(&overview.answers);
        let groups = groups.map(|((group, own), answer)| page_group(group, own, answer, &backends));
        let groups: Vec<_> = groups.collect();
        let ranks = over_ranks(&report.sweeps, |name| place_of(&backends, name));
        Self {
            heading: report.heading.as_ref().map(heading),
            load: page_load(&report.load, &groups),
            families: overview
                .families
                .iter()
                .map(|key| page_family(key))
                .collect(),
            backends,
            groups,
            sweeps: report.sweeps.iter().map(PageSweep::new).collect(),
            ranks,
            runtimes: runtimes(&report.records),
            not_applicable: not_applicable(&report.records),
            claims: report.claims.iter().map(PageClaim::new).collect(),
            timelines: report.timelines.clone(),
            ..Self::default()
        }
        .finished()
    }

    /// The page of this comparison.
    pub(crate) fn of_comparison(comparison: &Comparison) -> Self {
        Self {
            comparison: Some(PageComparison::new(comparison)),
            ..Self::default()
        }
        .finished()
    }

    /// The page of this history.
    pub(crate) fn of_history(history: &History) -> Self {
        Self {
            history: Some(PageHistory::new(history)),
            ..Self::default()
        }
        .finished()
    }

    /// Adds what follows from the rest: failures, the sentence of each view, and the words.
    fn finished(mut self) -> Self {
        self.page_version = PAGE_VERSION;
        self.title = TITLE.into();
        (self.skipped, self.failures) = failures(&self.groups);
        self.questions = questions::questions(&self);
        self.glossary = glossary::glossary(&self);
        self
    }
}

/// Why cases could not run, and how many. A run that was continued says it more than once.
fn not_applicable(records: &[Record]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (reason, count) in records.iter().flat_map(|record| &record.not_applicable) {
        let most: &mut u64 = counts.entry(reason.clone()).or_default();
        *most = (*most).max(*count);
    }
    counts
}

/// The cases that were not run, and those that failed.
fn failures(groups: &[PageGroup]) -> (Vec<PageFailure>, Vec<PageFailure>) {
    let failures = groups.iter().flat_map(|group| {
        group.rows.iter().filter_map(|row| {
            let error = row.error.as_ref()?;
            Some(PageFailure {
                row: row.id.clone(),
                name: format!(
                    "{}: {}",
                    group.title,
                    text::case_name(&row.label, row.workers)
                ),
                kind: error.kind.clone(),
                message: error.message.clone(),
            })
        })
    });
    failures.partition(|failure| NEVER_RAN.iter().any(|kind| kind.name() == failure.kind))
}

fn heading(heading: &Heading) -> PageHeading {
    PageHeading {
        taskdyno: heading.host.taskdyno.clone(),
        processor: heading.host.processor.clone(),
        machine: heading.machine(),
        core_count: heading.host.core_count,
        started: heading.begun(),
        commit: heading.commit.as_ref().map(Commit::short),
        commit_is_dirty: heading.commit.as_ref().is_some_and(|commit| commit.dirty),
        case_count: heading.case_count,
        failed_count: heading.failed_count,
        load_average: heading.host.load_average,
        governor: heading.host.governor.clone(),
        warnings: heading.warnings.clone(),
        findings: heading.host.findings.clone(),
    }
}

#[cfg(test)]
mod tests;
