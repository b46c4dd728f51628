//! Waiting for time to pass, as a party does while it holds something.

use std::thread;
use std::time::Duration;

/// A way to wait for a time.
pub trait Pause: Send + Sync + 'static {
    /// Waits for `duration`. Does nothing if it is zero.
    fn pause(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// Blocks the thread, which may be that of a process.
#[derive(Clone, Copy)]
pub struct BlockingPause;

impl Pause for BlockingPause {
    async fn pause(&self, duration: Duration) {
        if !duration.is_zero() {
            thread::sleep(duration);
        }
    }
}
