use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard};

use crate::sync::{Halted, Party};

/// Ends of channels, one for each of some parties. A party takes its own for the time that it takes part.
///
/// Many channels tell a blocked party only by the loss of the other ends that nothing will come any more. So when a run
/// has failed, the ends are dropped: at once where nobody has them, and otherwise as soon as they are put back. Before
/// that none is dropped, not even by a party that panics, so the first failure is the one that is reported.
pub(super) struct Ends<E>(Vec<Mutex<Option<E>>>);

/// What a party took from [`Ends`], until it is dropped.
pub(super) struct Held<'a, E> {
    home: &'a Mutex<Option<E>>,
    /// Present until it is put back.
    end: Option<E>,
    party: Party<'a>,
}

impl<E> Ends<E> {
    pub(super) fn new(ends: impl IntoIterator<Item = E>) -> Self {
        Self(ends.into_iter().map(|end| Mutex::new(Some(end))).collect())
    }

    /// The end at `index`, which is that of `party`.
    ///
    /// # Errors
    ///
    /// [`Halted`] if it was dropped because the run has failed.
    pub(super) fn take<'a>(
        &'a self,
        index: usize,
        party: Party<'a>,
    ) -> Result<Held<'a, E>, Halted> {
        let home = &self.0[index];
        let end = Some(locked(home).take().ok_or(Halted)?);
        Ok(Held { home, end, party })
    }

    /// Drops the ends that nobody has. [`Party::look`] already tells that the run has failed.
    pub(super) fn drop_all(&self) {
        for home in &self.0 {
            let end = locked(home).take();
            drop(end);
        }
    }
}

impl<E> Deref for Held<'_, E> {
    type Target = E;

    fn deref(&self) -> &E {
        self.end.as_ref().expect("put back when dropped")
    }
}

impl<E> DerefMut for Held<'_, E> {
    fn deref_mut(&mut self) -> &mut E {
        self.end.as_mut().expect("put back when dropped")
    }
}

impl<E> Drop for Held<'_, E> {
    fn drop(&mut self) {
        *locked(self.home) = self.end.take();
        // Either `drop_all` finds the end, or it had the mutex before this, and then the failure that was told before it
        // is visible here.
        if self.party.look().is_err() {
            let end = locked(self.home).take();
            drop(end);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics under the mutex")
}
