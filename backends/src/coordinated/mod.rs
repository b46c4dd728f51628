//! The kernels whose tasks coordinate, and the form of each primitive that a backend's workers get. There is one file per
//! kernel, and one line per kernel in [`COORDINATED`].

use crate::kernel::KernelKind;

mod barrier;
mod ping_pong;
mod producer_consumer;
mod support;
mod threadring;

pub use barrier::BARRIER;
pub use ping_pong::PING_PONG;
pub use producer_consumer::PRODUCER_CONSUMER;
pub use threadring::THREADRING;

/// The kernels whose tasks coordinate.
pub const COORDINATED: &[&dyn KernelKind] =
    &[&BARRIER, &PRODUCER_CONSUMER, &THREADRING, &PING_PONG];
