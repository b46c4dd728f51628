//! Shared by backends: how their threads start and end, and how they wait.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::backend::{Lent, Placement};
use crate::execute::Job;
use crate::system::limit::cannot_start_worker;
#[cfg(any(feature = "chili", feature = "may", feature = "smol"))]
use crate::system::{Root, proc::threads};

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
        enter(&placement, index, &job);
        body();
    });
    started.map_err(|error| cannot_start_worker(index, placement.worker_count(), &error))
}

/// Makes the calling thread worker `index` of `job`. If the system refuses its core, the job has failed.
pub(in crate::backend) fn enter(placement: &Placement, index: usize, job: &Job) {
    job.note_worker(index);
    if let Err(error) = placement.enter(index) {
        job.fail(format!("cannot bind worker {index} to a core: {error}"));
    }
}

/// Makes the calling thread worker 0 of `job` until the guard is dropped.
///
/// # Errors
///
/// If the system refuses its core.
pub(in crate::backend) fn enter_lent(placement: &Placement, job: &Job) -> io::Result<Lent> {
    let lent = placement.enter_lent(0)?;
    job.note_worker(0);
    Ok(lent)
}

/// The result of `start`, and the ids of the threads that it started, in the order in which it started them: for runtimes
/// whose threads call nothing of ours when they start. No other thread may start threads meanwhile.
#[cfg(any(feature = "chili", feature = "may", feature = "smol"))]
pub(in crate::backend) fn started_threads<T>(start: impl FnOnce() -> T) -> (T, Vec<u32>) {
    let before = threads(&Root::default(), "self");
    let started = start();
    let mut new = threads(&Root::default(), "self");
    new.retain(|thread| !before.contains(thread));
    (started, new)
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
