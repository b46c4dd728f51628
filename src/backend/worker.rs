//! What backends share: how their threads start and end, and how they wait.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::execute::Job;
use crate::system::limit::cannot_start_worker;

use super::Placement;

/// Turns a waiting worker spins before it yields: about 50 µs at 25 ns a `PAUSE`.
///
/// That is twice the 22 µs it takes to wake a thread parked on an idle core. Spinning about as long as
/// parking would cost never loses more than a small factor against knowing the future (Karlin, Li,
/// Manasse and Owicki, "Empirical studies of competitive spinning", SOSP 1991).
const SPIN_TURNS: u32 = 2000;

/// Times a waiting worker then gives its core away before it parks: a last chance for whoever shares it.
const YIELD_TURNS: u32 = 4;

/// Starts a thread that is worker `index` of `job` and does `body`.
///
/// # Errors
///
/// When the system refuses the thread.
pub(super) fn spawn(
    placement: Placement,
    index: usize,
    job: &Arc<Job>,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let job = Arc::clone(job);
    let named = thread::Builder::new().name(format!("worker-{index}"));
    let started = named.spawn(move || {
        if let Err(error) = placement.enter(index) {
            job.fail(format!("worker {index} cannot be bound: {error}"));
        }
        body();
    });
    started.map_err(|error| cannot_start_worker(index, placement.worker_count(), &error))
}

/// A wait: first spinning, then yielding, and then its owner had better park.
pub(super) struct Spin {
    turns: u32,
}

impl Spin {
    /// A wait that begins now. Where workers share cores, it does not spin.
    pub(super) fn new(placement: &Placement) -> Self {
        Self {
            turns: if placement.is_crowded() {
                SPIN_TURNS
            } else {
                0
            },
        }
    }

    /// Waits for a moment. `false` once the wait has gone on for so long that the worker should park, if
    /// there is someone to wake it.
    #[inline]
    pub(super) fn turn(&mut self) -> bool {
        if self.turns < SPIN_TURNS {
            self.turns += 1;
            std::hint::spin_loop();
            return true;
        }
        thread::yield_now();
        self.turns = (self.turns + 1).min(SPIN_TURNS + YIELD_TURNS);
        self.turns < SPIN_TURNS + YIELD_TURNS
    }
}

/// Wakes every thread and waits until they have all ended. Whatever makes them end must be set before.
pub(super) fn join_all(threads: &mut Vec<JoinHandle<()>>) {
    for thread in threads.iter() {
        thread.thread().unpark();
    }
    for thread in threads.drain(..) {
        // A worker that panicked outside a kernel has said so on standard error.
        let _ = thread.join();
    }
}
