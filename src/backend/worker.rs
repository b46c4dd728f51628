//! What backends share: where a worker runs, and how it waits.

use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::PoolPlan;
use crate::execute::Job;
use crate::system::limit::cannot_start_worker;

/// Turns a waiting worker spins before it yields: about 50 µs at 25 ns a `PAUSE`.
///
/// That is twice the 22 µs it takes to wake a thread parked on an idle core. Spinning about as long as
/// parking would cost never loses more than a small factor against knowing the future (Karlin, Li,
/// Manasse and Owicki, "Empirical studies of competitive spinning", SOSP 1991).
const SPIN_TURNS: u32 = 2000;

/// Times a waiting worker then gives its core away before it parks: a last chance for whoever shares it.
const YIELD_TURNS: u32 = 4;

/// Where the workers of one pool run: the one place that binds them to cores. A backend makes it when it starts, and
/// has each worker [`enter`](Self::enter) before its first task, whatever the plan says.
#[derive(Debug, Clone, Copy)]
pub struct Placement {
    /// The cores that the thread which started the pool may run on.
    cores: CpuSet,
    /// Whether there are more workers than cores: then the one that is waited for may need this very core.
    is_crowded: bool,
    worker_count: usize,
    pin: bool,
}

impl Placement {
    /// The placement of a pool that the calling thread starts.
    ///
    /// # Errors
    ///
    /// When the system does not tell which cores there are.
    pub fn new(plan: &PoolPlan) -> io::Result<Self> {
        let cores = sched_getaffinity(None)?;
        Ok(Self {
            cores,
            is_crowded: plan.worker_count > cores.count() as usize,
            worker_count: plan.worker_count,
            pin: plan.pin,
        })
    }

    /// Makes the calling thread worker `index`: binds it to its core, if the plan says so.
    ///
    /// # Errors
    ///
    /// When the system refuses the core.
    pub fn enter(&self, index: usize) -> io::Result<()> {
        if !self.pin {
            return Ok(());
        }
        let core = (0..CpuSet::MAX_CPU)
            .filter(|core| self.cores.is_set(*core))
            .nth(index % self.cores.count() as usize)
            .expect("a thread may run on at least one core");
        let mut one = CpuSet::new();
        one.set(core);
        Ok(sched_setaffinity(None, &one)?)
    }

    /// [`enter`](Placement::enter) for a thread that is only lent to the pool: it may run everywhere
    /// again when the guard is dropped.
    ///
    /// # Errors
    ///
    /// As [`enter`](Placement::enter).
    pub fn enter_lent(&self, index: usize) -> io::Result<Lent> {
        self.enter(index)?;
        Ok(Lent {
            cores: self.cores,
            same_thread: PhantomData,
        })
    }

    /// See the field.
    pub(super) fn is_crowded(&self) -> bool {
        self.is_crowded
    }

    /// A wait that begins now.
    pub(super) fn spin(&self) -> Spin {
        Spin {
            turns: if self.is_crowded { SPIN_TURNS } else { 0 },
        }
    }

    /// Starts a thread that is worker `index` of `job` and does `body`.
    ///
    /// # Errors
    ///
    /// When the system refuses the thread.
    pub(super) fn spawn(
        &self,
        index: usize,
        job: &Arc<Job>,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let (placement, job) = (*self, Arc::clone(job));
        let named = thread::Builder::new().name(format!("worker-{index}"));
        let started = named.spawn(move || {
            if let Err(error) = placement.enter(index) {
                job.fail(format!("worker {index} cannot be bound: {error}"));
            }
            body();
        });
        started.map_err(|error| cannot_start_worker(index, self.worker_count, &error))
    }
}

/// The calling thread while it is a worker of a pool. Dropping it lets the thread go.
#[derive(Debug)]
pub struct Lent {
    cores: CpuSet,
    /// Cores belong to the thread that entered, so the guard must not leave it.
    same_thread: PhantomData<*const ()>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        // The mask was this thread's own, so it can only be refused where the machine has lost cores
        // since; staying where it is does no harm then.
        let _ = sched_setaffinity(None, &self.cores);
    }
}

/// A wait: first spinning, then yielding, and then its owner had better park.
pub(super) struct Spin {
    turns: u32,
}

impl Spin {
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
