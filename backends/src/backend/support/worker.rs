//! Shared by backends: how their threads start and end, and how they wait.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::execute::Job;
use crate::system::limit::cannot_start_worker;

use crate::backend::Placement;

/// How many turns a waiting worker spins before it yields: about 50 µs at 25 ns per `PAUSE`.
///
/// This is twice the 22 µs that it takes to wake a thread parked on an idle core. If spinning lasts about as long as
/// parking would cost, the loss against the best choice is at most a small factor (Karlin, Li, Manasse and Owicki,
/// "Empirical studies of competitive spinning", SOSP 1991).
const SPIN_TURNS: u32 = 2000;

/// How many times a waiting worker then yields its core before it parks: a last chance for a thread that shares the
/// core.
const YIELD_TURNS: u32 = 4;

/// Starts a thread that is worker `index` of `job` and runs `body`.
///
/// # Errors
///
/// If the system refuses the thread.
pub(in crate::backend) fn spawn(
    placement: Placement,
    index: usize,
    job: &Arc<Job>,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let job = Arc::clone(job);
    let named = thread::Builder::new().name(format!("worker-{index}"));
    let started = named.spawn(move || {
        if let Err(error) = placement.enter(index) {
            job.fail(format!("cannot bind worker {index} to a core: {error}"));
        }
        body();
    });
    started.map_err(|error| cannot_start_worker(index, placement.worker_count(), &error))
}

/// A wait: first it spins, then it yields, and then the worker should park.
pub(in crate::backend) struct Spin {
    turns: u32,
}

impl Spin {
    /// A wait that begins now. If workers share cores, it does not spin.
    pub(in crate::backend) fn new(placement: &Placement) -> Self {
        Self {
            turns: if placement.is_crowded() {
                SPIN_TURNS
            } else {
                0
            },
        }
    }

    /// Waits for a moment. Returns `false` if the wait has lasted so long that the worker should park, if another
    /// thread can wake it.
    #[inline]
    pub(in crate::backend) fn turn(&mut self) -> bool {
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

/// Wakes every thread and waits until all have ended. The caller must first set what makes them end.
pub(in crate::backend) fn join_all(threads: &mut Vec<JoinHandle<()>>) {
    for thread in threads.iter() {
        thread.thread().unpark();
    }
    for thread in threads.drain(..) {
        // A worker that panicked outside a kernel has already printed the panic on standard error.
        let _ = thread.join();
    }
}
