use std::ops::RangeInclusive;

use super::{Grid, Pattern, RADIX, STEPS, Size, WIDTH};
use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{Parameter, Parameters};

/// Each task depends on the `radix` points around it.
///
/// On `i - radix / 2` up to `i + (radix - 1) / 2` of the step before; with a radix of 0, on nothing.
pub const NEAREST: Nearest = Nearest;

/// See [`NEAREST`].
#[derive(Debug)]
pub struct Nearest;

impl Pattern for Nearest {
    fn name(&self) -> &'static str {
        "nearest"
    }

    fn why(&self) -> &'static str {
        "point i depends on the radix points around it: a stencil as wide as you like"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS, RADIX]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let steps = u128::from(parameters.count("steps"));
        let width = u128::from(parameters.count("width"));
        Size {
            task_count: width * steps,
            edge_count: (steps - 1) * pair_count(width, parameters.count("radix")),
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let radix = parameters.count("radix");
        let grid = Grid::new(self, parameters);
        let width = grid.width;
        grid.build(|_, point, near| near.extend(window(radix, point, width)))
    }
}

/// The points that are near `point`, some of them outside the row.
pub(super) fn window(radix: u64, point: i64, width: i64) -> RangeInclusive<i64> {
    let radix = radix as i64;
    // Rounded down even below zero: a radix of 0 makes the window empty.
    let (first, last) = (point - radix / 2, point + (radix - 1).div_euclid(2));
    first.max(0)..=last.min(width - 1)
}

/// How many pairs of points of two rows are near each other.
pub(super) fn pair_count(width: u128, radix: u64) -> u128 {
    let Some(others) = radix.checked_sub(1) else {
        return 0;
    };
    // At each distance up to `reach` there are as many pairs as points that do not fall off the end.
    let to_one_side = |reach: u64| {
        let reach = u128::from(reach).min(width);
        reach * width - reach * (reach + 1) / 2
    };
    width + to_one_side(radix / 2) + to_one_side(others / 2)
}
