//! Which form of a primitive the workers of a backend get.

use crate::kernel::{Setting, Sharing, Venue};

pub(super) mod channel;
pub(super) mod channels;
pub(super) mod lock;
pub(super) mod locks;
#[cfg(feature = "tokio")]
pub(super) mod tokio_monitor;
#[cfg(feature = "tokio")]
pub(super) mod tokio_timers;

/// The form of a primitive: for which workers it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For threads, which block.
    Threads,
    /// For processes, which block.
    Processes,
    /// For async tasks, which are awaited.
    AsyncTasks,
}

/// Why this build has no primitives for async tasks, if it has none.
pub(super) const NO_ASYNC_FORM: &str =
    "this build has no primitives for async tasks: build it with the feature `tokio`";

impl Form {
    /// The workers in the plural, for messages.
    fn name(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Processes => "processes",
            Self::AsyncTasks => "async tasks",
        }
    }

    /// The form for the workers of `setting`.
    pub(super) fn of(setting: &Setting<'_>) -> Self {
        Self::new(setting.is_async, setting.sharing)
    }

    /// The form for the workers at `venue`.
    ///
    /// # Errors
    ///
    /// If this build has none for them.
    pub(super) fn at(venue: &Venue<'_>) -> Result<Self, String> {
        match Self::new(venue.is_async, venue.sharing) {
            Self::AsyncTasks if venue.is_external => {}
            Self::AsyncTasks if !cfg!(feature = "tokio") => return Err(NO_ASYNC_FORM.into()),
            Self::AsyncTasks if venue.runtime != Some("tokio") => {
                return Err(format!(
                    "no primitives for the tasks of `{}`: use an async backend of tokio, or one of threads or processes",
                    venue.backend
                ));
            }
            Self::Threads | Self::Processes | Self::AsyncTasks => {}
        }
        Ok(Self::new(venue.is_async, venue.sharing))
    }

    fn new(is_async: bool, sharing: Sharing) -> Self {
        match (is_async, sharing) {
            (true, _) => Self::AsyncTasks,
            (false, Sharing::Threads) => Self::Threads,
            (false, Sharing::Processes) => Self::Processes,
        }
    }
}

/// Checks that there are two tasks at least, because one of them has a role of its own.
///
/// # Errors
///
/// If there are not. The message says what the one `does` for the others.
pub(super) fn two_at_least(venue: &Venue<'_>, does: &str) -> Result<(), String> {
    match venue.task_count {
        0 | 1 => Err(format!(
            "one task {does} the others: use at least two tasks"
        )),
        _ => Ok(()),
    }
}
