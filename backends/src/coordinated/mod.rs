//! The kernels whose tasks coordinate, and the form of each primitive that a backend's workers get. There is one file per
//! kernel, and one line per kernel in [`COORDINATED`].

use crate::kernel::KernelKind;

mod barrier;
mod support;

pub use barrier::BARRIER;

/// The kernels whose tasks coordinate.
pub const COORDINATED: &[&dyn KernelKind] = &[&BARRIER];
