//! Where the workers of a pool run.

use std::io;
use std::marker::PhantomData;

use super::{Cores, PoolPlan};

/// Where the workers of one pool run. This is the only place that binds workers to cores. A backend creates it when
/// it starts. Each worker [`enter`](Self::enter)s it before its first task, whether the plan pins workers or not.
#[derive(Debug, Clone, Copy)]
pub struct Placement {
    /// The cores that the starting thread of the pool may run on.
    cores: Cores,
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
    /// If the system does not say which cores there are.
    pub fn new(plan: &PoolPlan) -> io::Result<Self> {
        let cores = Cores::allowed()?;
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
        let turn = index % self.cores.count() as usize;
        let core = self.cores.numbers().nth(turn);
        Cores::only(core.expect("a thread may run on at least one core")).bind_thread()
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

    /// The number of workers of the pool.
    pub fn worker_count(&self) -> usize {
        self.worker_count
    }

    /// Whether there are more workers than cores. If so, a waiting worker should not spin, because it may occupy the
    /// core that the other worker needs.
    pub fn is_crowded(&self) -> bool {
        self.is_crowded
    }
}

/// Marks the calling thread as a worker of a pool. Dropping it releases the thread.
#[derive(Debug)]
pub struct Lent {
    cores: Cores,
    /// The binding belongs to the thread that entered, so the guard must stay on this thread.
    same_thread: PhantomData<*const ()>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        // This was the thread's own mask, so the system refuses it only if the machine has lost cores since. Then
        // the thread stays where it is, which does no harm.
        let _ = self.cores.bind_thread();
    }
}
