//! Which cases an external backend can run.

use std::fmt;

use serde_json::Value as Json;

use super::External;
use crate::parameter::Value;
use crate::record::Case;

/// The kind of work in which a task begins when its predecessors have ended, whatever else is in progress.
pub(crate) const GRAPH: &str = "graph";

/// The kind of work in which tasks wait for each other, so all of them must be in progress at once.
pub(crate) const COORDINATION: &str = "coordination";

/// The kinds of work that a backend may claim. This version has no cases of the last one.
pub(super) const ALL_KINDS: [&str; 3] = [GRAPH, COORDINATION, "recursion"];

/// The kind of work of tasks that wait for each other, or do not.
pub(crate) fn work_kind(has_parties: bool) -> &'static str {
    match has_parties {
        true => COORDINATION,
        false => GRAPH,
    }
}

/// A kernel that a backend has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClaimedKernel {
    pub(super) name: String,
    /// The backend has the kernel only with these values of these parameters.
    pub(super) only_with: Vec<(String, Value)>,
}

/// A kernel that a backend does not have, and why.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lack {
    pub(super) kernel: ClaimedKernel,
    pub(super) why: String,
}

impl fmt::Display for ClaimedKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let mut values = self.only_with.iter();
        values.try_for_each(|(name, value)| write!(f, "/{name}={value}"))
    }
}

impl ClaimedKernel {
    /// Whether it has `kernel`, a kernel with its parameters as in a record.
    fn covers(&self, kernel: &Json) -> bool {
        let is_with = |(name, value): &(String, Value)| {
            let value = serde_json::to_value(value).expect("a value is plain data");
            kernel[name.as_str()] == value
        };
        self.is(kernel) && self.only_with.iter().all(is_with)
    }

    fn is(&self, kernel: &Json) -> bool {
        kernel["kind"] == self.name.as_str()
    }
}

impl External {
    /// Why it cannot run this case of work of the kind `work_kind`, in a sentence without the case; `None` if it can.
    pub(crate) fn why_not(&self, case: &Case, work_kind: &str) -> Option<String> {
        let name = self.name;
        let kernel = &case.parameters["kernel"];
        if !self.kinds.iter().any(|kind| kind == work_kind) {
            return Some(format!(
                "`{name}` does not do the kind of work `{work_kind}`"
            ));
        }
        if !self.kernels.iter().any(|one| one.covers(kernel)) {
            let lacked = self.lacks.iter().find(|one| one.kernel.covers(kernel));
            let why = lacked.map(|one| format!(": {}", one.why));
            return Some(self.has_no(kernel) + &why.unwrap_or_default());
        }
        if !self.has_payload && !case.parameters["output_bytes"].is_null() {
            return Some(format!("the tasks of `{name}` hand on no bytes"));
        }
        if case.pin {
            return Some(format!("`{name}` does not bind its workers to cores"));
        }
        None
    }

    /// That it does not have this kernel, or not with these parameters.
    fn has_no(&self, kernel: &Json) -> String {
        let kind = kernel["kind"].as_str().unwrap_or_default();
        let others = self.kernels.iter().filter(|one| one.is(kernel));
        let values = |one: &ClaimedKernel| {
            let values = one.only_with.iter();
            let values: Vec<_> = values
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            values.join(" and ")
        };
        let others: Vec<String> = others.map(values).collect();
        match others.is_empty() {
            true => format!("`{}` has no kernel `{kind}`", self.name),
            false => format!(
                "`{}` has the kernel `{kind}` only with {}",
                self.name,
                others.join(" or ")
            ),
        }
    }
}
