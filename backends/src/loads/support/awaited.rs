//! What tasks that are awaited do with their runtime.

use std::thread;
use std::time::Instant;

use crate::kernel::{Setting, Venue};

/// What tasks are awaited on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::loads) enum AwaitedOn {
    /// Nothing: they block their thread.
    Thread,
    #[cfg(feature = "tokio")]
    Tokio,
    #[cfg(feature = "smol")]
    Smol,
}

impl AwaitedOn {
    /// The runtime of the tasks at `setting`.
    pub(in crate::loads) fn of(setting: &Setting<'_>) -> Self {
        match setting.is_async {
            true => Self::named(setting.runtime),
            false => Self::Thread,
        }
    }

    fn named(name: Option<&str>) -> Self {
        match name {
            #[cfg(feature = "tokio")]
            Some("tokio") => Self::Tokio,
            #[cfg(feature = "smol")]
            Some("smol") => Self::Smol,
            _ => Self::Thread,
        }
    }

    /// Whether tasks are awaited.
    pub(in crate::loads) fn is_async(self) -> bool {
        self != Self::Thread
    }

    /// Checks that the tasks at `venue` need not block a worker that could await them.
    ///
    /// # Errors
    ///
    /// That this build cannot await the tasks of the backend.
    pub(in crate::loads) fn check(venue: &Venue<'_>) -> Result<(), String> {
        let is_known = Self::named(venue.runtime).is_async();
        match venue.is_external || !venue.is_async || is_known {
            true => Ok(()),
            false => Err(format!(
                "this build has no timers and no IO for the tasks of `{}`: use a backend of tokio, of smol, of threads or \
                 of processes",
                venue.backend
            )),
        }
    }

    /// Calls `blocking` on a thread that the runtime keeps for calls that block. A panic in it goes on in the caller.
    pub(in crate::loads) async fn elsewhere<T: Send + 'static>(
        self,
        blocking: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio => {
                let called = tokio::task::spawn_blocking(blocking).await;
                called.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
            }
            #[cfg(feature = "smol")]
            Self::Smol => smol::unblock(blocking).await,
            Self::Thread => blocking(),
        }
    }

    /// Waits until `due`.
    pub(in crate::loads) async fn until(self, due: Instant) {
        // Even a timer that is due already goes through the runtime.
        if due <= Instant::now() {
            return;
        }
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio => tokio::time::sleep_until(due.into()).await,
            #[cfg(feature = "smol")]
            Self::Smol => drop(smol::Timer::at(due).await),
            Self::Thread => thread::sleep(due.saturating_duration_since(Instant::now())),
        }
    }
}
