//! Kernels that load a machine as real programs do: they do IO, or some of their tasks hinder the others. Each task works by
//! itself. There is one file per kernel, and one line per kernel in [`LOADS`].
//!
//! A task blocks its worker, and on async backends it is awaited. There, files go through the threads that the runtime keeps
//! for calls that block, because it has no other way (`tokio::fs` and `smol::fs` do the same).

use crate::kernel::KernelKind;

mod io_file_read;
mod io_file_write;
mod io_tcp;
mod mixed_blocking;
mod mixed_periodic;
mod mixed_sizes;
mod support;

pub use io_file_read::IO_FILE_READ;
pub use io_file_write::IO_FILE_WRITE;
pub use io_tcp::IO_TCP;
pub use mixed_blocking::MIXED_BLOCKING;
pub use mixed_periodic::MIXED_PERIODIC;
pub use mixed_sizes::MIXED_SIZES;
pub use support::serve_echo;

/// The kernels of realistic loads.
pub const LOADS: &[&dyn KernelKind] = &[
    &IO_FILE_READ,
    &IO_FILE_WRITE,
    &IO_TCP,
    &MIXED_BLOCKING,
    &MIXED_SIZES,
    &MIXED_PERIODIC,
];
