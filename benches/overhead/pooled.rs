//! Runs a backend beside its runtime driven by hand.

use std::sync::Arc;

use taskdyno_core::backend::{Backend, Continuation, Pool, PoolPlan};
use taskdyno_core::execute::{Job, expected_digest};

use crate::prepare::{FINE, compute_bound, empty, new_job, stencil, worker_count};
use crate::table::{Effort, Row, median, median_ratio, nanoseconds, rounds};

/// One row per continuation, on a wide stencil of empty tasks and on a narrow stencil of small tasks.
pub(crate) fn on_both_stencils(
    effort: Effort,
    continuations: &[Continuation],
    row: impl Fn(&dyn Fn() -> Arc<Job>, Continuation) -> Row,
) -> Vec<Row> {
    let wide = || new_job(stencil(64, effort), empty());
    let narrow = || new_job(stencil(2, effort), compute_bound(FINE));
    let jobs: [&dyn Fn() -> Arc<Job>; 2] = [&wide, &narrow];
    let rows = jobs
        .iter()
        .flat_map(|job| continuations.iter().map(|one| row(job, *one)));
    rows.collect()
}

/// Compares a backend on a stencil with `by_hand`, which runs the second of two equal jobs.
pub(crate) fn over_by_hand(
    backend: &dyn Backend,
    (ours, theirs): (Arc<Job>, &Job),
    continuation: Continuation,
    effort: Effort,
    by_hand: impl Fn(),
) -> Row {
    let width = theirs.graph().sources().len();
    let mut pool = Pooled::start_job(backend, ours, worker_count(), continuation);
    let rounds = rounds(
        effort,
        || pool.nanoseconds(),
        || run_nanoseconds(theirs, &by_hand),
    );
    pool.verify();
    verify(theirs);
    let what = format!(
        "{}, width {width}, {continuation:?}, over by hand ({:.1} over {:.1} ns per task)",
        backend.name(),
        median(rounds.iter().map(|(ours, _)| *ours)),
        median(rounds.iter().map(|(_, by_hand)| *by_hand)),
    );
    Row::at_most(what, median_ratio(&rounds), 1.10)
}

/// A started pool and its job.
pub(crate) struct Pooled {
    job: Arc<Job>,
    pool: Box<dyn Pool>,
}

impl Pooled {
    pub(crate) fn start_job(
        backend: &dyn Backend,
        job: Arc<Job>,
        worker_count: usize,
        continuation: Continuation,
    ) -> Self {
        let mut plan = PoolPlan::plain(backend, worker_count);
        plan.continuation = continuation;
        let pool = backend.start(Arc::clone(&job), &plan);
        Self {
            pool: pool.expect("a pool can be started"),
            job,
        }
    }

    /// Runs the graph once, and returns the nanoseconds per task.
    pub(crate) fn nanoseconds(&mut self) -> f64 {
        run_nanoseconds(&self.job, || self.pool.run().expect("the run succeeds"))
    }

    pub(crate) fn verify(&self) {
        verify(&self.job);
    }
}

/// Times one run of `job`, and returns the nanoseconds per task.
pub(crate) fn run_nanoseconds(job: &Job, run: impl FnOnce()) -> f64 {
    job.begin_run();
    nanoseconds(run) / job.graph().task_count() as f64
}

/// Checks the last run. Checking every run would move all outputs into one core's cache, from where the next run
/// would have to fetch them. A fault in an earlier run shows in the run after it.
pub(crate) fn verify(job: &Job) {
    let expected = expected_digest(job.graph(), job.kernel(), 0);
    job.verify(expected).expect("the last run was right");
}
