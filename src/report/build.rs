//! Computes the view model from records.

use std::collections::{BTreeMap, BTreeSet};

use super::efficiency::sweeps;
use super::group::group;
use super::heading::Heading;
use super::load::LoadMap;
use super::model::{Group, Report, Sweep};
use crate::compare::judged_claims;
use crate::record::{MixedError, Record, refuse_mixed, slug};

impl Report {
    /// The report of these records. Without records, it has no heading, groups, sweeps or claims.
    ///
    /// # Errors
    ///
    /// If two records do not belong in one report (see [`refuse_mixed`]).
    pub(crate) fn new(records: &[Record]) -> Result<Self, MixedError> {
        let places = (1..).map(|number| format!("record {number}"));
        refuse_mixed(places.zip(records))?;
        let mut by_name: BTreeMap<_, Vec<&Record>> = BTreeMap::new();
        let is_plain = |record: &&Record| record.peak.is_none() && record.claim.is_none();
        for record in records.iter().filter(is_plain) {
            let key = (
                place_of_work(record),
                natural(&record.case.workload),
                natural(&record.case.variant),
            );
            by_name.entry(key).or_default().push(record);
        }
        let mut groups: Vec<Group> = by_name.values().map(|records| group(records)).collect();
        let swept: Vec<&Record> = records.iter().filter(|one| one.peak.is_some()).collect();
        let mut sweeps = sweeps(&swept);
        name_files(&mut groups, &mut sweeps);
        let backends: BTreeSet<&String> =
            records.iter().map(|record| &record.case.backend).collect();
        Ok(Self {
            heading: Heading::new(records),
            groups,
            sweeps,
            claims: judged_claims(records),
            load: LoadMap::new(records),
            timelines: Vec::new(),
            backends: backends.into_iter().cloned().collect(),
            records: records.to_vec(),
        })
    }
}

/// The kernels that readers look for first: waiting, computing, and sharing.
const FIRST_KERNELS: [&str; 3] = ["sleep", "hash", "counter"];

/// The place of the work of a record among all work: that of its kernel among the first, or after all of them. A counter
/// comes behind a mutex first, as most people share one.
fn place_of_work(record: &Record) -> (usize, bool) {
    let kernel = &record.case.parameters["kernel"];
    let kind = kernel["kind"].as_str();
    let place = |kind| FIRST_KERNELS.iter().position(|first| *first == kind);
    let place = kind.and_then(place).unwrap_or(FIRST_KERNELS.len());
    let is_other_counter = kind == Some("counter") && kernel["variant"] != "mutex";
    (place, is_other_counter)
}

/// Gives each group and each sweep a unique slug.
fn name_files(groups: &mut [Group], sweeps: &mut [Sweep]) {
    let mut taken = BTreeSet::new();
    let mut name = |text: &str| {
        let base = match slug(text) {
            empty if empty.is_empty() => "group".into(),
            slug => slug,
        };
        let mut candidate = base.clone();
        let mut number = 2;
        while !taken.insert(candidate.clone()) {
            candidate = format!("{base}-{number}");
            number += 1;
        }
        candidate
    };
    for group in groups {
        group.slug = name(&format!("{} {}", group.workload, group.variant));
    }
    for sweep in sweeps {
        sweep.slug = name(&format!(
            "{} {} {} metg",
            sweep.workload, sweep.variant, sweep.workers
        ));
    }
}

/// A key that sorts `width=8` before `width=64`: a list of texts, each with the number that follows it. The name itself
/// comes last, so that only equal names have equal keys.
fn natural(name: &str) -> (Vec<(String, u64)>, String) {
    let mut parts = vec![(String::new(), 0u64)];
    let mut was_digit = false;
    for c in name.chars() {
        let digit = c.to_digit(10);
        if digit.is_none() && was_digit {
            parts.push((String::new(), 0));
        }
        let last = parts.len() - 1;
        match digit {
            Some(digit) => {
                parts[last].1 = parts[last]
                    .1
                    .saturating_mul(10)
                    .saturating_add(u64::from(digit))
            }
            None => parts[last].0.push(c),
        }
        was_digit = digit.is_some();
    }
    (parts, name.into())
}
