//! Grids: rows of points, in which each point depends on points of the previous row.

use std::ops::Range;

use crate::graph::{GraphError, TaskGraph, TaskId};
use crate::parameter::Parameters;
use crate::pattern::{Pattern, Size, builder};

/// A grid to build. Numbers are signed, so that patterns can name points outside a row.
pub(in crate::pattern) struct Grid {
    size: Size,
    pub(in crate::pattern) width: i64,
    pub(in crate::pattern) steps: i64,
}

impl Grid {
    /// The grid of a pattern with the parameters `width` and `steps`.
    pub(in crate::pattern) fn new(pattern: &dyn Pattern, parameters: &Parameters) -> Self {
        Self {
            size: pattern.size(parameters),
            width: parameters.count("width") as i64,
            steps: parameters.count("steps") as i64,
        }
    }

    /// Builds the grid with rows of equal width. `neighbours` is as for [`build_rows`](Grid::build_rows).
    pub(in crate::pattern) fn build(
        self,
        neighbours: impl FnMut(i64, i64, &mut Vec<i64>),
    ) -> Result<TaskGraph, GraphError> {
        let width = self.width;
        self.build_rows(|_| 0..width, neighbours)
    }

    /// Builds the grid with the points `row(step)` at each step. `neighbours(step, point, near)` adds to `near` the
    /// points of the previous row on which `point` depends. Points outside that row are dropped, and duplicates
    /// count once.
    pub(in crate::pattern) fn build_rows(
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
