//! How fast a case can be at best, and how long its tasks really take.

use std::io;
use std::time::{Duration, Instant};

use crate::backend::{Backend, Pool};
use crate::execute::{Failure, Job};
use crate::graph::TaskId;
use crate::graph::bound::{greedy_makespan, lower_bound, span, work};
use crate::kernel::TaskTimes;
use crate::machine::host;
use crate::record::{Bound, Trace, TracedRun, nanoseconds};

/// Time for running tasks alone, and for traced runs. What comes first is done in any case.
const BUDGET: Duration = Duration::from_millis(100);
/// Traced runs at most: enough for a median.
const TRACED_RUNS: usize = 5;

/// The shortest schedule that a workload states cannot be the shortest.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "certified_optimum_ms says {stated_ms} for this many workers, and the shortest schedule takes at least {least_ms} and \
     at most {most_ms} ms: check its unit, and the scale of the graph"
)]
pub(crate) struct OptimumError {
    stated_ms: f64,
    least_ms: f64,
    most_ms: f64,
}

/// How fast `job` can be on `worker_count` workers of `backend`; `None` where the durations of its tasks are
/// not known, or are all zero.
///
/// # Errors
///
/// When no shortest schedule can be as long as `certified_optimum_ns`.
pub(crate) fn bound(
    job: &Job,
    backend: &dyn Backend,
    worker_count: usize,
    certified_optimum_ns: Option<u64>,
) -> Result<Option<Bound>, OptimumError> {
    let (graph, kernel) = (job.graph(), job.kernel());
    let duration = |task| kernel.duration(task).map(nanoseconds);
    let durations: Option<Vec<u64>> = graph.tasks().map(duration).collect();
    let Some(durations) = durations.filter(|durations| work(durations) > 0) else {
        return Ok(None);
    };
    let (work_ns, span_ns) = (work(&durations), span(graph, &durations));
    let waits = graph.tasks().all(|task| kernel.wait(task).is_some());
    let mut parallelism = backend.parallelism(worker_count, waits);
    if !kernel.is_duration_kept() {
        // Its tasks need a core each: more workers than cores do not run more of them at once. A limit on CPU time
        // does not count here: until it is used up, all cores run.
        let cores = host::core_count() as usize;
        parallelism = Some(parallelism.map_or(cores, |workers| workers.min(cores)));
    }
    // A schedule is certified for a number of workers: more tasks under way at once may well beat it.
    let is_certified = parallelism == Some(worker_count);
    let certified_optimum_ns = certified_optimum_ns.filter(|_| is_certified);
    let least = lower_bound(work_ns, span_ns, parallelism);
    if let Some(optimum) = certified_optimum_ns {
        let most = greedy_makespan(graph, &durations, parallelism);
        check_optimum(u128::from(optimum), least, most)?;
    }
    let clamp = |ns: u128| u64::try_from(ns).unwrap_or(u64::MAX);
    Ok(Some(Bound {
        work_ns: clamp(work_ns),
        span_ns: clamp(span_ns),
        parallelism: parallelism.map(|workers| workers as u64),
        lower_bound_ns: clamp(least),
        certified_optimum_ns,
    }))
}

/// A shortest schedule lies between what no schedule beats and what a greedy one takes. A millionth is for
/// durations that were rounded.
fn check_optimum(optimum: u128, least: u128, most: u128) -> Result<(), OptimumError> {
    if (least - least / 1_000_000..=most + most / 1_000_000).contains(&optimum) {
        return Ok(());
    }
    let ms = |ns: u128| ns as f64 / 1e6;
    Err(OptimumError {
        stated_ms: ms(optimum),
        least_ms: ms(least),
        most_ms: ms(most),
    })
}

/// Runs tasks of `job` alone, one after the other, and then the whole job on the pool that `start` makes, for
/// as long as there is time. `times` are those of the traced kernel of `job`.
///
/// # Errors
///
/// Why a run failed.
pub(crate) fn trace(
    job: &Job,
    times: &TaskTimes,
    parallelism: Option<u64>,
    start: impl FnOnce() -> io::Result<Box<dyn Pool>>,
    expected: u64,
) -> Result<Trace, Failure> {
    let alone_task_count = run_alone(job);
    let alone = |durations: &[u64]| total(&durations[..alone_task_count]);
    let mut trace = Trace {
        alone_task_count: alone_task_count as u64,
        alone_work_ns: alone(&times.durations_ns()),
        runs: Vec::new(),
    };
    let mut pool = start().map_err(|error| Failure::Backend {
        message: error.to_string(),
    })?;
    let parallelism = parallelism.map(|count| count as usize);
    let began = Instant::now();
    while trace.runs.len() < TRACED_RUNS && (trace.runs.is_empty() || began.elapsed() < BUDGET) {
        job.kernel().reset();
        job.begin_run();
        let start = Instant::now();
        let ended = pool.run();
        let wall = start.elapsed();
        ended.map_err(|_| job.why_halted())?;
        job.verify(expected)?;
        if !pool.take_deaths().is_empty() {
            // A run in which tasks were tried again says nothing about how long they take.
            if began.elapsed() < BUDGET {
                continue;
            }
            break;
        }
        let durations = times.durations_ns();
        let makespan = greedy_makespan(job.graph(), &durations, parallelism);
        trace.runs.push(TracedRun {
            wall_ns: nanoseconds(wall),
            work_ns: total(&durations),
            alone_task_work_ns: alone(&durations),
            greedy_makespan_ns: u64::try_from(makespan).unwrap_or(u64::MAX),
        });
    }
    Ok(trace)
}

/// Runs tasks on this thread as long as there is time, at least one; returns how many.
fn run_alone(job: &Job) -> usize {
    let began = Instant::now();
    let mut count = 0;
    for task in job.graph().tasks() {
        if count > 0 && began.elapsed() >= BUDGET {
            break;
        }
        let TaskId(seed) = task;
        std::hint::black_box(job.kernel().run(task, u64::from(seed)));
        count += 1;
    }
    count
}

fn total(durations: &[u64]) -> u64 {
    u64::try_from(work(durations)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_optimum_that_cannot_be_one_is_refused() {
        assert_eq!(check_optimum(131, 120, 140), Ok(()));
        // Both ends can be met.
        assert_eq!(check_optimum(120, 120, 120), Ok(()));
        for wrong in [0, 119, 141, 131_000] {
            let message = check_optimum(wrong, 120, 140).unwrap_err();
            assert!(message.to_string().contains("check its unit"), "{message}");
        }
    }
}
