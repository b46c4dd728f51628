//! The cases of a group with their records: what all views of the page are computed from.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Channel, Record, slug};
use crate::report::model::ALPHA;
use crate::report::model::{Group, Measured, Row, RowOutcome, SERIAL};
use crate::stats::{Interval, Ratio, median, ratio_of_medians};

/// A case of a group.
pub(super) struct CaseView<'a> {
    /// Its row in the report.
    pub row: &'a Row,
    /// The record of the row.
    pub record: &'a Record,
    /// A name for anchors, unique on the page.
    pub id: String,
    /// The family of its backend; see [`Row::family`].
    pub family: &'a str,
    /// The key of its column: the family, `limit`, or the language if it is a foreign one.
    pub column: String,
    /// The times of one run that count, in nanoseconds; empty if it failed.
    pub times: Vec<f64>,
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

    /// The interval of the median; with too few samples, the median as both ends.
    pub(super) fn range(&self) -> Option<Interval> {
        let measured = self.measured()?;
        let low = measured.median_ns;
        Some(measured.interval.unwrap_or(Interval { low, high: low }))
    }
}

/// The column of a case. The practical limit has a column of its own, because it never wins.
fn column(row: &Row) -> String {
    match row {
        _ if row.is_limit => "limit".into(),
        _ if row.language != "rust" => row.language.clone(),
        _ if row.family.is_empty() => "other".into(),
        _ => row.family.clone(),
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
        let samples = record.samples.iter().filter(|one| !one.is_degraded);
        let times = samples.filter_map(|sample| group.ranked_by.run_ns(sample));
        Some(CaseView {
            row,
            record,
            id: anchor(
                &format!("{}-{}-{}", group.slug, slug(&row.label), row.workers),
                taken,
            ),
            family: &row.family,
            column: column(row),
            times: match row.outcome {
                RowOutcome::Measured(_) => times.collect(),
                RowOutcome::Failed(_) => Vec::new(),
            },
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
        other.family == SERIAL && other.row.language == view.row.language && !other.times.is_empty()
    });
    loops.min_by(|a, b| {
        a.median_ns()
            .partial_cmp(&b.median_ns())
            .unwrap_or(std::cmp::Ordering::Equal)
    })
}

/// How the cases of a group compare with the best of them. The practical limit is compared, but never the best.
pub(super) struct Standing {
    /// The position of the best case; `None` if only the practical limit was measured.
    pub best: Option<usize>,
    /// The rank of each case; `None` if it failed, or is the practical limit.
    pub ranks: Vec<Option<usize>>,
    /// The number of cases with rank 1.
    pub first_count: usize,
    /// The median of each case as a multiple of the best; `None` if it failed.
    pub ratios: Vec<Option<Ratio>>,
}

impl Standing {
    /// How these cases compare.
    pub(super) fn new(views: &[CaseView]) -> Self {
        let competes = |view: &CaseView| !view.row.is_limit && view.median_ns().is_some();
        let mut order: Vec<usize> = (0..views.len()).filter(|i| competes(&views[*i])).collect();
        order.sort_by(|a, b| {
            let median = |index: usize| views[index].median_ns().unwrap_or(f64::INFINITY);
            median(*a).total_cmp(&median(*b))
        });
        let best = order.first().copied();
        let best_range = best.and_then(|best| views[best].range());
        let is_first = |index: &usize| {
            let own = views[*index].range();
            own.zip(best_range)
                .is_some_and(|(own, best)| own.overlaps(&best))
        };
        let (first, others): (Vec<usize>, Vec<usize>) = order.into_iter().partition(is_first);
        let mut ranks = vec![None; views.len()];
        first.iter().for_each(|index| ranks[*index] = Some(1));
        for (place, index) in others.iter().enumerate() {
            ranks[*index] = Some(first.len() + place + 1);
        }
        let ratio = |view: &CaseView| {
            let best = &views[best?];
            let ratio = ratio_of_medians(&view.times, &best.times, ALPHA)?;
            // The ratio of a case to itself is exactly 1. An interval would assume independent medians.
            let is_itself = std::ptr::eq(view, best);
            Some(Ratio {
                interval: ratio.interval.filter(|_| !is_itself),
                ..ratio
            })
        };
        Self {
            best,
            first_count: first.len(),
            ratios: views.iter().map(ratio).collect(),
            ranks,
        }
    }

    /// Whether this case shares rank 1 with others.
    pub(super) fn is_tied(&self, index: usize) -> bool {
        self.first_count > 1 && self.ranks[index] == Some(1)
    }
}

/// The median of the fastest plain loop of this program, in nanoseconds.
pub(super) fn own_serial_ns(views: &[CaseView]) -> Option<f64> {
    let loops = views
        .iter()
        .filter(|view| view.family == SERIAL && view.row.language == "rust");
    let medians = loops.filter_map(|view| median(&view.times));
    medians.min_by(f64::total_cmp)
}
