//! Measures the overhead of our own code: each backend beside its runtime driven by hand, each kernel beside a bare
//! loop, and the core by itself. `cargo bench --bench overhead [FILTER]` prints one table.
//!
//! The two sides are measured alternately, A B B A, in one process. The result is the median of the ratios of the
//! rounds: the speed of a shared machine drifts, and a drift that affects both sides cancels out.

use std::sync::Arc;

use taskdyno::internal::backend::{CROSSBEAM, RAYON, SERIAL, STATIC, TOKIO};
use taskdyno::internal::measure::calibrate_alone;
use taskdyno_core::backend::Continuation;
use taskdyno_core::execute::Job;
use taskdyno_core::graph::TaskId;

use crate::pooled::{Pooled, on_both_stencils, over_by_hand, run_nanoseconds, verify};
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
#[path = "overhead/pooled.rs"]
mod pooled;
#[path = "overhead/prepare.rs"]
mod prepare;
#[path = "overhead/table.rs"]
mod table;
#[path = "overhead/tracing.rs"]
mod tracing;
#[path = "overhead/waits.rs"]
mod waits;

fn main() {
    if !waits::is_alone() {
        table::main(SECTIONS);
    }
}

const SECTIONS: &[Section] = &[
    ("control-loop", control_loop),
    ("core", core),
    ("static", static_partition),
    ("hand-off", hand_off),
    ("crossbeam", crossbeam),
    ("rayon", rayon),
    ("tokio", tokio),
    ("counter", kernels::counter),
    ("hash", kernels::hash),
    ("sleep", kernels::sleep),
    ("tracing", tracing::tracing),
    ("waits", waits::waits),
    ("memory-of-waits", waits::memory),
    ("overlap", kernels::overlap),
    ("graph", graphs::graph),
    ("patterns", graphs::patterns),
];

/// The loop that shows how fast the machine is. The compiler must not have made it shorter, and it does only with
/// optimisation, so no unit test would notice.
fn control_loop(effort: Effort) -> Vec<Row> {
    let times = (0..10 * effort.rounds).map(|_| calibrate_alone().single_ns as f64);
    let found = median(times);
    assert!(
        found > 75_000.0,
        "150,000 dependent steps of 5 cycles cannot take {found} ns below 10 GHz"
    );
    vec![Row::nanoseconds("the control loop", found, 400_000.0)]
}

/// The verified core in topological order, and the additional cost of counting down.
fn core(effort: Effort) -> Vec<Row> {
    let job = new_job(stencil(64, effort), empty());
    let mut serial = Pooled::start_job(&SERIAL, job, worker_count(), Continuation::Queue);
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
        let job = new_job(stencil(width, effort), empty());
        let mut pool = Pooled::start_job(&STATIC, job, worker_count(), queue);
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

fn crossbeam(effort: Effort) -> Vec<Row> {
    let row = |stencil: &dyn Fn() -> Arc<Job>, continuation| {
        let job = stencil();
        let by_hand = by_hand::Crossbeam::new(Arc::clone(&job), continuation, worker_count());
        let jobs = (stencil(), &*job);
        over_by_hand(&CROSSBEAM, jobs, continuation, effort, || by_hand.run())
    };
    on_both_stencils(effort, &Continuation::ALL, row)
}

fn rayon(effort: Effort) -> Vec<Row> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(worker_count());
    let pool = pool.build().expect("threads can be started");
    let row = |stencil: &dyn Fn() -> Arc<Job>, continuation| {
        let job = stencil();
        let by_hand = || by_hand::rayon(&pool, &job, continuation);
        over_by_hand(&RAYON, (stencil(), &job), continuation, effort, by_hand)
    };
    on_both_stencils(effort, &Continuation::ALL, row)
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
    on_both_stencils(effort, &Continuation::ALL, row)
}
