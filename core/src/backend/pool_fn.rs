//! A pool from a function.

use std::sync::Arc;

use super::Pool;
use crate::execute::{Halt, Job};

/// A pool that calls `run` for each run. `run` keeps the workers, executes the whole graph, and most often ends with
/// [`Job::outcome`].
///
/// It is enough for every backend without worker processes. A backend with worker processes implements [`Pool`] itself.
pub fn pool_fn<F>(job: Arc<Job>, run: F) -> Box<dyn Pool>
where
    F: FnMut(&Arc<Job>) -> Result<(), Halt> + 'static,
{
    Box::new(PoolFn { job, run })
}

struct PoolFn<F> {
    job: Arc<Job>,
    run: F,
}

impl<F: FnMut(&Arc<Job>) -> Result<(), Halt>> Pool for PoolFn<F> {
    fn run(&mut self) -> Result<(), Halt> {
        (self.run)(&self.job)
    }
}
