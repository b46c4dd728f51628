use serde_json::json;

use super::{PROBE_BACKEND, PROBE_TASKS};
use crate::matrix::PlannedCase;
use crate::parameter::ParameterKind;
use crate::record::Case;
use crate::registry::Registry;
use crate::workload::Definition;

/// A case whose task size can be swept.
#[derive(Debug, Clone)]
pub struct Sweepable {
    pub(super) planned: PlannedCase,
    /// The variant without the size.
    pub(super) variant: String,
    pub(super) size_parameter: &'static str,
    /// What the probe's kernel takes in place of what the case's does.
    even_parameters: &'static [(&'static str, u64)],
    /// The sizes that the kernel takes.
    pub(super) bounds: (u64, u64),
    pub(super) least_task_count: u64,
    /// What one size holds, in bytes.
    pub(super) byte_len: u64,
}

impl Sweepable {
    /// `planned` as a case to sweep; `None` if its kernel has no size.
    ///
    /// # Errors
    ///
    /// When the case does not fit `registry`, in a sentence.
    pub fn new(planned: &PlannedCase, registry: &Registry) -> Result<Option<Self>, String> {
        let case = &planned.case;
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let definition =
            Definition::from_json(&case.parameters, registry).map_err(|error| text(&error))?;
        let Some(size_parameter) = definition.kernel.size_parameter() else {
            return Ok(None);
        };
        let declared = definition.kernel.parameters().iter();
        let bounds = declared
            .filter(|one| one.name == size_parameter)
            .find_map(|one| match one.kind {
                ParameterKind::Count { min, max } => Some((min.max(1), max)),
                _ => None,
            });
        let Some(bounds) = bounds else {
            return Ok(None);
        };
        let backend = registry
            .backend(&case.backend)
            .ok_or_else(|| format!("there is no backend `{}`", case.backend))?;
        let graph = definition.build_graph().map_err(|error| text(&error))?;
        let task_count = graph.task_count() as u64;
        let depth = graph.levels().into_iter().max().map_or(0, |last| last + 1);
        let parallelism = backend.parallelism(case.workers as usize, false);
        let share = parallelism.map_or(0, |workers| task_count.div_ceil(workers.max(1) as u64));
        Ok(Some(Self {
            variant: without(&case.variant, size_parameter),
            planned: planned.clone(),
            size_parameter,
            even_parameters: definition.kernel.even_parameters(),
            bounds,
            least_task_count: share.max(u64::from(depth)),
            byte_len: definition.byte_len(),
        }))
    }

    /// What tells it from others: two cases that differ in nothing but the size are one.
    pub fn id(&self) -> String {
        self.case(None).id()
    }

    /// The kernel but for its size, and on how many workers it runs where: cases that agree in these share a
    /// probe.
    pub fn probe_key(&self) -> String {
        let case = self.case(None);
        let kernel = &case.parameters["kernel"];
        format!("{kernel} {} {}", case.workers, case.pin)
    }

    /// The case at this size, or without one.
    pub(super) fn case(&self, size: Option<u64>) -> Case {
        let mut case = self.planned.case.clone();
        case.parameters["kernel"][self.size_parameter] = json!(size);
        case.variant = self.variant.clone();
        if let Some(size) = size {
            let separator = if case.variant.is_empty() { "" } else { "," };
            case.variant += &format!("{separator}{}={size}", self.size_parameter);
        }
        case
    }

    /// As many chains as there are workers, of tasks of this size.
    pub(super) fn probe_case(&self, size: u64) -> Case {
        let mut case = self.case(Some(size));
        case.backend = PROBE_BACKEND.into();
        case.continuation = None;
        case.options.clear();
        let mut kernel = case.parameters["kernel"].take();
        for (name, value) in self.even_parameters {
            kernel[*name] = json!(value);
        }
        let pattern = json!({"kind": "no-comm", "width": case.workers, "steps": PROBE_TASKS});
        case.parameters = json!({"pattern": pattern, "kernel": kernel});
        case
    }
}

/// A variant's label without the entry of one parameter.
fn without(variant: &str, parameter: &str) -> String {
    let entries = variant.split(',');
    let entries = entries.filter(|entry| entry.split('=').next() != Some(parameter));
    entries.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_leaves_the_variant_and_nothing_else_does() {
        assert_eq!(without("", "times"), "");
        assert_eq!(without("times=3", "times"), "");
        assert_eq!(
            without("width=2,times=3,steps=4", "times"),
            "width=2,steps=4"
        );
        assert_eq!(without("sometimes=3", "times"), "sometimes=3");
    }
}
