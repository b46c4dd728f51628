//! The sentences that close the views of a workload: what its figures say.

use std::collections::BTreeMap;

use super::model::{PageGroup, PageRow};
use super::text::{case_name, multiple, quoted};
use crate::report::model::SERIAL;
use crate::units;

/// The sentences for the other views, by the key of the view. A view without data of this workload has none.
pub(super) fn of_group(group: &PageGroup) -> BTreeMap<&'static str, String> {
    let sentences = [
        ("scaling", scaling(group)),
        ("overhead", overhead(group)),
        ("lost", lost(group)),
        ("tail", tail(group)),
        ("cost", cost(group)),
    ];
    let known = sentences
        .into_iter()
        .filter_map(|(key, text)| Some((key, text?)));
    known.collect()
}

/// The row with the smallest figure among those that compete, and the figure.
pub(super) fn least(
    group: &PageGroup,
    figure: impl Fn(&PageRow) -> Option<f64>,
) -> Option<(&PageRow, f64)> {
    let rows = group
        .rows
        .iter()
        .filter(|row| !row.is_limit && row.error.is_none());
    let known = rows.filter_map(|row| Some((row, figure(row)?)));
    known.min_by(|a, b| a.1.total_cmp(&b.1))
}

fn name(row: &PageRow) -> String {
    case_name(&row.label, row.workers)
}

fn scaling(group: &PageGroup) -> Option<String> {
    let best = least(group, |row| {
        (row.workers > 1).then(|| row.speed_up.map(|one| -one))?
    });
    let (row, negative) = best?;
    let speed_up = -negative;
    let efficiency = units::percent(speed_up / f64::from(row.workers));
    let loop_name = match row.language.as_str() {
        "rust" => quoted(SERIAL),
        language => format!("the plain loop of {language}"),
    };
    Some(match speed_up > 1.0 {
        true => format!(
            "{} speeds up most: {} over {loop_name}, an efficiency of {efficiency}.",
            name(row),
            multiple(speed_up)
        ),
        false => format!(
            "No number of workers is faster than {loop_name}: the best, {}, takes {} its time.",
            name(row),
            multiple(1.0 / speed_up)
        ),
    })
}

fn overhead(group: &PageGroup) -> Option<String> {
    // A plain loop has none by definition.
    let best = least(group, |row| row.overhead_ns.filter(|_| !row.is_serial))?;
    let (row, overhead_ns) = best;
    if overhead_ns < 0.0 {
        // A worker that is idle most of the time waits.
        let waits = row.utilisation_ratio.is_some_and(|busy| busy < 0.5);
        return Some(match waits {
            true => format!(
                "Waits overlap on {}, so its tasks take less worker time than one after the other.",
                name(row)
            ),
            false => format!(
                "{} takes less worker time than the plain loop: what a task costs beyond its work is too small to be seen here.",
                name(row)
            ),
        });
    }
    Some(format!(
        "A task costs least on {}: {} beyond its work.",
        name(row),
        units::time(overhead_ns)
    ))
}

fn lost(group: &PageGroup) -> Option<String> {
    let best = least(group, |row| Some(-row.schedule.as_ref()?.closeness_ratio));
    let (row, negative) = best?;
    let closeness = units::percent(-negative);
    let schedule = row.schedule.as_ref()?;
    let rest = match (schedule.loss_ns, schedule.overhead_ns) {
        (Some(loss), Some(overhead)) => format!(
            "; it loses {} to the order of its tasks and {} to handing them over",
            units::time(loss.max(0.0)),
            units::time(overhead.max(0.0))
        ),
        _ => String::new(),
    };
    Some(format!(
        "{} comes closest to the best possible time, with {closeness} of it{rest}.",
        name(row)
    ))
}

/// The slowest sample ÷ the median; `None` with too few samples.
pub(super) fn stretch(row: &PageRow) -> Option<f64> {
    let run = row.tails.iter().find(|tail| tail.name == "run")?;
    Some(run.max_ns as f64 / run.p50_ns.filter(|median| *median > 0)? as f64)
}

fn tail(group: &PageGroup) -> Option<String> {
    let worst = least(group, |row| stretch(row).map(|one| -one));
    let (best, worst) = (least(group, stretch)?, worst?);
    Some(match best.0.id == worst.0.id {
        true => format!(
            "The slowest sample of {} took {} its median.",
            name(best.0),
            multiple(best.1)
        ),
        false => format!(
            "The slowest sample took {} the median on {}, and {} on {}.",
            multiple(best.1),
            name(best.0),
            multiple(-worst.1),
            name(worst.0)
        ),
    })
}

fn cost(group: &PageGroup) -> Option<String> {
    let of = |row: &PageRow| row.cost.cpu_ns;
    let best = least(group, of)?;
    let worst = least(group, |row| of(row).map(|one| -one))?;
    let text = match best.0.id == worst.0.id || best.1 <= 0.0 {
        true => format!(
            "A run on {} takes {} of CPU time.",
            name(best.0),
            units::time(best.1)
        ),
        false => format!(
            "{} needs the least CPU time per run, {}; {} needs {} as much.",
            name(best.0),
            units::time(best.1),
            name(worst.0),
            multiple(-worst.1 / best.1)
        ),
    };
    Some(text)
}
