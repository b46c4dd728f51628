//! Sentences that more than one format needs.

use super::model::{Curve, Group, Measured, Row, RowOutcome};
use super::schedule::Schedule;
use super::verdict::percent;
use crate::compare::{History, Series};
use crate::stats::Interval;
use crate::stats::metg::{Crossing, SweepPoint};
use crate::units;

/// The share of the machine that went to others above which a case is marked: nanobench calls a result
/// unstable at an error of 5%.
const FOREIGN_RATIO: f64 = 0.05;

/// Where a figure is not to be had.
pub(super) const NONE: &str = "–";

/// What marks the practical limit beside its name.
pub(super) const LIMIT_MARK: &str = "†";

/// What the mark means.
pub(super) const LIMIT_NOTE: &str = "the practical limit: tasks are shared out before the clock starts and \
    workers spin, so that nothing is scheduled at run time";

/// What the columns on schedules mean.
pub(super) const CLOSENESS_NOTE: &str = "closeness: the best possible schedule ÷ median, 100% is perfect (* \
    a certified optimum); schedule loss: what a greedy schedule takes beyond the bound; overhead: the rest of \
    the median; inflation: how much longer tasks took than alone";

/// The same, for where there is room for a line.
pub(super) const LIMIT_SHORT: &str =
    "the practical limit: a fixed partition, decided before the clock starts";

/// What people have to know of a row besides its figures.
pub(super) fn notes(row: &Row) -> Vec<String> {
    let measured = match &row.outcome {
        RowOutcome::Failed(error) => return vec![format!("failed: {}", error.kind)],
        RowOutcome::Measured(measured) => measured,
    };
    let mut notes = Vec::new();
    if measured.is_tied {
        notes.push("tied".into());
    }
    if measured.interval.is_none() {
        notes.push(match measured.sample_count {
            1 => "1 sample only".into(),
            count => format!("{count} samples only"),
        });
    }
    notes.extend(
        measured
            .findings
            .iter()
            .map(|(key, sum)| finding(key, *sum)),
    );
    if let Some(share) = measured
        .foreign_ratio
        .filter(|share| *share >= FOREIGN_RATIO)
    {
        notes.push(format!("{} foreign load", units::percent(share)));
    }
    notes
}

/// `1.21 – 1.25 µs`, or that there is none.
pub(super) fn interval(interval: Option<Interval>) -> String {
    interval.map_or(NONE.into(), |ends| units::times(ends.low, ends.high))
}

/// `lost_updates_count`, 1234 becomes `1,234 lost updates`.
pub(super) fn finding(key: &str, sum: u64) -> String {
    let (name, figure) = if let Some(name) = key.strip_suffix("_ns") {
        (name, units::time(sum as f64))
    } else if let Some(name) = key.strip_suffix("_bytes") {
        (name, units::size(sum))
    } else {
        (key.strip_suffix("_count").unwrap_or(key), units::count(sum))
    };
    format!("{figure} {}", name.replace('_', " "))
}

/// `120 ns`, `under 40 ns` where even the finest tasks reach the target, `over 2 ms` where none does.
pub(super) fn metg_figure(curve: &Curve) -> String {
    match curve.metg.map(|metg| metg.crossing) {
        None => NONE.into(),
        Some(Crossing::At(ns)) => units::time(ns),
        Some(Crossing::Below(ns)) => format!("under {}", units::time(ns)),
        Some(Crossing::Above(ns)) => format!("over {}", units::time(ns)),
    }
}

/// No backend does more than the peak rate. The median of a size comes out above it by this much only where the
/// probe is no peak: where its tasks get in each other's way, as those of a contended counter do.
const DUBIOUS_EFFICIENCY: f64 = 1.25;

/// Why a curve has no crossing, and what else has to be known of it.
pub(super) fn curve_notes(curve: &Curve, target: f64) -> Vec<String> {
    let target = units::percent(target);
    let mut notes = Vec::new();
    let at = |point: &SweepPoint| {
        format!(
            "{} at {}",
            units::percent(point.efficiency),
            units::time(point.granularity_ns)
        )
    };
    match curve.metg.map(|metg| metg.crossing) {
        None => notes.push("no size was measured".into()),
        Some(Crossing::At(_)) => {}
        Some(Crossing::Below(_)) => {
            let finest = curve.points.first().map(at).unwrap_or_default();
            notes.push(format!(
                "no crossing: the finest tasks measured still reach {target} ({finest})"
            ));
        }
        Some(Crossing::Above(_)) => {
            let coarsest = curve.points.last().map(at).unwrap_or_default();
            notes.push(format!(
                "no crossing: the coarsest tasks measured do not reach {target} ({coarsest}); none is made longer than \
                 50 ms, and no run longer than about 2 s, so a graph of fewer tasks could be taken further"
            ));
        }
    }
    if curve
        .metg
        .is_some_and(|metg| metg.interval.is_none() && matches!(metg.crossing, Crossing::At(_)))
    {
        notes.push(format!(
            "no interval: {} of the 6 rounds that it takes",
            curve.round_count
        ));
    }
    let most = curve.points.iter().map(|point| point.efficiency);
    if most.fold(0.0, f64::max) > DUBIOUS_EFFICIENCY {
        notes.push(
            "not to be trusted: it passes its peak, so that what the peak is measured with runs slower than it should"
                .into(),
        );
    }
    if curve.shared_core_count > 0 {
        notes.push(format!(
            "{} samples with two workers on one core, which `--pin` keeps apart",
            curve.shared_core_count
        ));
    }
    if curve.left_out_count > 0 {
        notes.push(format!(
            "{} sizes left out: too fine to be told apart",
            curve.left_out_count
        ));
    }
    if curve.failed_count > 0 {
        notes.push(format!("{} sizes failed", curve.failed_count));
    }
    notes
}

/// `97%`, with a mark where a certified optimum is behind it.
pub(super) fn closeness(schedule: &Schedule) -> String {
    let mark = if schedule.is_certified { "*" } else { "" };
    format!("{}{mark}", units::percent(schedule.closeness))
}

/// `rayon, 2 workers`.
pub(super) fn name(row: &Row) -> String {
    match row.workers {
        1 => format!("{}, 1 worker", row.label),
        workers => format!("{}, {workers} workers", row.label),
    }
}

/// Who won a group, by how much, and what the data cannot tell.
pub(super) struct Outline<'a> {
    /// The rows in first place, from fastest to slowest; more than one if they are tied.
    pub(super) first: Vec<(&'a Row, &'a Measured)>,
    /// The next row that is not tied with them, nor the practical limit.
    pub(super) next: Option<(&'a Row, &'a Measured)>,
    /// How many cases failed.
    pub(super) failed_count: usize,
}

/// The outline of a group.
pub(super) fn outline(group: &Group) -> Outline<'_> {
    let (first, others): (Vec<_>, Vec<_>) = group
        .measured()
        .partition(|(_, measured)| measured.rank == 1);
    Outline {
        next: others.into_iter().find(|(row, _)| !row.is_limit),
        failed_count: group.rows.len() - group.measured().count(),
        first,
    }
}

/// What a case without a change shows; `None` for one that changed. Where nothing could have been found, "no change"
/// would be a claim.
pub(super) fn no_change(history: &History, series: &Series) -> Option<String> {
    if history.is_too_short(series) {
        return Some(format!(
            "too few sessions to find a change: it takes {} at a significance of {}",
            history.fewest_point_count,
            percent(history.significance)
        ));
    }
    let hidden = series.fewest_side_count.filter(|count| *count > 2);
    series.changes.is_empty().then(|| match hidden {
        Some(count) => format!(
            "no change (one with fewer than {count} sessions before or after it could not show)"
        ),
        None => "no change".into(),
    })
}
