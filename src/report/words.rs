//! Sentences and labels that several formats share.

use super::latency::{Latency, PERCENTILES};
use super::model::{Curve, Group, Row, RowOutcome};
use super::schedule::Schedule;
use super::verdict::percent;
use crate::compare::{History, JudgedClaim, JudgedInequality, Series, SideFigures};
use crate::record::Quantity;
use crate::stats::Interval;
use crate::stats::metg::{Crossing, SweepPoint};
use crate::units;

/// From this foreign load on, as a share of the machine, a case gets a note. nanobench calls a result unstable at an
/// error of 5%.
pub(super) const FOREIGN_RATIO: f64 = 0.05;

/// Stands for a value that is not available.
pub(super) const NONE: &str = "–";

/// The mark beside the name of the backend that shows the practical limit.
pub(super) const LIMIT_MARK: &str = "†";

/// The meaning of [`LIMIT_MARK`].
pub(super) const LIMIT_NOTE: &str = "the practical limit: tasks are assigned to workers before the clock starts and \
workers spin, so nothing is scheduled at run time";

/// The meaning of the columns about schedules.
pub(super) const CLOSENESS_NOTE: &str = "closeness: best possible time ÷ median, 100% is optimal (* marks a \
certified optimum); schedule loss: how much longer than the bound a greedy schedule takes; overhead: the rest of \
the median; inflation: duration of tasks in parallel ÷ duration of the same tasks alone";

/// The meaning of a dash in a table of latencies.
pub(super) const TOO_FEW_NOTE: &str = "latencies: a dash stands for a percentile with fewer than 10 latencies above it; \
percentiles are at most 1.6% too high";

/// [`LIMIT_NOTE`], shortened to fit below a picture.
pub(super) const LIMIT_SHORT: &str =
    "the practical limit: tasks are assigned to workers before the clock starts";

/// The notes of a row: what readers must know besides its values. Empty if there is nothing to note.
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
        notes.push(match measured.times_ns.len() {
            1 => "1 sample only".into(),
            count => format!("{count} samples only"),
        });
    }
    if let Some(why) = &measured.not_steady {
        notes.push(format!("not steady: {why}"));
    }
    if measured.has_slice_cpu {
        notes.push("utilisation over whole slices".into());
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
    notes.extend(measured.remarks.iter().cloned());
    notes
}

/// An interval of times in nanoseconds, such as `1.21 – 1.25 µs`; a dash if there is none.
pub(super) fn interval(interval: Option<Interval>) -> String {
    interval.map_or(NONE.into(), |ends| units::times(ends.low, ends.high))
}

/// A finding in words: the key `lost_updates_count` with the sum 1234 becomes `1,234 lost updates`.
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

/// The METG of a curve: `120 ns`; `under 40 ns` if even the smallest tasks reach the target; `over 2 ms` if no size
/// reaches it; a dash if no size was measured.
pub(super) fn metg_figure(curve: &Curve) -> String {
    match curve.metg.map(|metg| metg.crossing) {
        None => NONE.into(),
        Some(Crossing::At(ns)) => units::time(ns),
        Some(Crossing::Below(ns)) => format!("under {}", units::time(ns)),
        Some(Crossing::Above(ns)) => format!("over {}", units::time(ns)),
    }
}

/// No backend exceeds the peak rate. A median efficiency above this value means that the probe did not reach the peak
/// because its tasks slow each other down, as tasks with a contended counter do.
const DUBIOUS_EFFICIENCY: f64 = 1.25;

/// The notes of a curve: why it has no crossing, and what else readers must know. Empty if there is nothing to note.
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
                "no crossing: the smallest tasks measured still reach {target} ({finest})"
            ));
        }
        Some(Crossing::Above(_)) => {
            let coarsest = curve.points.last().map(at).unwrap_or_default();
            notes.push(format!(
                "no crossing: the largest tasks measured do not reach {target} ({coarsest}); tasks are limited to 50 ms \
                and runs to about 2 s, so a graph with fewer tasks allows larger tasks"
            ));
        }
    }
    if curve
        .metg
        .is_some_and(|metg| metg.interval.is_none() && matches!(metg.crossing, Crossing::At(_)))
    {
        notes.push(format!(
            "no interval: {} of the 6 rounds that are needed",
            curve.round_count
        ));
    }
    let most = curve.points.iter().map(|point| point.efficiency);
    if most.fold(0.0, f64::max) > DUBIOUS_EFFICIENCY {
        notes.push(
            "unreliable: the efficiency exceeds the peak, so the probe that measures the peak ran slower than it should"
                .into(),
        );
    }
    if curve.shared_core_count > 0 {
        notes.push(format!(
            "{} samples with two workers on one core; `--pin` prevents this",
            curve.shared_core_count
        ));
    }
    if curve.left_out_count > 0 {
        notes.push(format!(
            "{} sizes omitted: the tasks are too short to measure",
            curve.left_out_count
        ));
    }
    if curve.failed_count > 0 {
        notes.push(format!("{} sizes failed", curve.failed_count));
    }
    notes
}

/// The closeness of a schedule, such as `97%`, with `*` if it refers to a certified optimum.
pub(super) fn closeness(schedule: &Schedule) -> String {
    let mark = if schedule.is_certified { "*" } else { "" };
    format!("{}{mark}", units::percent(schedule.closeness))
}

/// The headings of the figures in a table of latencies.
pub(super) fn latency_headings() -> impl Iterator<Item = &'static str> {
    let percentiles = PERCENTILES.iter().map(|(name, _)| *name);
    ["count"].into_iter().chain(percentiles).chain(["max"])
}

/// The figures for a table, in the order of [`latency_headings`].
pub(super) fn latency_cells(latency: &Latency) -> Vec<String> {
    let time = |ns: Option<u64>| ns.map_or(NONE.into(), |ns| units::time(ns as f64));
    let percentiles = latency.percentiles_ns.into_iter().map(time);
    let count = [units::count(latency.count)].into_iter();
    count
        .chain(percentiles)
        .chain([time(Some(latency.max_ns))])
        .collect()
}

/// The label and workers of a row, such as `rayon, 2 workers`.
pub(super) fn name(row: &Row) -> String {
    match row.workers {
        1 => format!("{}, 1 worker", row.label),
        workers => format!("{}, {workers} workers", row.label),
    }
}

/// How long the tasks of the claims were, compared with those of textbooks.
pub(super) fn claim_scale(claim: &JudgedClaim) -> String {
    match claim.scale_ratio {
        1.0 => "measured with the times of the textbook".into(),
        scale => format!(
            "measured with {} of the times of the textbook; --full measures with all of them",
            units::percent(scale)
        ),
    }
}

/// The ratio of an inequality, its interval and its limit; or why there is none.
pub(super) fn claim_test(part: &JudgedInequality) -> String {
    let ratio = part.ratio.zip(part.interval).map(|(ratio, interval)| {
        format!(
            "{} [{}, {}] in {} pairs, limit {}",
            units::ratio(ratio),
            units::ratio(interval.low),
            units::ratio(interval.high),
            part.pair_count,
            units::ratio(part.factor_ratio)
        )
    });
    let both = ratio.into_iter().chain(part.reason.clone());
    both.collect::<Vec<_>>().join("; ")
}

/// The medians of both sides of an inequality.
pub(super) fn claim_sides(part: &JudgedInequality) -> String {
    let quantity = part.quantity;
    format!(
        "{}; {}",
        claim_side(&part.more, quantity),
        claim_side(&part.less, quantity)
    )
}

fn claim_side(side: &SideFigures, quantity: Quantity) -> String {
    let figure = match quantity {
        Quantity::KeptUpdates => side
            .kept_update_count
            .map(|kept| format!("{} updates kept", units::count(kept as u64))),
        Quantity::Arrival => side.arrival_ns.map(units::time),
        Quantity::WallTime | Quantity::Overhead => side.median_ns.map(units::time),
    };
    let ideal = side
        .overhead_ns
        .zip(side.ideal_ns)
        .map(|(overhead, ideal)| {
            format!(
                ", {} over the ideal {} with start",
                units::time(overhead),
                units::time(ideal as f64)
            )
        });
    let workers = match side.workers {
        1 => "1 worker".into(),
        workers => format!("{workers} workers"),
    };
    let figure = figure.unwrap_or_else(|| NONE.into());
    format!(
        "{} ({}, {workers}): {figure}{}",
        side.side,
        side.backend,
        ideal.unwrap_or_default()
    )
}

/// Where the files of the tasks of a group are: `files on ext4`; `None` if they have none.
pub(super) fn files(group: &Group) -> Option<String> {
    let one = |name: &String| match name.as_str() {
        "tmpfs" | "ramfs" => {
            format!(
                "{name}, which is in memory: fsync does nothing, and no device is read or written; set TMPDIR to a folder on a disk"
            )
        }
        _ => name.clone(),
    };
    let all: Vec<String> = group.file_systems.iter().map(one).collect();
    (!all.is_empty()).then(|| format!("files on {}", all.join(", and on ")))
}

/// What to say about a case without a change; `None` if it changed. If there are too few sessions to find a change, the
/// text says so, because "no change" would be wrong.
pub(super) fn no_change(history: &History, series: &Series) -> Option<String> {
    if history.is_too_short(series) {
        return Some(format!(
            "too few sessions to find a change: at least {} are needed at a significance of {}",
            history.fewest_point_count,
            percent(history.significance)
        ));
    }
    let hidden = series.fewest_side_count.filter(|count| *count > 2);
    series.changes.is_empty().then(|| match hidden {
        Some(count) => format!(
            "no change (a change with fewer than {count} sessions before or after it cannot be detected)"
        ),
        None => "no change".into(),
    })
}
