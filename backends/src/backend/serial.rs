use std::io;
use std::sync::Arc;

use super::support::worker::enter_lent;
use super::{Backend, Family, Placement, Pool, PoolPlan, pool_fn};
use crate::execute::Job;

/// One loop on the calling thread, in topological order, without counting and without a queue.
pub const SERIAL: Serial = Serial;

/// See [`SERIAL`].
#[derive(Debug)]
pub struct Serial;

impl Backend for Serial {
    fn name(&self) -> &'static str {
        "serial"
    }

    fn why(&self) -> &'static str {
        "one loop on one thread, in topological order: the work without any scheduling"
    }

    fn family(&self) -> Family {
        Family::Serial
    }

    fn fixed_worker_count(&self) -> Option<usize> {
        Some(1)
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn runs_recursion(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let lent = enter_lent(&Placement::new(plan)?, &job)?;
        Ok(pool_fn(job, move |job| {
            // The pool keeps the calling thread until it is dropped.
            let _ = &lent;
            if let Some(program) = job.recursion() {
                return job.run_recursion(|seed| Ok(program.run_sequentially(seed)));
            }
            // Ids are a topological order, so every input is there before it is asked for.
            job.graph().tasks().try_for_each(|task| job.run(task))
        }))
    }
}
