//! The cases of a group with their records: what all views of the page are computed from.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Channel, Record, slug};
use crate::report::group::is_serial;
use crate::report::model::{Group, Measured, Row, RowOutcome};

/// A case of a group.
pub(super) struct CaseView<'a> {
    /// Its row in the report.
    pub row: &'a Row,
    /// The record of the row.
    pub record: &'a Record,
    /// A name for anchors, unique on the page.
    pub id: String,
    /// The times of one run that count, in nanoseconds; empty if it failed.
    pub times: &'a [f64],
    /// Whether it is the plain loop of its language.
    pub is_serial: bool,
    /// Whether `times` are wall times.
    pub is_ranked_by_wall: bool,
}

impl<'a> CaseView<'a> {
    /// The figures of the row; `None` if it failed.
    pub(super) fn measured(&self) -> Option<&'a Measured> {
        match &self.row.outcome {
            RowOutcome::Measured(measured) => Some(measured),
            RowOutcome::Failed(_) => None,
        }
    }

    /// The median time of a run in nanoseconds; `None` if it failed.
    pub(super) fn median_ns(&self) -> Option<f64> {
        Some(self.measured()?.median_ns)
    }
}

/// The cases of a group, in the order of its rows. Rows without a record, of which there are none, are left out.
pub(super) fn views<'a>(
    group: &'a Group,
    records: &BTreeMap<String, &'a Record>,
    taken: &mut BTreeSet<String>,
) -> Vec<CaseView<'a>> {
    let views = group.rows.iter().filter_map(|row| {
        let record = *records.get(&row.case)?;
        Some(CaseView {
            row,
            record,
            id: anchor(
                &format!("{}-{}-{}", group.slug, slug(&row.label), row.workers),
                taken,
            ),
            times: match &row.outcome {
                RowOutcome::Measured(measured) => &measured.times_ns,
                RowOutcome::Failed(_) => &[],
            },
            is_serial: is_serial(record),
            is_ranked_by_wall: group.ranked_by == Channel::Wall,
        })
    });
    views.collect()
}

/// The name, or the name with a number if it is taken.
fn anchor(name: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut all = std::iter::once(name.to_owned()).chain(numbered);
    // There are endlessly many, so one of them is new.
    all.find(|one| taken.insert(one.clone()))
        .unwrap_or_default()
}

/// The fastest plain loop of the language of `view`; `None` if it was not measured.
pub(super) fn serial_of<'v, 'a>(
    view: &CaseView,
    views: &'v [CaseView<'a>],
) -> Option<&'v CaseView<'a>> {
    let loops = views.iter().filter(|other| {
        other.is_serial && other.row.language == view.row.language && !other.times.is_empty()
    });
    loops.min_by(|a, b| {
        a.median_ns()
            .partial_cmp(&b.median_ns())
            .unwrap_or(std::cmp::Ordering::Equal)
    })
}

/// The median of the fastest plain loop of this program, in nanoseconds.
pub(super) fn own_serial_ns(views: &[CaseView]) -> Option<f64> {
    let loops = views
        .iter()
        .filter(|view| view.is_serial && view.row.language == "rust");
    let medians = loops.filter_map(|view| view.median_ns());
    medians.min_by(f64::total_cmp)
}
