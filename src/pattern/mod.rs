//! How the tasks of a workload depend on each other. One file a pattern, one line in [`PATTERNS`].

use std::iter::Sum;

use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{Parameter, ParameterKind, Parameters};

mod chain;
mod fan_out_in;
mod no_comm;
mod stencil_1d;
mod trivial;

pub use chain::CHAIN;
pub use fan_out_in::FAN_OUT_IN;
pub use no_comm::NO_COMM;
pub use stencil_1d::STENCIL_1D;
pub use trivial::TRIVIAL;

/// The patterns that every build has.
pub const PATTERNS: &[&dyn Pattern] = &[&TRIVIAL, &NO_COMM, &CHAIN, &FAN_OUT_IN, &STENCIL_1D];

/// A family of task graphs.
pub trait Pattern: Sync {
    /// The name in workload files and records.
    fn name(&self) -> &'static str;
    /// What it stands for, in one line.
    fn why(&self) -> &'static str;
    /// The parameters it takes.
    fn parameters(&self) -> &'static [Parameter];
    /// How large the graph will be, by a closed formula. Lets a graph that does not fit be refused before
    /// it is built.
    fn size(&self, parameters: &Parameters) -> Size;
    /// The graph.
    ///
    /// # Errors
    ///
    /// When it has more tasks or edges than ids can number.
    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError>;
}

/// How many tasks and edges a graph has, or will have. Wide enough for any parameters in bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// How many tasks.
    pub task_count: u128,
    /// How many dependences.
    pub edge_count: u128,
}

impl Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::default(), |sum, size| Self {
            task_count: sum.task_count + size.task_count,
            edge_count: sum.edge_count + size.edge_count,
        })
    }
}

/// The extent of one side of a grid: at least 1, and few enough for an id.
const EXTENT: ParameterKind = ParameterKind::Count {
    min: 1,
    max: u32::MAX as u64,
};

/// How many tasks a step has.
const WIDTH: Parameter = Parameter {
    name: "width",
    why: "how many tasks a step has",
    kind: EXTENT,
    default: None,
};

/// How many steps follow each other.
const STEPS: Parameter = Parameter {
    name: "steps",
    why: "how many steps follow each other",
    kind: EXTENT,
    default: None,
};

/// [`STEPS`] for patterns that make sense with one step.
const STEPS_OR_ONE: Parameter = Parameter {
    default: Some(crate::parameter::DefaultValue::Count(1)),
    ..STEPS
};

/// The tasks and edges to reserve room for. Only called for graphs that were found to fit.
fn capacity(size: Size) -> (usize, usize) {
    let clamp = |count: u128| usize::try_from(count).unwrap_or(0);
    (clamp(size.task_count), clamp(size.edge_count))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::parameter::Value;

    #[test]
    fn what_is_built_has_the_size_that_the_formula_gives() {
        for pattern in PATTERNS {
            for (width, steps) in [(1, 1), (1, 5), (2, 1), (2, 3), (7, 2), (7, 11)] {
                let given = [("width", width), ("steps", steps)];
                let declared = pattern.parameters();
                let given: BTreeMap<String, Value> = given
                    .into_iter()
                    .filter(|(name, _)| declared.iter().any(|one| one.name == *name))
                    .map(|(name, count)| (name.to_owned(), Value::Count(count)))
                    .collect();
                let parameters = Parameters::check(declared, &given).unwrap();
                let graph = pattern.build(&parameters).unwrap();
                let built = Size {
                    task_count: graph.task_count() as u128,
                    edge_count: graph.edge_count() as u128,
                };
                let name = pattern.name();
                assert_eq!(built, pattern.size(&parameters), "{name} {width} {steps}");
            }
        }
    }
}
