//! What these kernels share.

use crate::kernel::{Setting, Venue};

mod awaited;
mod due_times;
mod echo;
mod file;

pub(super) use awaited::{elsewhere, until};
pub(super) use due_times::{DueTimes, Slot};
pub use echo::serve_echo;
pub(super) use echo::{EchoMessage, Helper, answer, message};
pub(super) use file::{PAGE_BYTES, bytes_from_device, file_system, temporary_file, with_pages};

/// Checks that the tasks at `venue` need not block their workers.
///
/// # Errors
///
/// That this build cannot await the tasks of the backend.
pub(super) fn check_awaits(venue: &Venue<'_>) -> Result<(), String> {
    match venue.is_external || !venue.is_async || is_awaited_on(venue.runtime) {
        true => Ok(()),
        false => Err(format!(
            "no timers and no IO for the tasks of `{}`: use an async backend of tokio, or one of threads or processes",
            venue.backend
        )),
    }
}

/// Whether the tasks at `setting` are awaited.
pub(super) fn awaits(setting: &Setting<'_>) -> bool {
    setting.is_async && is_awaited_on(setting.runtime)
}

/// Whether this build can await tasks of this runtime.
fn is_awaited_on(runtime: Option<&str>) -> bool {
    cfg!(feature = "tokio") && runtime == Some("tokio")
}
