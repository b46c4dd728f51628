//! What makes records incomparable.

use std::collections::{BTreeMap, HashMap};

use super::Placed;
use crate::record::{Host, Record};

/// Why these two sets of records must not be compared, a sentence each; empty if they may be.
pub(super) fn unlike(base: &[Placed], head: &[Placed]) -> Vec<String> {
    let mut reasons = Vec::new();
    reasons.extend(other_commits(base));
    reasons.extend(other_commits(head));
    reasons.extend(copies(base));
    reasons.extend(copies(head));
    reasons.extend(other_hosts(base.iter().chain(head)));
    let mut first_of: BTreeMap<String, &Placed> = BTreeMap::new();
    for placed in base.iter().chain(head) {
        let first = first_of.entry(placed.1.case.id()).or_insert(placed);
        reasons.extend(other_case(first, placed));
    }
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

/// Two records of one side that are the same one: a copy tells nothing of how far sessions lie apart.
fn copies(records: &[Placed]) -> Option<String> {
    let mut places: HashMap<(String, &str), Vec<&Placed>> = HashMap::new();
    for placed in records {
        let key = (placed.1.case.id(), placed.1.started_at.as_str());
        let same_time = places.entry(key).or_default();
        let is_same = |other: &&&Placed| other.1.samples == placed.1.samples;
        if let Some((place, _)) = same_time.iter().find(is_same) {
            return Some(format!(
                "{place} and {} are the same record, and only sessions of their own tell how far they lie apart",
                placed.0
            ));
        }
        same_time.push(placed);
    }
    None
}

/// The first record of another commit, or of a changed working tree, within one side.
fn other_commits(records: &[Placed]) -> Option<String> {
    let hash = |record: &Record| {
        let commit = record.commit.as_ref()?;
        let changed = if commit.dirty { " (dirty)" } else { "" };
        Some(format!("{}{changed}", commit.hash))
    };
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

/// What two records of one case differ in that makes their times incomparable.
fn other_case((first_place, first): &Placed, (place, other): &Placed) -> Option<String> {
    let what = if first.case.parameters != other.case.parameters {
        "other parameters"
    } else if first.case.options != other.case.options {
        "other options"
    } else if first.digest.is_some() && other.digest.is_some() && first.digest != other.digest {
        "another digest: what it computes has changed"
    } else if first.plan.measured() != other.plan.measured() {
        "another plan"
    } else {
        return None;
    };
    let id = first.case.id();
    Some(format!(
        "`{id}` in {place} has {what} than in {first_place}"
    ))
}
