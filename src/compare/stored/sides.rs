//! Groups the records of two sides by case.

use std::collections::BTreeMap;

use super::failure;
use crate::compare::Placed;
use crate::compare::model::{MissingCase, Side};
use crate::record::Record;

/// The records of both sides, grouped by case.
pub(super) struct Sides<'a> {
    pub(super) both: Vec<CaseRecords<'a>>,
    pub(super) missing: Vec<MissingCase>,
}

/// The sessions of one case.
pub(super) struct CaseRecords<'a> {
    pub(super) base: Vec<&'a Record>,
    pub(super) head: Vec<&'a Record>,
}

impl<'a> Sides<'a> {
    /// Groups the records. Cases are in the order of the base.
    pub(super) fn new(base: &'a [Placed], head: &'a [Placed]) -> Self {
        let (base_order, mut base) = by_case(base);
        let (head_order, mut head) = by_case(head);
        let mut sides = Self {
            both: Vec::new(),
            missing: Vec::new(),
        };
        let missing = |id: &str, side, others: &[&Record]| MissingCase {
            id: id.into(),
            side,
            error: others.iter().find_map(|record| failure(record)),
        };
        for id in &base_order {
            let base = base.remove(id).unwrap_or_default();
            match head.remove(id) {
                Some(head) => sides.both.push(CaseRecords { base, head }),
                None => sides.missing.push(missing(id, Side::Head, &base)),
            }
        }
        for id in &head_order {
            let new = head.get(id).map(|new| missing(id, Side::Base, new));
            sides.missing.extend(new);
        }
        sides
    }
}

/// Returns the records of each case, and the ids in the order in which they occur.
fn by_case(records: &[Placed]) -> (Vec<String>, BTreeMap<String, Vec<&Record>>) {
    let mut order = Vec::new();
    let mut cases: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    for (_, record) in records {
        let id = record.case.id();
        let sessions = cases.entry(id.clone()).or_default();
        if sessions.is_empty() {
            order.push(id);
        }
        sessions.push(record);
    }
    (order, cases)
}
