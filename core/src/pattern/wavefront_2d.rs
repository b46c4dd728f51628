use super::{Pattern, STEPS, Size, WIDTH, builder};
use crate::graph::{GraphError, TaskGraph, TaskId};
use crate::parameter::{Parameter, Parameters};

/// Each point of a rectangle depends on the one above it and the one to its left.
///
/// `width` points a row, `steps` rows; ids go row by row.
pub const WAVEFRONT_2D: Wavefront2d = Wavefront2d;

/// See [`WAVEFRONT_2D`].
#[derive(Debug)]
pub struct Wavefront2d;

impl Pattern for Wavefront2d {
    fn name(&self) -> &'static str {
        "wavefront-2d"
    }

    fn why(&self) -> &'static str {
        "a point waits for those above and to the left: dynamic programming, parallel along diagonals"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[WIDTH, STEPS]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let width = u128::from(parameters.count("width"));
        let steps = u128::from(parameters.count("steps"));
        Size {
            task_count: width * steps,
            edge_count: 2 * width * steps - width - steps,
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let width = parameters.count("width") as u32;
        let mut builder = builder(self.size(parameters));
        for step in 0..parameters.count("steps") as u32 {
            let row = step * width;
            for point in 0..width {
                let above = (step > 0).then(|| TaskId(row - width + point));
                let left = (point > 0).then(|| TaskId(row + point - 1));
                builder.push(above.into_iter().chain(left))?;
            }
        }
        Ok(builder.finish())
    }
}
