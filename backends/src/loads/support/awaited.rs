//! What tasks that are awaited do with their runtime. Without one, no task is awaited, and these block.

#[cfg(feature = "tokio")]
pub(in crate::loads) use with_tokio::{elsewhere, until};
#[cfg(not(feature = "tokio"))]
pub(in crate::loads) use without_runtime::{elsewhere, until};

#[cfg(feature = "tokio")]
mod with_tokio {
    use std::panic::resume_unwind;
    use std::time::Instant;

    /// Calls `blocking` on a thread that the runtime keeps for calls that block. A panic in it goes on in the caller.
    pub(in crate::loads) async fn elsewhere<T: Send + 'static>(
        blocking: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let called = tokio::task::spawn_blocking(blocking).await;
        called.unwrap_or_else(|error| resume_unwind(error.into_panic()))
    }

    /// Waits until `due`.
    pub(in crate::loads) async fn until(due: Instant) {
        // Even a timer that is due already goes through the runtime.
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
    }
}

#[cfg(not(feature = "tokio"))]
mod without_runtime {
    use std::thread;
    use std::time::Instant;

    pub(in crate::loads) async fn elsewhere<T>(blocking: impl FnOnce() -> T) -> T {
        blocking()
    }

    pub(in crate::loads) async fn until(due: Instant) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}
