//! Grids: rows of points, in which each point depends on points of the row before.

use std::ops::Range;

use super::{Pattern, Size, builder};
use crate::graph::{GraphError, TaskGraph, TaskId};
use crate::parameter::Parameters;

/// A grid that is to be built. Numbers are signed, so that patterns can name points beyond the ends of a row.
pub(super) struct Grid {
    size: Size,
    pub(super) width: i64,
    pub(super) steps: i64,
}

impl Grid {
    /// The grid of a pattern that takes `width` and `steps`.
    pub(super) fn new(pattern: &dyn Pattern, parameters: &Parameters) -> Self {
        Self {
            size: pattern.size(parameters),
            width: parameters.count("width") as i64,
            steps: parameters.count("steps") as i64,
        }
    }

    /// Builds it with rows that are all as wide as the grid. `neighbours` is as for
    /// [`build_rows`](Grid::build_rows).
    pub(super) fn build(
        self,
        neighbours: impl FnMut(i64, i64, &mut Vec<i64>),
    ) -> Result<TaskGraph, GraphError> {
        let width = self.width;
        self.build_rows(|_| 0..width, neighbours)
    }

    /// Builds it with the points `row(step)` at each step. `neighbours(step, point, near)` adds to `near` the
    /// points of the row before that `point` depends on; those that this row does not have are dropped, and
    /// those that are added twice count once.
    pub(super) fn build_rows(
        self,
        row: impl Fn(i64) -> Range<i64>,
        mut neighbours: impl FnMut(i64, i64, &mut Vec<i64>),
    ) -> Result<TaskGraph, GraphError> {
        let mut builder = builder(self.size);
        let mut above = row(0);
        for _ in above.clone() {
            builder.push([])?;
        }
        let mut first_above = 0;
        let mut near = Vec::new();
        for step in 1..self.steps {
            let points = row(step);
            for point in points.clone() {
                near.clear();
                neighbours(step, point, &mut near);
                near.retain(|point| above.contains(point));
                near.sort_unstable();
                near.dedup();
                let id = |point: &i64| TaskId((first_above + point - above.start) as u32);
                builder.push(near.iter().map(id))?;
            }
            first_above += above.end - above.start;
            above = points;
        }
        Ok(builder.finish())
    }
}
