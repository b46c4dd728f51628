//! The sentence that closes each view. A view without data has none, and is not shown.

use std::collections::BTreeMap;

use super::closing::{least, stretch};
use super::model::{Closing, Page, PageCell, PageGroup, PageRow};
use super::scaling::PageCurve;
use super::text::{case_name, counted, list, quoted};
use crate::compare::ClaimVerdict;
use crate::stats::usl::FEWEST_COUNTS;
use crate::units;

/// The sentences of all views that the page has data for, by the key of the view.
pub(super) fn questions(page: &Page) -> BTreeMap<&'static str, Closing> {
    let closings = [
        ("families", families(page)),
        ("backends", backends(page)),
        ("scaling", scaling(page)),
        ("overhead", overhead(page)),
        ("lost", lost(page)),
        ("timeline", timeline(page)),
        ("tail", tail(page)),
        ("cost", cost(page)),
        ("trust", trust(page)),
        ("worse", worse(page)),
        ("claims", claims(page)),
    ];
    let known = closings.into_iter();
    let known = known.filter_map(|(key, closing)| Some((key, Closing { closing: closing? })));
    known.collect()
}

/// The groups in which something was measured.
fn measured(page: &Page) -> impl Iterator<Item = &PageGroup> {
    let has_best = |group: &&PageGroup| group.cells.iter().any(|cell| cell.is_best);
    page.groups.iter().filter(has_best)
}

fn rows(page: &Page) -> impl Iterator<Item = &PageRow> {
    page.groups.iter().flat_map(|group| &group.rows)
}

/// On how many workloads each family is the best, the most frequent first.
fn families(page: &Page) -> Option<String> {
    if page.groups.is_empty() {
        return None;
    }
    let count = measured(page).count();
    let wins = |cell: &PageCell| !cell.is_limit && (cell.is_best || cell.is_tied);
    let counts = page.families.iter().map(|family| {
        let won = measured(page).filter(|group| {
            group
                .cells
                .iter()
                .any(|cell| cell.family == family.key && wins(cell))
        });
        (family.title.as_str(), won.count())
    });
    let mut counts: Vec<(&str, usize)> = counts.filter(|(_, won)| *won > 0).collect();
    counts.sort_by_key(|(_, won)| std::cmp::Reverse(*won));
    if counts.is_empty() {
        return Some("Nothing was measured: all cases failed.".into());
    }
    let parts = counts
        .iter()
        .map(|(title, won)| format!("{title} on {won}"));
    Some(format!(
        "Best or tied with the best, of {}: {}.",
        counted(count, "workload"),
        list(parts)
    ))
}

fn backends(page: &Page) -> Option<String> {
    if page.groups.is_empty() {
        return None;
    }
    if let [group] = &page.groups[..] {
        return Some(group.closing.clone());
    }
    let count = measured(page).count();
    let tied =
        measured(page).filter(|group| group.cells.iter().any(|one| one.is_best && one.is_tied));
    let clear = count - tied.count();
    Some(format!(
        "On {clear} of {}, one case is clearly the fastest; on the others, the fastest are tied.",
        counted(count, "workload")
    ))
}

/// A curve with enough numbers of workers to be drawn.
fn is_drawn(curve: &PageCurve) -> bool {
    curve.points.len() >= FEWEST_COUNTS
}

fn scaling(page: &Page) -> Option<String> {
    let has_curve = |group: &&PageGroup| group.scaling.iter().any(is_drawn);
    let mut groups = page.groups.iter().filter(has_curve);
    let best =
        |group: &PageGroup| least(group, |row| row.speed_up.map(|one| -one)).map(|one| -one.1);
    let first = groups.next()?;
    let top = groups.fold(first, |top, next| match best(next) > best(top) {
        true => next,
        false => top,
    });
    let sentence = top.closings.get("scaling")?;
    Some(format!(
        "The highest speed-up is on {}: {sentence}",
        top.title
    ))
}

fn overhead(page: &Page) -> Option<String> {
    if let Some(sweep) = page.sweeps.first() {
        return Some(format!("{}: {}", sweep.title, sweep.closing));
    }
    // The cost of a task is seen best where its work is smallest.
    let task_work = |group: &&PageGroup| {
        let work = group.serial_ns? as f64 / group.task_count? as f64;
        group.closings.contains_key("overhead").then_some(work)
    };
    let groups = page
        .groups
        .iter()
        .filter_map(|group| Some((task_work(&group)?, group)));
    let (_, group) = groups.min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(format!(
        "On {}, whose tasks are the smallest: {}",
        group.title, group.closings["overhead"]
    ))
}

fn lost(page: &Page) -> Option<String> {
    let disturbed = || rows(page).filter(|row| row.is_disturbed).count();
    let of_load = page.load.as_ref().map(|_| match disturbed() {
        0 => "No case was disturbed by other programs.".to_owned(),
        1 => "1 case ran while other programs used 5% of the machine or more.".into(),
        count => format!("{count} cases ran while other programs used 5% of the machine or more."),
    });
    let parts = of_groups(page, "lost").into_iter().chain(of_load);
    let text = parts.collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

fn timeline(page: &Page) -> Option<String> {
    (!page.timelines.is_empty()).then(|| {
        format!(
            "{} traced, in runs of their own that count for no other figure.",
            match page.timelines.len() {
                1 => "1 case was".into(),
                count => format!("{count} cases were"),
            }
        )
    })
}

/// The sentence of the first group that has one, with the name of the group if there are several.
fn of_groups(page: &Page, key: &'static str) -> Option<String> {
    let mut known = page
        .groups
        .iter()
        .filter_map(|group| Some((group, group.closings.get(key)?)));
    let (group, sentence) = known.next()?;
    Some(match known.next() {
        None => sentence.clone(),
        Some(_) => format!("On {}: {sentence}", group.title),
    })
}

/// The sentence of the group with the worst tail.
fn tail(page: &Page) -> Option<String> {
    let worst = page.groups.iter().filter_map(|group| {
        let stretches = group
            .rows
            .iter()
            .filter(|row| !row.is_limit)
            .filter_map(stretch);
        Some((stretches.max_by(f64::total_cmp)?, group))
    });
    let (_, group) = worst.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let sentence = group.closings.get("tail")?;
    Some(format!("The worst tail is on {}: {sentence}", group.title))
}

fn cost(page: &Page) -> Option<String> {
    let idle =
        |row: &PageRow| Some(-(row.cost.idle_cpu_ns? / row.median_ns.filter(|ns| *ns > 0)? as f64));
    let all = page.groups.iter().filter_map(|group| {
        let (row, share) = least(group, idle)?;
        Some((group, row, -share))
    });
    let (group, row, cores) = all.max_by(|a, b| a.2.total_cmp(&b.2))?;
    Some(format!(
        "{} burns most beyond its work: the CPU time of {} cores on {}.",
        case_name(&row.label, row.workers),
        units::multiple(cores),
        group.title
    ))
}

fn trust(page: &Page) -> Option<String> {
    let heading = page.heading.as_ref()?;
    let verified = rows(page)
        .filter(|row| row.error.is_none() && row.digest == "verified")
        .count();
    let disturbed = rows(page).filter(|row| row.is_disturbed).count();
    let unsteady = rows(page).filter(|row| row.not_steady.is_some()).count();
    let mut parts = vec![match (verified, rows(page).count()) {
        (_, 0) => format!("{} measured", counted(heading.case_count, "case")),
        (verified, all) if verified == all => {
            format!("the results of all {} are verified", counted(all, "case"))
        }
        (verified, all) => format!(
            "the results of {verified} of {} are verified",
            counted(all, "case")
        ),
    }];
    let counts = [
        (
            disturbed,
            ["case was", "cases were"],
            "disturbed by other programs",
        ),
        (unsteady, ["case is", "cases are"], "not steady"),
        (heading.failed_count, ["case", "cases"], "failed"),
    ];
    for (count, [one, several], what) in counts.into_iter().filter(|(count, ..)| *count > 0) {
        parts.push(format!(
            "{count} {} {what}",
            if count == 1 { one } else { several }
        ));
    }
    let text = parts.join("; ");
    let first: String = text.chars().take(1).flat_map(char::to_uppercase).collect();
    Some(format!(
        "{first}{}.",
        text.chars().skip(1).collect::<String>()
    ))
}

fn worse(page: &Page) -> Option<String> {
    let comparison = page.comparison.as_ref().map(|one| one.closing.clone());
    comparison.or_else(|| page.history.as_ref().map(|one| one.closing.clone()))
}

fn claims(page: &Page) -> Option<String> {
    let count = page.claims.len();
    let with = |verdict| {
        page.claims
            .iter()
            .filter(move |claim| claim.verdict == verdict)
    };
    let failing = with(ClaimVerdict::DoesNotHold).map(|claim| quoted(&claim.id));
    let failing = list(failing);
    let failing = match failing.as_str() {
        "" => String::new(),
        ids => format!("; not here: {ids}"),
    };
    (count > 0).then(|| {
        format!(
            "{} of {} hold here, and {} cannot be decided{failing}.",
            with(ClaimVerdict::Holds).count(),
            counted(count, "claim"),
            with(ClaimVerdict::CannotTell).count()
        )
    })
}
