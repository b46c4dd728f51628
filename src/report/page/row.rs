//! The rows of a group: every case with its figures.

use super::cases::{CaseView, serial_of};
use super::cost::PageCost;
use super::model::{PageError, PageRow, PageSchedule};
use super::round::{figure, whole};
use super::scaling::speed_up;
use super::tail::PageTail;
use crate::record::{Channel, Record};
use crate::report::model::{Measured, RowOutcome};
use crate::report::schedule::Schedule;
use crate::report::words::{FOREIGN_RATIO, notes};

/// The rows of these cases, in their order. `backend` gives the position of the backend of a case.
pub(super) fn rows(
    views: &[CaseView],
    ranked_by: Channel,
    backend: impl Fn(&CaseView) -> usize,
) -> Vec<PageRow> {
    let rows = views.iter().map(|view| {
        let mut row = about(view, backend(view));
        match &view.row.outcome {
            RowOutcome::Failed(error) => {
                row.error = Some(PageError {
                    kind: error.kind.to_string(),
                    message: error.message.clone(),
                });
            }
            RowOutcome::Measured(measured) => {
                measure(&mut row, view, measured, views);
                let samples = view.record.samples.iter();
                let times = samples.map(|one| ranked_by.run_ns(one).map_or(0, whole));
                row.samples_ns = times.collect();
            }
        }
        row
    });
    rows.collect()
}

/// What is known of a case even if it failed.
fn about(view: &CaseView, backend: usize) -> PageRow {
    let (row, record) = (view.row, view.record);
    PageRow {
        id: view.id.clone(),
        backend,
        label: row.label.clone(),
        workers: row.workers,
        family: row.family.clone(),
        language: row.language.clone(),
        is_limit: row.is_limit,
        is_serial: view.is_serial,
        case: row.case.clone(),
        since_run_start_ns: record.since_run_start_ns,
        order_index: record.plan.order_index,
        start_ns: record.start_ns,
        digest: match record.digest {
            Some(_) => "verified",
            None => "none",
        },
        digest_text: digest_text(record),
        // The page marks ties itself.
        notes: notes(row)
            .into_iter()
            .filter(|note| note != "tied")
            .collect(),
        ..PageRow::default()
    }
}

/// Whether the results were checked, in words.
fn digest_text(record: &Record) -> String {
    match (&record.digest, &record.error) {
        (Some(digest), None) => format!("every sample had the digest {digest} of a serial run"),
        (Some(digest), Some(_)) => format!("the expected digest is {digest}"),
        (None, _) => "the case ended before a digest was known".into(),
    }
}

/// Fills in the figures of a measured case.
fn measure(row: &mut PageRow, view: &CaseView, measured: &Measured, views: &[CaseView]) {
    let record = view.record;
    row.rank = measured.rank;
    row.is_tied = measured.is_tied;
    if let Some(ratio) = measured.ratio {
        row.ratio = Some(figure(ratio.ratio));
        row.ratio_low = ratio.interval.map(|one| figure(one.low));
        row.ratio_high = ratio.interval.map(|one| figure(one.high));
    }
    row.sample_count = measured.times_ns.len();
    row.median_ns = Some(whole(measured.median_ns));
    row.low_ns = measured.interval.map(|one| whole(one.low));
    row.high_ns = measured.interval.map(|one| whole(one.high));
    row.foreign_permille = foreign_permille(record);
    let samples = || record.samples.iter().enumerate();
    let degraded = samples().filter(|(_, sample)| sample.is_degraded);
    row.degraded = degraded.map(|(index, _)| index).collect();
    let starts = samples().skip(1);
    let starts = starts.filter(|(i, one)| one.invocation != record.samples[i - 1].invocation);
    row.invocation_starts = starts.map(|(index, _)| index).collect();
    row.utilisation_ratio = measured.utilisation.map(figure);
    row.task_ns = measured.task_ns.map(figure);
    row.overhead_ns = measured.overhead_ns.map(figure);
    if let Some(speed_up) = speed_up(view, views) {
        row.speed_up = Some(figure(speed_up.ratio));
        row.speed_up_low = speed_up.interval.map(|one| figure(one.low));
        row.speed_up_high = speed_up.interval.map(|one| figure(one.high));
        row.efficiency_ratio = Some(figure(speed_up.ratio / f64::from(row.workers.max(1))));
    }
    row.schedule = measured.schedule.map(schedule);
    row.cost = PageCost::new(view, serial_of(view, views));
    row.tails = PageTail::all(view, &measured.latencies);
    row.foreign_ratio = measured.foreign_ratio.map(figure);
    row.is_disturbed = measured
        .foreign_ratio
        .is_some_and(|one| one >= FOREIGN_RATIO);
    row.not_steady = measured.not_steady.clone();
}

/// What everything else took of the machine in each sample, in thousandths; `None` if no sample has a figure.
fn foreign_permille(record: &Record) -> Option<Vec<Option<u32>>> {
    let cores = f64::from(record.host.core_count.max(1));
    let shares = record.samples.iter().map(|sample| {
        let share = sample.foreign_cpu_ns? as f64 / (sample.wall_ns.max(1) as f64 * cores);
        Some((share * 1000.0).round() as u32)
    });
    let shares: Vec<Option<u32>> = shares.collect();
    shares.iter().any(Option::is_some).then_some(shares)
}

fn schedule(schedule: Schedule) -> PageSchedule {
    PageSchedule {
        best_ns: whole(schedule.best_ns),
        is_certified: schedule.is_certified,
        closeness_ratio: figure(schedule.closeness),
        bound_ns: whole(schedule.lower_bound_ns),
        loss_ns: schedule.schedule_loss_ns.map(figure),
        overhead_ns: schedule.overhead_ns.map(figure),
        inflation_ratio: schedule.inflation.map(figure),
    }
}
