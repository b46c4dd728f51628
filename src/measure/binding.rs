//! Finds out whether a backend binds its workers to cores.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::{Backend, Cores, PoolPlan};
use crate::execute::Job;
use crate::graph::{TaskGraphBuilder, TaskId};
use crate::kernel::Kernel;
use crate::memory::SharedSlice;

/// Tasks per worker: enough that every worker gets some if the backend distributes them evenly.
const TASKS_PER_WORKER: usize = 4;

/// Whether the workers that `backend` starts for `plan` are each bound to one core. This is measured in a separate run,
/// whose tasks check the binding of their thread, because a backend's own claim could be wrong.
///
/// # Errors
///
/// If the pool cannot be started, or if its run fails.
pub(crate) fn are_workers_bound(backend: &dyn Backend, plan: &PoolPlan) -> io::Result<bool> {
    if !backend.runs_graphs() {
        // The measurement is a graph.
        return Ok(backend.can_pin());
    }
    let unbound_count = Arc::new(SharedSlice::new(1)?);
    let kernel = Box::new(CountUnbound(Arc::clone(&unbound_count)));
    let mut graph = TaskGraphBuilder::default();
    for _ in 0..plan.worker_count * TASKS_PER_WORKER {
        graph.push([]).map_err(io::Error::other)?;
    }
    let job = Arc::new(Job::new(graph.finish(), kernel)?);
    let mut pool = backend.start(Arc::clone(&job), plan)?;
    job.begin_run();
    pool.run().map_err(|_| io::Error::other(job.why_halted()))?;
    // Relaxed: the end of the run orders all increments before this load.
    Ok(unbound_count[0].load(Ordering::Relaxed) == 0)
}

/// A kernel that counts the tasks whose thread is not bound to one core, and does nothing else. The counter is in a
/// page that worker processes share.
struct CountUnbound(Arc<SharedSlice<AtomicU64>>);

impl Kernel for CountUnbound {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        // If the allowed cores cannot be read, the thread counts as unbound.
        let is_bound = Cores::allowed().is_ok_and(|cores| cores.count() == 1);
        if !is_bound {
            // Relaxed: the counter orders nothing else.
            self.0[0].fetch_add(1, Ordering::Relaxed);
        }
        self.expected(task, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }
}
