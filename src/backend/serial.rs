use std::io;
use std::sync::Arc;

use super::{Backend, Lent, Placement, Pool, PoolPlan};
use crate::execute::{Halt, Job};

/// One loop on the calling thread, in topological order. No counting, no queue.
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

    fn fixed_worker_count(&self) -> Option<usize> {
        Some(1)
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        Ok(Box::new(SerialPool {
            _lent: Placement::new(plan)?.enter_lent(0)?,
            job,
        }))
    }
}

struct SerialPool {
    job: Arc<Job>,
    _lent: Lent,
}

impl Pool for SerialPool {
    fn run(&mut self) -> Result<(), Halt> {
        // Ids are a topological order, so every input is there before it is asked for.
        self.job
            .graph()
            .tasks()
            .try_for_each(|task| self.job.run(task))
    }
}
