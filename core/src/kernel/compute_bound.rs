use std::io;

use super::multiply_add::{MultiplyAdd, ROUNDS_MAX};
use super::{Kernel, KernelKind, Setting};
use crate::graph::TaskId;
use crate::parameter::{Parameter, ParameterKind, Parameters};

/// A task that keeps the floating-point units of a core busy with a known number of operations.
pub const COMPUTE_BOUND: ComputeBoundKind = ComputeBoundKind;

/// See [`COMPUTE_BOUND`].
#[derive(Debug)]
pub struct ComputeBoundKind;

/// How much a task computes; [`super::LOAD_IMBALANCE`] has it too.
pub(super) const ITERATIONS: Parameter = Parameter {
    name: "iterations",
    why: "how many times 64 floating-point operations a task does",
    kind: ParameterKind::Count {
        min: 1,
        // For load-imbalance, which up to doubles it.
        max: ROUNDS_MAX / 2,
    },
    default: None,
};

impl KernelKind for ComputeBoundKind {
    fn name(&self) -> &'static str {
        "compute-bound"
    }

    fn why(&self) -> &'static str {
        "computes: fused multiply-adds at the peak rate of a core, 64 floating-point operations an iteration"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[ITERATIONS]
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some(ITERATIONS.name)
    }

    fn build(&self, parameters: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        Ok(Box::new(ComputeBound {
            iterations: parameters.count(ITERATIONS.name),
            multiply_add: MultiplyAdd::new(),
        }))
    }
}

struct ComputeBound {
    iterations: u64,
    multiply_add: MultiplyAdd,
}

impl Kernel for ComputeBound {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        self.multiply_add.rounds(seed, self.iterations)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        MultiplyAdd::outcome(seed, self.iterations)
    }
}
