use super::{Grid, Pattern, STEPS, Size, WIDTH};
use crate::graph::{GraphError, TaskGraph};
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
        let neighbours = |_, point, near: &mut Vec<i64>| near.extend([point - 1, point, point + 1]);
        Grid::new(self, parameters).build(neighbours)
    }
}
