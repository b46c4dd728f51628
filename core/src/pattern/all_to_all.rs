use super::{Grid, Pattern, STEPS, Size, WIDTH};
use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{Parameter, Parameters};

/// Each task depends on all of the step before.
pub const ALL_TO_ALL: AllToAll = AllToAll;

/// See [`ALL_TO_ALL`].
#[derive(Debug)]
pub struct AllToAll;

impl Pattern for AllToAll {
    fn name(&self) -> &'static str {
        "all-to-all"
    }

    fn why(&self) -> &'static str {
        "every task waits for the whole step before: a barrier, with all data exchanged"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let width = u128::from(parameters.count("width"));
        let steps = u128::from(parameters.count("steps"));
        Size {
            task_count: width * steps,
            edge_count: (steps - 1) * width * width,
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let grid = Grid::new(self, parameters);
        let width = grid.width;
        grid.build(|_, _, near| near.extend(0..width))
    }
}
