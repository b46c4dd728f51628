use super::{Pattern, STEPS, Size, WIDTH, capacity};
use crate::graph::{GraphError, TaskGraph, TaskGraphBuilder, TaskId};
use crate::parameter::{Parameter, Parameters};

/// Each task depends on three neighbours of the step before.
pub const STENCIL_1D: Stencil1d = Stencil1d;

/// See [`STENCIL_1D`].
#[derive(Debug)]
pub struct Stencil1d;

impl Pattern for Stencil1d {
    fn name(&self) -> &'static str {
        "stencil-1d"
    }

    fn why(&self) -> &'static str {
        "point i depends on i-1, i and i+1 of the step before: a simulation with halo exchange"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let width = u128::from(parameters.count("width"));
        let steps = u128::from(parameters.count("steps"));
        Size {
            task_count: width * steps,
            // Three neighbours a point, less the two that fall off the ends.
            edge_count: (steps - 1) * (3 * width - 2),
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let (task_count, edge_count) = capacity(self.size(parameters));
        let width = parameters.count("width") as u32;
        let mut builder = TaskGraphBuilder::with_capacity(task_count, edge_count);
        for _ in 0..width {
            builder.push([])?;
        }
        for step in 1..parameters.count("steps") as u32 {
            let row = (step - 1) * width;
            for point in 0..width {
                let neighbours = point.saturating_sub(1)..=(point + 1).min(width - 1);
                builder.push(neighbours.map(|neighbour| TaskId(row + neighbour)))?;
            }
        }
        Ok(builder.finish())
    }
}
