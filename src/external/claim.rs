//! Which cases an external backend can run.

use std::fmt;

use serde_json::Value as Json;

use super::External;
use crate::parameter::Value;
use crate::record::Case;

/// The kind of work of all cases: the tasks of a graph.
const GRAPH: &str = "graph";

/// The kinds of work that a backend may claim. This version has cases of the first kind only.
pub(super) const ALL_KINDS: [&str; 3] = [GRAPH, "coordination", "recursion"];

/// A kernel that a backend has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClaimedKernel {
    pub(super) name: String,
    /// If set, the backend has the kernel only with this value of this parameter.
    pub(super) only_with: Option<(String, Value)>,
}

impl fmt::Display for ClaimedKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.only_with {
            Some((name, value)) => write!(f, "/{name}={value}"),
            None => Ok(()),
        }
    }
}

impl ClaimedKernel {
    /// Whether it has `kernel`, a kernel with its parameters as in a record.
    fn covers(&self, kernel: &Json) -> bool {
        let is_with = |(name, value): &(String, Value)| {
            let value = serde_json::to_value(value).expect("a value is plain data");
            kernel[name.as_str()] == value
        };
        self.is(kernel) && self.only_with.as_ref().is_none_or(is_with)
    }

    fn is(&self, kernel: &Json) -> bool {
        kernel["kind"] == self.name.as_str()
    }
}

impl External {
    /// Why it cannot run this case, in a sentence without the case; `None` if it can.
    pub(crate) fn why_not(&self, case: &Case) -> Option<String> {
        let name = self.name;
        let kernel = &case.parameters["kernel"];
        if !self.kinds.iter().any(|kind| kind == GRAPH) {
            return Some(format!("`{name}` does not do the kind of work `{GRAPH}`"));
        }
        if !self.kernels.iter().any(|one| one.covers(kernel)) {
            return Some(self.lacks(kernel));
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
    fn lacks(&self, kernel: &Json) -> String {
        let kind = kernel["kind"].as_str().unwrap_or_default();
        let others = self.kernels.iter().filter(|one| one.is(kernel));
        let others = others.filter_map(|one| one.only_with.as_ref());
        let others: Vec<String> = others
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
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
