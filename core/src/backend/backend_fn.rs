//! A backend from a function.

use std::io;
use std::sync::Arc;

use super::{Backend, Pool, PoolPlan, pool_fn};
use crate::execute::{Halt, Job};

/// A backend that calls `run` for each run. `run` executes the whole graph with the workers that the plan asks for, and
/// most often ends with [`Job::outcome`].
///
/// It is enough for a runtime that keeps nothing between two runs, and for a first try with any runtime. A backend with
/// workers that stay, with options or with a fixed number of workers implements [`Backend`] itself.
pub fn backend_fn<F>(name: &'static str, why: &'static str, run: F) -> impl Backend
where
    F: Fn(&Arc<Job>, &PoolPlan) -> Result<(), Halt> + Clone + Sync + 'static,
{
    BackendFn { name, why, run }
}

struct BackendFn<F> {
    name: &'static str,
    why: &'static str,
    run: F,
}

impl<F> Backend for BackendFn<F>
where
    F: Fn(&Arc<Job>, &PoolPlan) -> Result<(), Halt> + Clone + Sync + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn why(&self) -> &'static str {
        self.why
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let (run, plan) = (self.run.clone(), plan.clone());
        Ok(pool_fn(job, move |job| run(job, &plan)))
    }
}
