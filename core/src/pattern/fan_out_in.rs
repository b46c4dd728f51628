use super::{Pattern, STEPS_OR_ONE, Size, WIDTH, capacity};
use crate::graph::{GraphError, TaskGraph, TaskGraphBuilder};
use crate::parameter::{Parameter, Parameters};

/// One task, many, one, many, one.
pub const FAN_OUT_IN: FanOutIn = FanOutIn;

/// See [`FAN_OUT_IN`].
#[derive(Debug)]
pub struct FanOutIn;

impl Pattern for FanOutIn {
    fn name(&self) -> &'static str {
        "fan-out-in"
    }

    fn why(&self) -> &'static str {
        "one task releases many, and one waits for them all: a parallel loop with a barrier"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS_OR_ONE]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let width = u128::from(parameters.count("width"));
        let steps = u128::from(parameters.count("steps"));
        Size {
            task_count: 1 + steps * (width + 1),
            edge_count: 2 * steps * width,
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let (task_count, edge_count) = capacity(self.size(parameters));
        let mut builder = TaskGraphBuilder::with_capacity(task_count, edge_count);
        let mut join = builder.push([])?;
        let mut middle = Vec::new();
        for _ in 0..parameters.count("steps") {
            middle.clear();
            for _ in 0..parameters.count("width") {
                middle.push(builder.push([join])?);
            }
            join = builder.push(middle.iter().copied())?;
        }
        Ok(builder.finish())
    }
}
