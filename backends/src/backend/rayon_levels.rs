//! **The model.** A parallel iterator over the tasks of each level of the graph, one level after the other. There is no
//! counting: a level ends before the next one begins, so all inputs are there. A long task keeps its whole level waiting.
//!
//! **Where a worker parks.** As on `rayon`: an idle worker yields about thirty times and then sleeps until work is pushed.
//! The calling thread sleeps until the last level has ended.

use std::io;
use std::sync::Arc;

use rayon::prelude::*;

use super::rayon::start_pool;
use super::support::levels::by_level;
use super::{Backend, Pool, PoolPlan, pool_fn};
use crate::execute::Job;

/// A pool of `rayon`, with one parallel iterator for each level of the graph.
pub const RAYON_LEVELS: RayonLevels = RayonLevels;

/// See [`RAYON_LEVELS`].
#[derive(Debug)]
pub struct RayonLevels;

impl Backend for RayonLevels {
    fn name(&self) -> &'static str {
        "rayon-levels"
    }

    fn why(&self) -> &'static str {
        "rayon: one parallel iterator for each level of the graph, one level after the other; idle workers yield, then sleep"
    }

    fn is_default(&self) -> bool {
        false
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let pool = start_pool(&job, plan)?;
        let levels = by_level(job.graph());
        Ok(pool_fn(job, move |job| {
            pool.install(|| {
                levels.iter().try_for_each(|level| {
                    level.par_iter().for_each(|task| {
                        // The failure is reported once, after the level; here it only means that nothing follows.
                        if !job.is_halted() {
                            let _ = job.run(*task);
                        }
                    });
                    job.outcome()
                })
            })
        }))
    }
}
