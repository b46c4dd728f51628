//! The kernels whose tasks coordinate, and the form of each primitive that a backend's workers get. There is one file per
//! kernel, and one line per kernel in [`COORDINATED`].

use crate::kernel::KernelKind;

mod barrier;
mod condition;
mod event;
mod map_order;
mod support;
mod timer;

pub use barrier::BARRIER;
pub use condition::CONDITION;
pub use event::EVENT;
pub use map_order::MAP_ORDER;
pub use timer::TIMER;

/// The kernels whose tasks coordinate.
pub const COORDINATED: &[&dyn KernelKind] = &[&BARRIER, &CONDITION, &EVENT, &MAP_ORDER, &TIMER];
