use std::io;

use super::support::sequence::in_sequence;
use super::{Kernel, KernelKind, Setting};
use crate::graph::TaskId;
use crate::parameter::{Parameter, ParameterKind, Parameters};

/// A task that repeats a few operations on a number of 32 bits, which every language can do itself.
pub const LOOP: LoopKind = LoopKind;

/// See [`LOOP`].
#[derive(Debug)]
pub struct LoopKind;

impl KernelKind for LoopKind {
    fn name(&self) -> &'static str {
        "loop"
    }

    fn why(&self) -> &'static str {
        "computes in the language itself: a multiplication, an addition and a shift per iteration, without a library"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "iterations",
            why: "how many iterations a task does, each of which depends on the one before",
            kind: ParameterKind::Count {
                min: 1,
                max: 1 << 40,
            },
            default: None,
        }]
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("iterations")
    }

    fn build(&self, parameters: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        Ok(Box::new(Loop {
            iterations: parameters.count("iterations"),
        }))
    }
}

struct Loop {
    iterations: u64,
}

impl Kernel for Loop {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        in_sequence(seed, |seed| {
            seed ^ u64::from(repeat(seed as u32, self.iterations))
        })
    }
}

/// Applies one step `iterations` times to `state`.
///
/// Without the shift, many steps could be combined into one multiplication and one addition. No product needs more
/// than 53 bits, so a language whose numbers are floating-point numbers of 64 bits computes the same result.
fn repeat(mut state: u32, iterations: u64) -> u32 {
    for _ in 0..iterations {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state ^= state >> 16;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values were computed with the unbounded integers of Python, from the definition in FORMAT.md.
    #[test]
    fn values_are_those_of_another_implementation() {
        let known = [
            (0, 1, 0x3c6e_cf31),
            (1, 1, 0x3c88_65e5),
            (0x1234_5678_9abc_def0, 1, 0x1234_5678_84f5_2536),
            (0, 1000, 0xb6e5_3960),
            (u64::MAX, 10_000, 0xffff_ffff_44b8_cc37),
        ];
        for (seed, iterations, expected) in known {
            let value = Loop { iterations }.run(TaskId(0), seed);
            assert_eq!(value, expected, "{seed:#x}, {iterations} times");
        }
    }
}
