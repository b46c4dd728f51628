use super::{Grid, Pattern, STEPS, Size, WIDTH, log2_ceil};
use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{Parameter, Parameters};

/// A binary tree that fans out until its rows are full, and then goes on at that width.
///
/// Row `t` is `min(width, 2^t)` wide, and `i` depends on `i / 2` of the row before.
pub const TREE: Tree = Tree;

/// See [`TREE`].
#[derive(Debug)]
pub struct Tree;

impl Pattern for Tree {
    fn name(&self) -> &'static str {
        "tree"
    }

    fn why(&self) -> &'static str {
        "each task releases two: work that has to spread before all workers have some"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let width = u128::from(parameters.count("width"));
        let steps = u128::from(parameters.count("steps"));
        let growing = steps.min(u128::from(log2_ceil(parameters.count("width"))));
        let task_count = (1 << growing) - 1 + (steps - growing) * width;
        Size {
            task_count,
            // Every task but the first has one parent.
            edge_count: task_count - 1,
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let grid = Grid::new(self, parameters);
        let width = grid.width;
        // Wide enough long before the shift would overflow.
        let row = |step: i64| 0..width.min(1 << step.min(32));
        grid.build_rows(row, |_, point, near| near.push(point / 2))
    }
}
