//! The load of each core over time, with the cases that ran meanwhile.

use std::collections::BTreeMap;

use serde::Serialize;

use super::model::{PageGroup, PageRow};
use crate::report::load::LoadMap;

/// How busy each core was. Times are from the beginning of the run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageLoad {
    /// The number of cores whose load is known.
    pub core_count: usize,
    /// The end of the last stretch.
    pub end_ns: u64,
    /// Stretches of time: start, length, and the busy share of each core in thousandths. Without shares, the load is not
    /// known.
    pub stretches: Vec<(u64, u64, Vec<u32>)>,
    /// The cases, in the order in which they ran.
    pub cases: Vec<PageSpan>,
}

/// The time in which a case took its samples.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageSpan {
    /// The first sample.
    pub start_ns: u64,
    /// The last sample.
    pub end_ns: u64,
    /// The row of the case; null for cases of sweeps and claims.
    pub row: Option<String>,
    /// The case, by its name on the command line.
    pub name: String,
    /// What everything else took of the machine.
    pub foreign_ratio: Option<f64>,
    /// Whether that is enough to doubt the times.
    pub is_disturbed: bool,
}

impl PageLoad {
    /// `None` if no case has any load.
    pub(super) fn new(load: &LoadMap, groups: &[PageGroup]) -> Option<Self> {
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
        (load.core_count > 0).then(|| Self {
            core_count: load.core_count,
            end_ns: load.end_ns,
            stretches: stretches.collect(),
            cases: cases.collect(),
        })
    }
}
