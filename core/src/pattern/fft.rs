use super::{Grid, Pattern, STEPS, Size, WIDTH, log2_ceil};
use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{Parameter, Parameters};

/// Exchange with neighbours at distances that double from step to step.
///
/// At step `t`, `i` depends on `i - 2^d`, `i` and `i + 2^d` with `d = (t + D - 1) mod D` and `D = ceil(log2 width)`.
/// A width of 1, for which Task Bench divides by zero, is a chain.
pub const FFT: Fft = Fft;

/// See [`FFT`].
#[derive(Debug)]
pub struct Fft;

impl Pattern for Fft {
    fn name(&self) -> &'static str {
        "fft"
    }

    fn why(&self) -> &'static str {
        "point i depends on i-2^d, i and i+2^d, with d one more at every step: a fast Fourier transform's exchange"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let width = u128::from(parameters.count("width"));
        let steps = u128::from(parameters.count("steps"));
        let distances = u128::from(distance_count(parameters.count("width")));
        // Two neighbours at distance 2^d fall off the ends for 2^d points each.
        let in_first = |count: u128| 3 * width * count - 2 * ((1 << count) - 1);
        let (rounds, rest) = ((steps - 1) / distances, (steps - 1) % distances);
        Size {
            task_count: width * steps,
            edge_count: rounds * in_first(distances) + in_first(rest),
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let distances = i64::from(distance_count(parameters.count("width")));
        Grid::new(self, parameters).build(|step, point, near| {
            let distance = 1 << ((step - 1) % distances);
            near.extend([point - distance, point, point + distance]);
        })
    }
}

fn distance_count(width: u64) -> u32 {
    log2_ceil(width).max(1)
}
