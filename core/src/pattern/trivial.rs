use super::{Pattern, STEPS_OR_ONE, Size, WIDTH, capacity};
use crate::graph::{GraphError, TaskGraph, TaskGraphBuilder};
use crate::parameter::{Parameter, Parameters};

/// Independent tasks.
pub const TRIVIAL: Trivial = Trivial;

/// See [`TRIVIAL`].
#[derive(Debug)]
pub struct Trivial;

impl Pattern for Trivial {
    fn name(&self) -> &'static str {
        "trivial"
    }

    fn why(&self) -> &'static str {
        "independent tasks: requests that have nothing to do with each other"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS_OR_ONE]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let width = u128::from(parameters.count("width"));
        Size {
            task_count: width * u128::from(parameters.count("steps")),
            edge_count: 0,
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let (task_count, edge_count) = capacity(self.size(parameters));
        let mut builder = TaskGraphBuilder::with_capacity(task_count, edge_count);
        for _ in 0..task_count {
            builder.push([])?;
        }
        Ok(builder.finish())
    }
}
