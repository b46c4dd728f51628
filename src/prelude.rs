//! The imports of a program that adds backends, kernels, patterns or workloads.

pub use crate::harness::Harness;
pub use taskdyno_core::prelude::*;
