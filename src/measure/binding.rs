//! Whether a backend binds its workers to cores.

use std::io;
use std::sync::Arc;

use crate::backend::{Backend, PoolPlan};
use crate::execute::Job;
use crate::graph::TaskGraphBuilder;
use crate::kernel::unbound_tasks;

/// Tasks per worker: enough that every worker gets some where they are shared out evenly.
const TASKS_PER_WORKER: usize = 4;

/// Whether the workers that `backend` starts for `plan` are bound to one core each. They are asked, in a run of their
/// own on tasks that look where they are: what a backend says of itself is no figure.
///
/// # Errors
///
/// When the pool cannot be started, or its run fails.
pub fn are_workers_bound(backend: &dyn Backend, plan: &PoolPlan) -> io::Result<bool> {
    let (kernel, unbound) = unbound_tasks()?;
    let mut graph = TaskGraphBuilder::default();
    for _ in 0..plan.worker_count * TASKS_PER_WORKER {
        graph.push([]).map_err(io::Error::other)?;
    }
    let job = Arc::new(Job::new(graph.finish(), kernel)?);
    let mut pool = backend.start(Arc::clone(&job), plan)?;
    job.begin_run();
    pool.run().map_err(|_| io::Error::other(job.why_halted()))?;
    Ok(unbound.count() == 0)
}
