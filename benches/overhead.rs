//! Measures the overhead of our own code: each backend beside its runtime driven by hand, each kernel beside a bare
//! loop, and the core by itself. `cargo bench --bench overhead [FILTER]` prints one table.
//!
//! The two sides are measured alternately, A B B A, in one process. The result is the median of the ratios of the
//! rounds: the speed of a shared machine drifts, and a drift that affects both sides cancels out.

use std::sync::Arc;

use taskdyno::internal::backend::{CROSSBEAM, RAYON, SERIAL, STATIC, TOKIO};
use taskdyno_core::backend::{Backend, Continuation, Pool, PoolPlan};
use taskdyno_core::execute::{Job, expected_digest};
use taskdyno_core::graph::{TaskGraph, TaskId};

use crate::prepare::{FINE, compute_bound, empty, new_job, stencil, worker_count};
use crate::table::{Effort, Row, Section, median, median_ratio, nanoseconds, rounds};

#[path = "overhead/arguments.rs"]
mod arguments;
#[path = "overhead/by_hand.rs"]
mod by_hand;
#[path = "overhead/graphs.rs"]
mod graphs;
#[path = "overhead/kernels.rs"]
mod kernels;
#[path = "overhead/prepare.rs"]
mod prepare;
#[path = "overhead/table.rs"]
mod table;
#[path = "overhead/waits.rs"]
mod waits;

fn main() {
    if !waits::is_alone() {
        table::main(SECTIONS);
    }
}

const SECTIONS: &[Section] = &[
    ("core", core),
    ("static", static_partition),
    ("hand-off", hand_off),
    ("crossbeam", crossbeam),
    ("rayon", rayon),
    ("tokio", tokio),
    ("counter", kernels::counter),
    ("hash", kernels::hash),
    ("sleep", kernels::sleep),
    ("waits", waits::waits),
    ("memory-of-waits", waits::memory),
    ("overlap", kernels::overlap),
    ("graph", graphs::graph),
    ("patterns", graphs::patterns),
];

/// The verified core in topological order, and the additional cost of counting down.
fn core(effort: Effort) -> Vec<Row> {
    let mut serial = Pooled::start(&SERIAL, stencil(64, effort), Continuation::Queue);
    let counting = new_job(stencil(64, effort), empty());
    let mut stack = Vec::new();
    let rounds = rounds(
        effort,
        || serial.nanoseconds(),
        || run_nanoseconds(&counting, || by_hand::count_down(&counting, &mut stack)),
    );
    serial.verify();
    verify(&counting);
    let added = rounds.iter().map(|(serial, counting)| counting - serial);
    vec![
        Row::nanoseconds(
            "serial, stencil width 64: check, run, store; per task",
            median(rounds.iter().map(|(serial, _)| *serial)),
            8.0,
        ),
        Row::nanoseconds(
            "counting dependents down adds, per task",
            median(added),
            16.0,
        ),
    ]
}

fn static_partition(effort: Effort) -> Vec<Row> {
    let row = |(width, goal)| {
        let queue = Continuation::Queue;
        let mut pool = Pooled::start(&STATIC, stencil(width, effort), queue);
        let runs: Vec<f64> = (0..5 * effort.rounds).map(|_| pool.nanoseconds()).collect();
        pool.verify();
        let what = format!("static, stencil width {width}, per task");
        Row::nanoseconds(what, median(runs.into_iter()), goal)
    };
    [(64, 6.0), (2, 40.0)].map(row).into()
}

/// A stencil of width 2 on `static`, beside two threads that only wait for each other. No backend can hand over
/// faster, and METG(50%) cannot be below twice the time of a step by hand without its work.
fn hand_off(effort: Effort) -> Vec<Row> {
    let row = |iterations| {
        let job = new_job(stencil(2, effort), compute_bound(iterations));
        let steps = job.graph().task_count() / 2;
        let mut pool = Pooled::start_job(&STATIC, job, worker_count(), Continuation::Queue);
        let mut by_hand = by_hand::Pair::new(compute_bound(iterations), steps);
        let rounds = rounds(
            effort,
            || 2.0 * pool.nanoseconds(),
            || nanoseconds(|| by_hand.run()) / steps as f64,
        );
        pool.verify();
        let alone = compute_bound(iterations);
        let chain = || (0..steps).fold(1, |seed, _| alone.run(TaskId(0), seed));
        let work = median((0..effort.rounds).map(|_| nanoseconds(chain) / steps as f64));
        let what = format!(
            "static, a step of width 2, over by hand ({:.0} over {:.0} ns, {work:.0} of work)",
            median(rounds.iter().map(|(ours, _)| *ours)),
            median(rounds.iter().map(|(_, by_hand)| *by_hand)),
        );
        Row::at_most(what, median_ratio(&rounds), 1.25)
    };
    [1, 40, FINE].map(row).into()
}

const CONTINUATIONS: [Continuation; 2] = [Continuation::Queue, Continuation::Inline];

fn crossbeam(effort: Effort) -> Vec<Row> {
    let row = |stencil: &dyn Fn() -> Arc<Job>, continuation| {
        let job = stencil();
        let by_hand = by_hand::Crossbeam::new(Arc::clone(&job), continuation, worker_count());
        let jobs = (stencil(), &*job);
        over_by_hand(&CROSSBEAM, jobs, continuation, effort, || by_hand.run())
    };
    on_both_stencils(effort, row)
}

fn rayon(effort: Effort) -> Vec<Row> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(worker_count());
    let pool = pool.build().expect("threads can be started");
    let row = |stencil: &dyn Fn() -> Arc<Job>, continuation| {
        let job = stencil();
        let by_hand = || by_hand::rayon(&pool, &job, continuation);
        over_by_hand(&RAYON, (stencil(), &job), continuation, effort, by_hand)
    };
    on_both_stencils(effort, row)
}

fn tokio(effort: Effort) -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_count())
        .build()
        .expect("threads can be started");
    let row = |stencil: &dyn Fn() -> Arc<Job>, continuation| {
        let job = stencil();
        let by_hand = by_hand::Tokio::new(Arc::clone(&job), continuation);
        let by_hand = || by_hand.run(&runtime);
        over_by_hand(&TOKIO, (stencil(), &job), continuation, effort, by_hand)
    };
    on_both_stencils(effort, row)
}

/// One row per continuation, on a wide stencil of empty tasks and on a narrow stencil of small tasks.
fn on_both_stencils(
    effort: Effort,
    row: impl Fn(&dyn Fn() -> Arc<Job>, Continuation) -> Row,
) -> Vec<Row> {
    let wide = || new_job(stencil(64, effort), empty());
    let narrow = || new_job(stencil(2, effort), compute_bound(FINE));
    let jobs: [&dyn Fn() -> Arc<Job>; 2] = [&wide, &narrow];
    let rows = jobs
        .iter()
        .flat_map(|job| CONTINUATIONS.map(|one| row(job, one)));
    rows.collect()
}

/// Compares a backend on a stencil with `by_hand`, which runs the second of two equal jobs.
fn over_by_hand(
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
struct Pooled {
    job: Arc<Job>,
    pool: Box<dyn Pool>,
}

impl Pooled {
    fn start(backend: &dyn Backend, graph: TaskGraph, continuation: Continuation) -> Self {
        Self::start_job(
            backend,
            new_job(graph, empty()),
            worker_count(),
            continuation,
        )
    }

    fn start_job(
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
    fn nanoseconds(&mut self) -> f64 {
        run_nanoseconds(&self.job, || self.pool.run().expect("the run succeeds"))
    }

    fn verify(&self) {
        verify(&self.job);
    }
}

/// Times one run of `job`, and returns the nanoseconds per task.
fn run_nanoseconds(job: &Job, run: impl FnOnce()) -> f64 {
    job.begin_run();
    nanoseconds(run) / job.graph().task_count() as f64
}

/// Checks the last run. Checking every run would move all outputs into one core's cache, from where the next run
/// would have to fetch them. A fault in an earlier run shows in the run after it.
fn verify(job: &Job) {
    let expected = expected_digest(job.graph(), job.kernel(), 0);
    job.verify(expected).expect("the last run was right");
}
