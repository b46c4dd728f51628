use std::io;

use super::{Kernel, KernelKind, Setting};
use crate::graph::TaskId;
use crate::parameter::{Parameter, Parameters};

/// A task that does nothing but pass its seed on.
pub const EMPTY: EmptyKind = EmptyKind;

/// See [`EMPTY`].
#[derive(Debug)]
pub struct EmptyKind;

impl KernelKind for EmptyKind {
    fn name(&self) -> &'static str {
        "empty"
    }

    fn why(&self) -> &'static str {
        "does nothing: what is left is the cost of a task"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn build(&self, _: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        Ok(Box::new(Empty))
    }
}

struct Empty;

impl Kernel for Empty {
    #[inline]
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }
}
