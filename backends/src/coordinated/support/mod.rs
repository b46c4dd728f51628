//! Which form of a primitive the workers of a backend get, and what the declarations of the kernels share.

use std::io;

use crate::kernel::{Kernel, Setting, Sharing, Venue};
use crate::parameter::ParameterKind;

#[cfg(any(feature = "smol", feature = "tokio"))]
mod async_monitor;
pub(super) mod channel;
pub(super) mod channels;
mod kind;
pub(super) mod lock;
pub(super) mod locks;
#[cfg(feature = "smol")]
pub(super) mod of_smol;
#[cfg(feature = "tokio")]
pub(super) mod tokio_monitor;
#[cfg(feature = "tokio")]
pub(super) mod tokio_timers;

pub(super) use kind::CoordinatedKind;

/// How often each task does something by itself, or with one other task at a time.
pub(super) const TIMES: ParameterKind = ParameterKind::Count {
    min: 1,
    max: 1 << 40,
};

/// How often all tasks do something together, or hand on an item.
pub(super) const ROUNDS: ParameterKind = ParameterKind::Count {
    min: 1,
    max: 1 << 30,
};

/// The form of a primitive: for which workers it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For threads, which block.
    Threads,
    /// For processes, which block.
    Processes,
    /// For tasks of tokio, which are awaited.
    TokioTasks,
    /// For tasks of smol, which are awaited.
    SmolTasks,
    /// For async tasks of a runtime whose primitives this build does not have.
    OtherTasks,
}

impl Form {
    /// The workers in the plural, for messages.
    fn name(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Processes => "processes",
            Self::TokioTasks => "tasks of tokio",
            Self::SmolTasks => "tasks of smol",
            Self::OtherTasks => "async tasks",
        }
    }

    /// The form for the workers of `setting`.
    pub(super) fn of(setting: &Setting<'_>) -> Self {
        Self::new(setting.is_async, setting.sharing, setting.runtime)
    }

    /// The form for the workers at `venue`.
    ///
    /// # Errors
    ///
    /// If this build has none for them.
    pub(super) fn at(venue: &Venue<'_>) -> Result<Self, String> {
        match Self::new(venue.is_async, venue.sharing, venue.runtime) {
            Self::OtherTasks if !venue.is_external => Err(format!(
                "this build has no primitives for the tasks of `{}`: use a backend of tokio, of smol, of threads or of \
                 processes",
                venue.backend
            )),
            form => Ok(form),
        }
    }

    /// Whether tasks are awaited instead of blocking.
    pub(super) fn is_async(self) -> bool {
        match self {
            Self::Threads | Self::Processes => false,
            Self::TokioTasks | Self::SmolTasks | Self::OtherTasks => true,
        }
    }

    fn new(is_async: bool, sharing: Sharing, runtime: Option<&str>) -> Self {
        match (is_async, sharing, runtime) {
            (true, _, Some("tokio")) if cfg!(feature = "tokio") => Self::TokioTasks,
            (true, _, Some("smol")) if cfg!(feature = "smol") => Self::SmolTasks,
            (true, _, _) => Self::OtherTasks,
            (false, Sharing::Threads, _) => Self::Threads,
            (false, Sharing::Processes, _) => Self::Processes,
        }
    }

    /// Reached only if [`at`](Self::at) was not asked first.
    pub(super) fn is_lacking(self) -> io::Result<Box<dyn Kernel>> {
        let message = format!("this build has no such primitive for {}", self.name());
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
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
