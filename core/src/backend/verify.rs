//! The test that every backend must pass.

use std::sync::Arc;

use super::{Backend, PoolPlan};
use crate::execute::{Failure, Job, expected_digest};

/// The nonces of the runs, in turn, so that a backend cannot return the outputs of the run before.
const NONCES: [u64; 2] = [0, 1];

/// Runs `job` `run_count` times in one pool of `backend`, and verifies each run against a serial one.
///
/// # Errors
///
/// What was wrong with the first run that failed, or why the pool could not be started.
pub fn verify_runs(
    backend: &dyn Backend,
    plan: &PoolPlan,
    job: Job,
    run_count: u64,
) -> Result<(), Failure> {
    let job = Arc::new(job);
    let expected = NONCES.map(|nonce| expected_digest(job.graph(), job.kernel(), nonce));
    job.kernel().reset();
    let started = backend.start(Arc::clone(&job), plan);
    let mut pool = started.map_err(|error| Failure::Backend {
        message: error.to_string(),
    })?;
    let nonces = NONCES.iter().zip(expected).cycle();
    for (run, (nonce, expected)) in (1..=run_count).zip(nonces) {
        job.set_nonce(*nonce);
        job.begin_run();
        pool.run().map_err(|_| job.why_halted())?;
        job.verify(expected)?;
        job.verify_kernel(run)?;
    }
    Ok(())
}
