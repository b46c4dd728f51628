use super::{Grid, PERIOD, Pattern, RADIX, STEPS, Size, WIDTH};
use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{Parameter, Parameters};

/// Each task depends on `radix` points spread over the whole step before, other ones at each step.
///
/// For each `k < radix`, on `(i + k * width / radix + (k > 0 ? t mod period : 0)) mod width`, the quotient
/// rounded down. Points that come out the same count once; Task Bench lists them as often as they come.
pub const SPREAD: Spread = Spread;

/// See [`SPREAD`].
#[derive(Debug)]
pub struct Spread;

impl Pattern for Spread {
    fn name(&self) -> &'static str {
        "spread"
    }

    fn why(&self) -> &'static str {
        "point i depends on radix points far apart, which change with a period: exchange without locality"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS, RADIX, PERIOD]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let width = u128::from(parameters.count("width"));
        let steps = u128::from(parameters.count("steps"));
        let (radix, period) = (parameters.count("radix"), parameters.count("period"));
        let edge_count = match u128::from(radix) {
            0 => 0,
            // Near enough to each other to come to every point, wherever they start.
            radix if radix > width => (steps - 1) * width * width,
            radix => width * ((steps - 1) * radix - hit_count(width, steps, radix, period.into())),
        };
        Size {
            task_count: width * steps,
            edge_count,
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let (radix, period) = (
            parameters.count("radix") as i64,
            parameters.count("period") as i64,
        );
        let grid = Grid::new(self, parameters);
        let width = grid.width;
        grid.build(|step, point, near| {
            // Near enough to each other to come to every point, wherever they start.
            if radix > width {
                return near.extend(0..width);
            }
            let shifted = (1..radix).map(|k| k * width / radix + step % period);
            let first = (radix > 0).then_some(0);
            let offsets = first.into_iter().chain(shifted);
            near.extend(offsets.map(|offset| (point + offset) % width));
        })
    }
}

/// How many pairs of a step and a `k` from 1 there are in which `k` comes to the point itself, which `k = 0`
/// stands for already. With `radix <= width` no other two come out the same.
fn hit_count(width: u128, steps: u128, radix: u128, period: u128) -> u128 {
    // How many of the numbers below `end` leave `rest`, at least 1, over when divided by the width.
    let leaving = |rest: u128, end: u128| (end + width - 1).saturating_sub(rest) / width;
    let hits = (1..radix).map(|k| {
        // The shift that completes the offset of `k` to a whole turn. It is not 0, so step 0 is not counted.
        let rest = width - k * width / radix;
        steps / period * leaving(rest, period) + leaving(rest, steps % period)
    });
    hits.sum()
}
