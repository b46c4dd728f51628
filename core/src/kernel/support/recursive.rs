//! What the kernels that are recursive programs have in common.

use std::io;

use crate::graph::TaskId;
use crate::kernel::{CutOff, Findings, Kernel, KernelKind, Setting};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::recursion::RecursiveProgram;

/// A kind of recursive program.
pub struct RecursiveKind {
    pub(in crate::kernel) name: &'static str,
    pub(in crate::kernel) why: &'static str,
    pub(in crate::kernel) parameters: &'static [Parameter],
    pub(in crate::kernel) cut_off: Option<CutOff>,
    /// The bytes that the program holds.
    pub(in crate::kernel) byte_len: fn(&Parameters) -> u64,
    pub(in crate::kernel) program: fn(&Parameters) -> io::Result<RecursiveProgram>,
}

impl KernelKind for RecursiveKind {
    fn name(&self) -> &'static str {
        self.name
    }

    fn why(&self) -> &'static str {
        self.why
    }

    fn parameters(&self) -> &'static [Parameter] {
        self.parameters
    }

    fn is_recursive(&self) -> bool {
        true
    }

    fn cut_off(&self) -> Option<CutOff> {
        self.cut_off
    }

    fn byte_len(&self, parameters: &Parameters) -> u64 {
        (self.byte_len)(parameters)
    }

    fn build(&self, parameters: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let program = (self.program)(parameters)?;
        Ok(Box::new(Recursive(program)))
    }
}

/// A recursive program as a kernel.
pub(super) struct Recursive(pub(super) RecursiveProgram);

impl Kernel for Recursive {
    /// The whole program on the calling thread: what the expected digest is made of.
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        self.0.run_sequentially(seed).word()
    }

    fn recursion(&self) -> Option<&RecursiveProgram> {
        Some(&self.0)
    }

    fn verify(&self, _: u64) -> Result<Findings, String> {
        self.0.check().map(|()| Findings::new())
    }
}

/// The cut-off of a program that sorts: each is half of the one before.
pub(in crate::kernel) const HALVES: CutOff = CutOff {
    parameter: "cut_off",
    next: |cut_off| cut_off / 2,
};

/// For programs that hold nothing.
pub(in crate::kernel) fn nothing(_: &Parameters) -> u64 {
    0
}

/// A count with a default.
pub(in crate::kernel) const fn count(
    name: &'static str,
    why: &'static str,
    (min, max): (u64, u64),
    default: u64,
) -> Parameter {
    Parameter {
        name,
        why,
        kind: ParameterKind::Count { min, max },
        default: Some(DefaultValue::Count(default)),
    }
}
