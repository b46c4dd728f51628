//! Shared by backends: where a worker runs, and how it waits.

use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::PoolPlan;
use crate::execute::Job;
use crate::system::limit::cannot_start_worker;

/// How many turns a waiting worker spins before it yields: about 50 µs at 25 ns per `PAUSE`.
///
/// This is twice the 22 µs that it takes to wake a thread parked on an idle core. If spinning lasts about as long as
/// parking would cost, the loss against the best choice is at most a small factor (Karlin, Li, Manasse and Owicki,
/// "Empirical studies of competitive spinning", SOSP 1991).
const SPIN_TURNS: u32 = 2000;

/// How many times a waiting worker then yields its core before it parks: a last chance for a thread that shares the
/// core.
const YIELD_TURNS: u32 = 4;

/// Where the workers of one pool run. This is the only place that binds workers to cores. A backend creates it when
/// it starts. Each worker [`enter`](Self::enter)s it before its first task, whether the plan pins workers or not.
#[derive(Debug, Clone, Copy)]
pub struct Placement {
    /// The cores that the starting thread of the pool may run on.
    cores: CpuSet,
    /// Whether there are more workers than cores. If so, a waiting worker may occupy the core that the other needs.
    is_crowded: bool,
    worker_count: usize,
    pin: bool,
}

impl Placement {
    /// The placement of a pool that the calling thread starts.
    ///
    /// # Errors
    ///
    /// If the system does not say which cores there are.
    pub fn new(plan: &PoolPlan) -> io::Result<Self> {
        let cores = sched_getaffinity(None)?;
        Ok(Self {
            cores,
            is_crowded: plan.worker_count > cores.count() as usize,
            worker_count: plan.worker_count,
            pin: plan.pin,
        })
    }

    /// Makes the calling thread worker `index`: binds it to its core if the plan says so.
    ///
    /// # Errors
    ///
    /// If the system refuses the core.
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

    /// [`enter`](Placement::enter) for a thread that belongs to the pool only for a while. When the guard is
    /// dropped, the thread may run on all its cores again.
    ///
    /// # Errors
    ///
    /// As for [`enter`](Placement::enter).
    pub fn enter_lent(&self, index: usize) -> io::Result<Lent> {
        self.enter(index)?;
        Ok(Lent {
            cores: self.cores,
            same_thread: PhantomData,
        })
    }

    /// Whether there are more workers than cores.
    pub(super) fn is_crowded(&self) -> bool {
        self.is_crowded
    }

    /// Begins a wait.
    pub(super) fn spin(&self) -> Spin {
        Spin {
            turns: if self.is_crowded { SPIN_TURNS } else { 0 },
        }
    }

    /// Starts a thread that is worker `index` of `job` and runs `body`.
    ///
    /// # Errors
    ///
    /// If the system refuses the thread.
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
                job.fail(format!("cannot bind worker {index} to a core: {error}"));
            }
            body();
        });
        started.map_err(|error| cannot_start_worker(index, self.worker_count, &error))
    }
}

/// Marks the calling thread as a worker of a pool. Dropping it releases the thread.
#[derive(Debug)]
pub struct Lent {
    cores: CpuSet,
    /// The binding belongs to the thread that entered, so the guard must stay on this thread.
    same_thread: PhantomData<*const ()>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        // This was the thread's own mask, so the system refuses it only if the machine has lost cores since. Then
        // the thread stays where it is, which does no harm.
        let _ = sched_setaffinity(None, &self.cores);
    }
}

/// A wait: first it spins, then it yields, and then the worker should park.
pub(super) struct Spin {
    turns: u32,
}

impl Spin {
    /// Waits for a moment. Returns `false` if the wait has lasted so long that the worker should park, if another
    /// thread can wake it.
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

/// Wakes every thread and waits until all have ended. The caller must first set what makes them end.
pub(super) fn join_all(threads: &mut Vec<JoinHandle<()>>) {
    for thread in threads.iter() {
        thread.thread().unpark();
    }
    for thread in threads.drain(..) {
        // A worker that panicked outside a kernel has already printed the panic on standard error.
        let _ = thread.join();
    }
}
