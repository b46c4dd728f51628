//! The load of each core over time, with the cases that ran meanwhile.

use std::collections::BTreeMap;

use super::model::{PageGroup, PageLoad, PageRow, PageSpan};
use crate::report::load::LoadMap;

/// The load with the rows of the cases that ran meanwhile; `None` if no case has any load.
pub(super) fn page_load(load: &LoadMap, groups: &[PageGroup]) -> Option<PageLoad> {
    let rows = groups.iter().flat_map(|group| &group.rows);
    let rows: BTreeMap<&str, &PageRow> = rows.map(|row| (row.case.as_str(), row)).collect();
    let cases = load.cases.iter().map(|span| {
        let row = rows.get(span.case.as_str());
        PageSpan {
            start_ns: span.start_ns,
            end_ns: span.end_ns,
            row: row.map(|row| row.id.clone()),
            name: span.case.clone(),
            foreign_ratio: row.and_then(|row| row.foreign_ratio),
            is_disturbed: row.is_some_and(|row| row.is_disturbed),
        }
    });
    let permille = |share: &f64| (share * 1000.0).round() as u32;
    let stretches = load.stretches.iter().map(|one| {
        let cores = one.cores.iter().map(permille);
        (one.start_ns, one.length_ns, cores.collect())
    });
    (load.core_count > 0).then(|| PageLoad {
        core_count: load.core_count,
        end_ns: load.end_ns,
        stretches: stretches.collect(),
        cases: cases.collect(),
    })
}
