//! Whether a backend binds its workers to cores.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::{Backend, Cores, PoolPlan};
use crate::execute::Job;
use crate::graph::{TaskGraphBuilder, TaskId};
use crate::kernel::Kernel;
use crate::memory::SharedSlice;

/// Tasks per worker: enough that every worker gets some where they are shared out evenly.
const TASKS_PER_WORKER: usize = 4;

/// Whether the workers that `backend` starts for `plan` are bound to one core each. They are asked, in a run of their
/// own on tasks that look where they are: what a backend says of itself is no figure.
///
/// # Errors
///
/// When the pool cannot be started, or its run fails.
pub(crate) fn are_workers_bound(backend: &dyn Backend, plan: &PoolPlan) -> io::Result<bool> {
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
    // Relaxed: the end of the run ordered all that it counted before this.
    Ok(unbound_count[0].load(Ordering::Relaxed) == 0)
}

/// Tasks that do nothing but count themselves if the thread that runs them is not bound to one core. The count is in a
/// page that worker processes share.
struct CountUnbound(Arc<SharedSlice<AtomicU64>>);

impl Kernel for CountUnbound {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        // Where the system does not tell, nobody can say that the thread is bound.
        let is_bound = Cores::allowed().is_ok_and(|cores| cores.count() == 1);
        if !is_bound {
            // Relaxed: it only counts.
            self.0[0].fetch_add(1, Ordering::Relaxed);
        }
        self.expected(task, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }
}
