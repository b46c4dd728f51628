use std::pin::pin;

use tokio::sync::Notify;

use super::async_monitor::{AsyncMonitor, WaitingPlace};

/// The monitor of tokio: its `Notify` at each place.
pub(in crate::coordinated) type TokioMonitor = AsyncMonitor<Notify>;

impl WaitingPlace for Notify {
    async fn wait_unless<R: Send>(&self, mut check: impl FnMut() -> Option<R> + Send) -> Option<R> {
        let mut woken = pin!(self.notified());
        woken.as_mut().enable();
        let found = check();
        if found.is_none() {
            woken.await;
        }
        found
    }

    fn wake_one(&self) {
        self.notify_one();
    }

    fn wake_all(&self) {
        self.notify_waiters();
    }
}
