use super::{Grid, Pattern, STEPS, Size, WIDTH};
use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{Parameter, Parameters};

/// A wavefront that sweeps over a square, row by row: it starts at one task, grows, and dies away.
///
/// Row `t` starts at `max(0, t + width - steps)` and is `min(width, t + 1, steps - t)` wide, and `i` depends on
/// `i - 1` and `i` of the row before. With fewer steps than `width` the rows move on faster than they follow
/// from each other, and the last task of each growing row depends on nothing: that is how Task Bench has it.
pub const DOM: Dom = Dom;

/// See [`DOM`].
#[derive(Debug)]
pub struct Dom;

impl Pattern for Dom {
    fn name(&self) -> &'static str {
        "dom"
    }

    fn why(&self) -> &'static str {
        "a sweep over a grid (discrete ordinates): parallelism that grows and dies away"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let width = u128::from(parameters.count("width"));
        let steps = u128::from(parameters.count("steps"));
        Size {
            task_count: capped_sum(steps / 2, width) + capped_sum(steps.div_ceil(2), width),
            edge_count: edge_count(width, steps),
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let grid = Grid::new(self, parameters);
        let (width, steps) = (grid.width, grid.steps);
        let row = |step: i64| {
            let start = (step + width - steps).max(0);
            start..start + width.min(step + 1).min(steps - step)
        };
        grid.build_rows(row, |_, point, near| near.extend([point - 1, point]))
    }
}

/// The sum of `min(n, cap)` over `n` from 1 to `count`.
fn capped_sum(count: u128, cap: u128) -> u128 {
    let growing = count.min(cap);
    growing * (growing + 1) / 2 + (count - growing) * cap
}

/// Row by row, `t` from 1: while rows start at 0, `2t` edges as long as they grow and `2 width - 1` then; once
/// their start moves on, `2t - 1` as long as they grow, and `2 (steps - t)` then.
fn edge_count(width: u128, steps: u128) -> u128 {
    let fixed = steps.saturating_sub(width);
    let growing = fixed.min(width - 1);
    let level = fixed - growing;
    let moving = (steps / 2).max(fixed);
    let dying = (steps - steps / 2 - 1).min(width - 1);
    growing * (growing + 1)
        + level * (2 * width - 1)
        + (moving * moving - fixed * fixed)
        + dying * (dying + 1)
}
