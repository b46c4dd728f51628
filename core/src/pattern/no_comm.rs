use super::{Pattern, STEPS, Size, WIDTH, capacity};
use crate::graph::{GraphError, TaskGraph, TaskGraphBuilder, TaskId};
use crate::parameter::{Parameter, Parameters};

/// Chains side by side.
pub const NO_COMM: NoComm = NoComm;

/// See [`NO_COMM`].
#[derive(Debug)]
pub struct NoComm;

impl Pattern for NoComm {
    fn name(&self) -> &'static str {
        "no-comm"
    }

    fn why(&self) -> &'static str {
        "chains side by side: sessions that each go step by step"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let width = u128::from(parameters.count("width"));
        let steps = u128::from(parameters.count("steps"));
        Size {
            task_count: width * steps,
            edge_count: width * (steps - 1),
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let (task_count, edge_count) = capacity(self.size(parameters));
        let width = parameters.count("width") as u32;
        let mut builder = TaskGraphBuilder::with_capacity(task_count, edge_count);
        for _ in 0..width {
            builder.push([])?;
        }
        for above in 0..(task_count as u32).saturating_sub(width) {
            builder.push([TaskId(above)])?;
        }
        Ok(builder.finish())
    }
}
