//! Measures what timing every task of a traced run adds to it.

use std::sync::Arc;

use taskdyno::internal::backend::{CROSSBEAM, FORK, SERIAL, TOKIO};
use taskdyno::internal::measure::own_task_clock;
use taskdyno_core::backend::{Backend, Continuation};
use taskdyno_core::execute::Job;
use taskdyno_core::graph::TaskGraph;
use taskdyno_core::kernel::traced;
use taskdyno_core::pattern::{CHAIN, TRIVIAL};

use super::{Effort, Pooled, Row, median, median_ratio, rounds};
use crate::prepare::{empty, new_graph, new_job, worker_count};

/// The most that tracing may add to a task.
const GOAL_NS: f64 = 20.0;

/// Empty tasks with and without a clock around each. The processes come first, while this process has one thread.
pub(crate) fn tracing(effort: Effort) -> Vec<Row> {
    let tasks = 64_000 / effort.shrink;
    let independent = new_graph(&TRIVIAL, [("width", tasks)]);
    let chain = new_graph(&CHAIN, [("steps", tasks)]);
    let two = worker_count();
    let all: [(&dyn Backend, usize); 4] =
        [(&FORK, two), (&SERIAL, 1), (&CROSSBEAM, two), (&TOKIO, two)];
    let rows = all.iter().flat_map(|(backend, workers)| {
        let row = |name, graph: &TaskGraph| row(*backend, *workers, name, graph, effort);
        [row("independent", &independent), row("a chain", &chain)]
    });
    rows.collect()
}

fn row(
    backend: &dyn Backend,
    workers: usize,
    name: &str,
    graph: &TaskGraph,
    effort: Effort,
) -> Row {
    let (kernel, _times) =
        traced(empty(), graph.task_count(), own_task_clock()).expect("the system gives the pages");
    let start = |job: Arc<Job>| Pooled::start_job(backend, job, workers, Continuation::Queue);
    let mut traced = start(new_job(graph.clone(), kernel));
    let mut plain = start(new_job(graph.clone(), empty()));
    let rounds = rounds(effort, || traced.nanoseconds(), || plain.nanoseconds());
    traced.verify();
    plain.verify();
    // Workers run tasks at once unless these are a chain, and each of them pays.
    let at_once = if name == "independent" { workers } else { 1 };
    let added = median(rounds.iter().map(|(traced, plain)| traced - plain)) * at_once as f64;
    let what = format!(
        "{}, {name}, added by tracing to a task of a worker ({:.2} × the time of a run)",
        backend.name(),
        median_ratio(&rounds),
    );
    Row::nanoseconds(what, added, GOAL_NS)
}
