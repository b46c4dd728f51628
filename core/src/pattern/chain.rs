use super::{Pattern, STEPS, Size, capacity};
use crate::graph::{GraphError, TaskGraph, TaskGraphBuilder, TaskId};
use crate::parameter::{Parameter, Parameters};

/// One chain of tasks.
pub const CHAIN: Chain = Chain;

/// See [`CHAIN`].
#[derive(Debug)]
pub struct Chain;

impl Pattern for Chain {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn why(&self) -> &'static str {
        "one task after the other: nothing to gain, so what is left is the hand-over"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[STEPS]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let steps = u128::from(parameters.count("steps"));
        Size {
            task_count: steps,
            edge_count: steps - 1,
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let (task_count, edge_count) = capacity(self.size(parameters));
        let mut builder = TaskGraphBuilder::with_capacity(task_count, edge_count);
        let mut last: Option<TaskId> = None;
        for _ in 0..task_count {
            last = Some(builder.push(last)?);
        }
        Ok(builder.finish())
    }
}
