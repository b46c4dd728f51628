use super::{Grid, Pattern, STEPS, Size, WIDTH};
use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{Parameter, Parameters};

/// The stencil whose ends are neighbours.
pub const STENCIL_1D_PERIODIC: Stencil1dPeriodic = Stencil1dPeriodic;

/// See [`STENCIL_1D_PERIODIC`].
#[derive(Debug)]
pub struct Stencil1dPeriodic;

impl Pattern for Stencil1dPeriodic {
    fn name(&self) -> &'static str {
        "stencil-1d-periodic"
    }

    fn why(&self) -> &'static str {
        "the stencil bent into a ring: no point has less to wait for than the others"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let width = u128::from(parameters.count("width"));
        let steps = u128::from(parameters.count("steps"));
        Size {
            task_count: width * steps,
            // On rings of one and two points, neighbours are the same point.
            edge_count: (steps - 1) * width * width.min(3),
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let grid = Grid::new(self, parameters);
        let width = grid.width;
        grid.build(|_, point, near| {
            near.extend([-1, 0, 1].map(|offset| (point + offset).rem_euclid(width)));
        })
    }
}
