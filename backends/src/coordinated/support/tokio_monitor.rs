use std::pin::pin;
use std::sync::Mutex;

use tokio::sync::Notify;

use crate::sync::{Halted, Monitor, PLACE_COUNT, Party};

/// A monitor for async tasks: the `Notify` of tokio at each place, and a mutex that is never held across an `.await`.
#[derive(Default)]
pub(in crate::coordinated) struct TokioMonitor {
    lock: Mutex<()>,
    places: [Notify; PLACE_COUNT],
}

impl Monitor for TokioMonitor {
    fn locked<R>(&self, change: impl FnOnce() -> R) -> R {
        let _held = self.lock.lock().expect("nothing panics under the mutex");
        change()
    }

    async fn wait_until<R: Send>(
        &self,
        place: usize,
        party: Party<'_>,
        what: &str,
        mut check: impl FnMut() -> Option<R> + Send,
    ) -> Result<R, Halted> {
        if let Some(found) = self.locked(&mut check) {
            return Ok(found);
        }
        let _waiting = party.waits_for(what);
        loop {
            // It waits in the queue of the place before it checks again, so a wake-up after the check reaches it. If it need
            // not wait after all, dropping it hands a wake-up that it got to another one.
            let mut woken = pin!(self.places[place].notified());
            woken.as_mut().enable();
            if let Some(found) = self.locked(&mut check) {
                return Ok(found);
            }
            woken.await;
        }
    }

    fn wake_one(&self, place: usize) {
        self.places[place].notify_one();
    }

    fn wake_all(&self, place: usize) {
        self.places[place].notify_waiters();
    }
}
