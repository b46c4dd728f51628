use std::sync::Mutex;

use crate::sync::{Halted, Monitor, PLACE_COUNT, Party};

/// Where async tasks wait until they are woken.
pub(in crate::coordinated) trait WaitingPlace:
    Default + Send + Sync + 'static
{
    /// Waits until it is woken, unless `check` finds something, and returns that.
    ///
    /// It waits in the queue of the place before it checks, so a wake-up after the check reaches it. If it need not wait
    /// after all, it hands a wake-up that it got to another one.
    fn wait_unless<R: Send>(
        &self,
        check: impl FnMut() -> Option<R> + Send,
    ) -> impl Future<Output = Option<R>> + Send;

    /// Wakes one of those that wait.
    fn wake_one(&self);

    /// Wakes all that wait.
    fn wake_all(&self);
}

/// A monitor for async tasks: places of their runtime, and a mutex that is never held across an `.await`.
#[derive(Default)]
pub(in crate::coordinated) struct AsyncMonitor<P> {
    lock: Mutex<()>,
    places: [P; PLACE_COUNT],
}

impl<P: WaitingPlace> Monitor for AsyncMonitor<P> {
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
            let found = self.places[place].wait_unless(|| self.locked(&mut check));
            if let Some(found) = found.await {
                return Ok(found);
            }
        }
    }

    fn wake_one(&self, place: usize) {
        self.places[place].wake_one();
    }

    fn wake_all(&self, place: usize) {
        self.places[place].wake_all();
    }
}
