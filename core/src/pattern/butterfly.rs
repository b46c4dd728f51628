use super::{DEPTH, Pattern, Size, builder};
use crate::graph::{GraphError, TaskGraph, TaskId};
use crate::parameter::{Parameter, Parameters};

/// Exchange between halves, quarters and so on of `2^depth` points.
///
/// At step `t` from 1 to `depth`, `i` depends on `i` and `i xor 2^(t-1)`.
pub const BUTTERFLY: Butterfly = Butterfly;

/// See [`BUTTERFLY`].
#[derive(Debug)]
pub struct Butterfly;

impl Pattern for Butterfly {
    fn name(&self) -> &'static str {
        "butterfly"
    }

    fn why(&self) -> &'static str {
        "point i exchanges with i xor 2^d, d from 0 to depth-1: an all-reduce, in as few steps as can be"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[DEPTH]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let depth = u128::from(parameters.count("depth"));
        Size {
            task_count: (depth + 1) << depth,
            edge_count: depth << (depth + 1),
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let depth = parameters.count("depth") as u32;
        let mut builder = builder(self.size(parameters));
        for _ in 0..1u32 << depth {
            builder.push([])?;
        }
        for step in 0..depth {
            let row = step << depth;
            for point in 0..1u32 << depth {
                let partner = point ^ (1 << step);
                let inputs = [point.min(partner), point.max(partner)];
                builder.push(inputs.map(|input| TaskId(row + input)))?;
            }
        }
        Ok(builder.finish())
    }
}
