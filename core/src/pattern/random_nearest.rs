use super::nearest::window;
use super::{FRACTION, Grid, NEAREST, PERIOD, Pattern, RADIX, SEED, STEPS, Size, WIDTH};
use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{Parameter, Parameters};
use crate::random;

/// Each task depends on some of the points around it, drawn anew at each step of a period.
///
/// On `i` and on every other point `j` of the window of [`NEAREST`] for which a number drawn from
/// `(seed, radix, t mod period, j, i)` is below `fraction`. A radix of 0 means no dependences, where Task Bench
/// then draws for `i` itself; and the numbers are not those of Task Bench, which draws them with SipHash.
pub const RANDOM_NEAREST: RandomNearest = RandomNearest;

/// See [`RANDOM_NEAREST`].
#[derive(Debug)]
pub struct RandomNearest;

impl Pattern for RandomNearest {
    fn name(&self) -> &'static str {
        "random-nearest"
    }

    fn why(&self) -> &'static str {
        "point i depends on some of the points around it, drawn by a seed: irregular, yet local"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS, RADIX, PERIOD, FRACTION, SEED]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        // The most there can be: only drawing them all would tell how many there are.
        NEAREST.size(parameters)
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let radix = parameters.count("radix");
        let period = parameters.count("period") as i64;
        let fraction = parameters.ratio("fraction");
        let seed = parameters.count("seed");
        let is_kept = |step: i64, point: i64, other: i64| {
            let words = [
                seed,
                radix,
                (step % period) as u64,
                other as u64,
                point as u64,
            ];
            other == point || random::ratio(random::draw(words)) < fraction
        };
        let grid = Grid::new(self, parameters);
        let width = grid.width;
        grid.build(|step, point, near| {
            near.extend(window(radix, point, width).filter(|other| is_kept(step, point, *other)));
        })
    }
}
