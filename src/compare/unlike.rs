//! What makes records incomparable.

use std::collections::BTreeMap;

use super::Placed;
use super::examples::few;
use super::repeats::same_sessions;
use crate::record::{Commit, Host, Record};

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

/// The first record on another machine than the first of all.
pub(super) fn other_hosts<'a>(mut records: impl Iterator<Item = &'a Placed>) -> Option<String> {
    let (first_place, first) = records.next()?;
    let (place, other) = records.find(|(_, record)| !is_same_class(&record.host, &first.host))?;
    Some(format!(
        "{first_place} and {place} are of different machines: {} and {}",
        machine(&first.host),
        machine(&other.host)
    ))
}

/// Whether figures of one may be held against those of the other.
fn is_same_class(a: &Host, b: &Host) -> bool {
    a.class() == b.class()
}

fn machine(host: &Host) -> String {
    format!("{} with {}", host.processor, host.cores())
}

/// The first record of another commit, or of a changed working tree, within one side.
fn other_commits(records: &[Placed]) -> Option<String> {
    let hash = |record: &Record| record.commit.as_ref().map(Commit::long);
    let (first_place, first) = records.first()?;
    let (place, other) = records
        .iter()
        .find(|(_, record)| hash(record) != hash(first))?;
    let name = |record| hash(record).unwrap_or_else(|| "none".into());
    Some(format!(
        "{first_place} and {place} are of different commits, and one side of a comparison is one: {} and {}",
        name(first),
        name(other)
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
    if first.case.parameters != other.case.parameters {
        Some("other parameters")
    } else if first.case.options != other.case.options {
        Some("other options")
    } else if first.digest.is_some() && other.digest.is_some() && first.digest != other.digest {
        Some("another digest (what it computes has changed)")
    } else if first.plan.measured() != other.plan.measured() {
        Some("another plan")
    } else {
        None
    }
}
