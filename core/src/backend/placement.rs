//! Where the workers of a pool run.

use std::io;
use std::marker::PhantomData;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::PoolPlan;

/// Where the workers of one pool run: the one place that binds them to cores. A backend makes it when it starts, and
/// has each worker [`enter`](Self::enter) before its first task, whatever the plan says.
#[derive(Debug, Clone, Copy)]
pub struct Placement {
    /// The cores that the thread which started the pool may run on.
    cores: CpuSet,
    /// See [`is_crowded`](Self::is_crowded).
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

    /// The number of workers of the pool.
    pub fn worker_count(&self) -> usize {
        self.worker_count
    }

    /// Whether there are more workers than cores. Then a worker that waits for another should not spin: the other may
    /// need this very core.
    pub fn is_crowded(&self) -> bool {
        self.is_crowded
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
