//! Finds the reasons why records must not be compared.

use std::collections::BTreeMap;

use super::Placed;
use super::examples::few;
use super::repeats::same_sessions;
use crate::record::{Host, Record};

/// Returns why these two sets of records must not be compared, one sentence per reason; empty if they may be.
pub(super) fn unlike(base: &[Placed], head: &[Placed]) -> Vec<String> {
    let mut reasons = Vec::new();
    reasons.extend(other_commits(base));
    reasons.extend(other_commits(head));
    reasons.extend(same_sessions(base, head));
    reasons.extend(other_hosts(base.iter().chain(head)));
    reasons.extend(other_cases(base.iter().chain(head)));
    reasons
}

/// Finds the first record of another machine than the first record.
pub(super) fn other_hosts<'a>(mut records: impl Iterator<Item = &'a Placed>) -> Option<String> {
    let (first_place, first) = records.next()?;
    // Figures of one class of machines may be compared with each other.
    let class = first.host.class();
    let (place, other) = records.find(|(_, record)| record.host.class() != class)?;
    Some(format!(
        "{first_place} and {place} were measured on different machines: {} and {}",
        machine(&first.host),
        machine(&other.host)
    ))
}

fn machine(host: &Host) -> String {
    format!("{} with {}", host.processor, host.cores())
}

/// Finds the first record of one side with another commit or another state of the working tree.
fn other_commits(records: &[Placed]) -> Option<String> {
    let (first_place, first) = records.first()?;
    let (place, other) = records
        .iter()
        .find(|(_, record)| record.commit != first.commit)?;
    Some(format!(
        "{first_place} and {place} have different commits, but one side of a comparison must have one commit: {} and {}",
        first.commit_name(),
        other.commit_name()
    ))
}

/// Compares each record with the first record of its case. Returns one sentence per kind of difference that makes times
/// incomparable.
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
                "`{}` differs in {what} between {first_place} and {place}",
                record.case.id()
            ),
            several => format!(
                "{} records differ in {what} from the first record of their case: {}",
                several.len(),
                few(&several.iter().map(example).collect::<Vec<_>>())
            ),
        })
        .collect()
}

/// Returns `` `hash/rayon/2` in head.jsonl:1 (first in base.jsonl:1)``.
fn example(((first_place, _), (place, record)): &(&Placed, &Placed)) -> String {
    format!("`{}` in {place} (first in {first_place})", record.case.id())
}

/// Names what makes the times of two records of one case incomparable.
fn difference(first: &Record, other: &Record) -> Option<&'static str> {
    let other_plan = || (first.plan.measured() != other.plan.measured()).then_some("plan");
    other_work(first, other).or_else(other_plan)
}

/// What makes the work of two records of one case different.
pub(super) fn other_work(first: &Record, other: &Record) -> Option<&'static str> {
    if first.case.parameters != other.case.parameters {
        Some("parameters")
    } else if first.case.options != other.case.options {
        Some("options")
    } else if first.file_system.is_some()
        && other.file_system.is_some()
        && first.file_system != other.file_system
    {
        Some("file system")
    } else if first.digest.is_some() && other.digest.is_some() && first.digest != other.digest {
        Some("digest (it computes something else)")
    } else {
        None
    }
}
