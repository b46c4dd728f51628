//! What makes records incomparable.

use std::collections::BTreeMap;

use super::Placed;
use super::repeats::same_sessions;
use crate::record::{Host, Record};

/// Why these two sets of records must not be compared, one sentence per reason; empty if they may be.
pub(super) fn unlike(base: &[Placed], head: &[Placed]) -> Vec<String> {
    let mut reasons = Vec::new();
    reasons.extend(other_commits(base));
    reasons.extend(other_commits(head));
    reasons.extend(same_sessions(base, head));
    reasons.extend(other_hosts(base.iter().chain(head)));
    reasons.extend(other_cases(base.iter().chain(head)));
    reasons
}

/// The first two of `examples`, and how many more there are: a list of thousands hides what it says.
pub fn few(examples: &[String]) -> String {
    match examples {
        [first, second, others @ ..] if !others.is_empty() => {
            format!("{first}, {second} and {} more", others.len())
        }
        all => all.join(" and "),
    }
}

/// The first record on another machine than the first of all.
pub(super) fn other_hosts<'a>(mut records: impl Iterator<Item = &'a Placed>) -> Option<String> {
    let (first_place, first) = records.next()?;
    // Figures of one class of machines may be held against each other.
    let class = first.host.class();
    let (place, other) = records.find(|(_, record)| record.host.class() != class)?;
    Some(format!(
        "{first_place} and {place} are of different machines: {} and {}",
        machine(&first.host),
        machine(&other.host)
    ))
}

fn machine(host: &Host) -> String {
    format!("{} with {}", host.processor, host.cores())
}

/// The first record of another commit, or of a changed working tree, within one side.
fn other_commits(records: &[Placed]) -> Option<String> {
    let (first_place, first) = records.first()?;
    let (place, other) = records
        .iter()
        .find(|(_, record)| record.commit != first.commit)?;
    Some(format!(
        "{first_place} and {place} are of different commits, and one side of a comparison is one: {} and {}",
        first.commit_name(),
        other.commit_name()
    ))
}

/// What records differ in from the first of their case that makes their times incomparable: one sentence per kind of
/// difference.
fn other_cases<'a>(records: impl Iterator<Item = &'a Placed>) -> Vec<String> {
    let mut first_of: BTreeMap<String, &Placed> = BTreeMap::new();
    let mut differing: BTreeMap<&str, Vec<(&Placed, &Placed)>> = BTreeMap::new();
    for placed in records {
        let first = *first_of.entry(placed.1.case.id()).or_insert(placed);
        if let Some(what) = difference(&first.1, &placed.1) {
            differing.entry(what).or_default().push((first, placed));
        }
    }
    let sentences = differing.into_iter();
    sentences
        .map(|(what, pairs)| match pairs.as_slice() {
            [((first_place, _), (place, record))] => format!(
                "`{}` in {place} has {what} than in {first_place}",
                record.case.id()
            ),
            several => format!(
                "{} records have {what} than the first of their case: {}",
                several.len(),
                few(&several.iter().map(example).collect::<Vec<_>>())
            ),
        })
        .collect()
}

/// `` `hash/rayon/2` in head.jsonl:1 (first in base.jsonl:1)``.
fn example(((first_place, _), (place, record)): &(&Placed, &Placed)) -> String {
    format!("`{}` in {place} (first in {first_place})", record.case.id())
}

/// What two records of one case differ in that makes their times incomparable.
fn difference(first: &Record, other: &Record) -> Option<&'static str> {
    let other_plan = || (first.plan.measured() != other.plan.measured()).then_some("another plan");
    other_work(first, other).or_else(other_plan)
}

/// What makes the work of two records of one case different.
pub(super) fn other_work(first: &Record, other: &Record) -> Option<&'static str> {
    if first.case.parameters != other.case.parameters {
        Some("other parameters")
    } else if first.case.options != other.case.options {
        Some("other options")
    } else if first.digest.is_some() && other.digest.is_some() && first.digest != other.digest {
        Some("another digest (what it computes has changed)")
    } else {
        None
    }
}
