//! What to say if the command line selects nothing that can run.

use std::collections::BTreeMap;

use crate::cmd::{Exit, complaint};
use crate::diagnostic::{did_you_mean, nearest};
use crate::filter::{CaseFilter, is_glob};
use crate::matrix::{self, Selection};
use crate::workload::Workload;

/// Why selected cases cannot run, with one line per reason.
pub(in crate::cmd) fn reasons(not_applicable: &BTreeMap<String, usize>) -> Vec<String> {
    let reasons = not_applicable.iter();
    let line = |(reason, count): (&String, &usize)| match count {
        1 => format!("not applicable: 1 case: {reason}"),
        _ => format!("not applicable: {count} cases: {reason}"),
    };
    reasons.map(line).collect()
}

/// The error that no selected case can run.
pub(in crate::cmd) fn none_applicable(reasons: &[String]) -> Exit {
    Exit::usage(complaint!(
        help = "choose other workloads or backends; `taskdyno list` lists both",
        "no selected case can run\n{}",
        reasons.join("\n")
    ))
}

/// The ids of all cases of this workload, even if it runs only if it is named.
fn ids(workload: &Workload, selection: &Selection) -> Vec<String> {
    let named = Selection {
        filter: CaseFilter::exactly(workload.name.clone()),
        ..selection.clone()
    };
    let cases = matrix::cases(std::slice::from_ref(workload), &named);
    let planned = cases.planned.iter();
    planned.map(|planned| planned.case.id()).collect()
}

/// The error that the filter selects no case: one cause and one advice for each of its patterns.
pub(super) fn no_case(workloads: &[Workload], selection: &Selection) -> Exit {
    let filter = &selection.filter;
    let ids: Vec<String> = workloads
        .iter()
        .flat_map(|workload| ids(workload, selection))
        .collect();
    let names: Vec<&str> = workloads.iter().map(|one| one.name.as_str()).collect();
    let known: Vec<&str> = names
        .into_iter()
        .chain(ids.iter().map(String::as_str))
        .collect();
    let advice = |pattern: &String| {
        // The pattern is part of an id, yet it selects no case: so the workload runs only if it is named.
        let is_part = !filter.exact && !pattern.is_empty() && !is_glob(pattern);
        let unnamed = ids.iter().find(|id| is_part && id.contains(pattern));
        match unnamed {
            Some(id) => format!("`{id}` runs only if the filter names its workload; "),
            None => did_you_mean(nearest(pattern, known.iter().copied())),
        }
    };
    let advice: String = filter.included.iter().map(advice).collect();
    let patterns = filter.included.iter().map(|pattern| format!("`{pattern}`"));
    let patterns = patterns.collect::<Vec<_>>().join(" or ");
    let excluded = filter.excluded.iter().map(|pattern| format!("`{pattern}`"));
    let excluded = excluded.collect::<Vec<_>>().join(" and ");
    let message = match (patterns.is_empty(), excluded.is_empty()) {
        (_, true) => format!("no case matches {patterns}"),
        (true, false) => format!("{excluded} exclude every case"),
        (false, false) => format!("no case matches {patterns}, or {excluded} exclude them all"),
    };
    Exit::usage(complaint!(
        help = format!("{advice}`taskdyno run --dry-run` prints the ids of all cases"),
        "{message}"
    ))
}
