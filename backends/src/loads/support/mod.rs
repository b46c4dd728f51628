//! What these kernels share.

mod awaited;
mod due_times;
mod echo;
mod file;
mod mixed;

pub(super) use awaited::AwaitedOn;
pub(super) use due_times::{DueTimes, Slot};
pub use echo::serve_echo;
pub(super) use echo::{EchoMessage, Helper, answer, message};
pub(super) use file::{PAGE_BYTES, bytes_from_device, file_system, temporary_file, with_pages};
pub(super) use mixed::{Mixed, MixedKind, Punctual, Timing};
