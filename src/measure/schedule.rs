//! How fast a case can be at best, and how long its tasks take when they run.

use std::io;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::backend::{Backend, Pool};
use crate::execute::{Failure, Job};
use crate::graph::bound::{greedy_makespan, lower_bound, span, work};
use crate::graph::{TaskGraph, TaskId};
use crate::kernel::{Kernel, TaskSpan, TaskTimes};
use crate::machine::host;
use crate::record::{Bound, Trace, TracedRun, nanoseconds};

/// The time for running tasks alone, and again for traced runs. The first task and the first run always happen.
const BUDGET: Duration = Duration::from_millis(100);
/// The maximum number of traced runs: enough for a median.
const TRACED_RUNS: usize = 5;

/// The certified optimum that a workload states is impossible.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "certified_optimum_ms is {stated_ms} for this number of workers, but the shortest schedule takes at least {least_ms} and \
    at most {most_ms} ms: check its unit, and the scale of the graph"
)]
pub(crate) struct OptimumError {
    stated_ms: f64,
    least_ms: f64,
    most_ms: f64,
}

/// The durations of the tasks of a graph, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDurations {
    /// Their sum.
    pub work_ns: u64,
    /// The longest path.
    pub span_ns: u64,
    /// Whether all tasks only wait.
    pub is_waiting: bool,
    /// Whether no task ever ends before its duration has passed.
    pub is_kept: bool,
}

impl KnownDurations {
    /// The durations that `kernel` states for the tasks of `graph`; `None` if it does not state all of them, or if all
    /// are zero.
    pub(crate) fn of(graph: &TaskGraph, kernel: &dyn Kernel) -> Option<Self> {
        let durations = task_durations(graph, kernel)?;
        let clamp = |ns: u128| u64::try_from(ns).unwrap_or(u64::MAX);
        Some(Self {
            work_ns: clamp(work(&durations)),
            span_ns: clamp(span(graph, &durations)),
            is_waiting: graph.tasks().all(|task| kernel.wait(task).is_some()),
            is_kept: kernel.is_duration_kept(),
        })
    }

    /// How many of these tasks `worker_count` workers of `backend` run at once; `None` if there is no limit.
    fn parallelism(&self, backend: &dyn Backend, worker_count: usize) -> Option<usize> {
        let parallelism = backend.parallelism(worker_count, self.is_waiting);
        if self.is_kept {
            return parallelism;
        }
        // Each task needs a core, so more workers than cores do not run more tasks at the same time. A limit on CPU
        // time does not count here: until it is used up, all cores run.
        let cores = host::core_count() as usize;
        Some(parallelism.map_or(cores, |workers| workers.min(cores)))
    }

    /// How fast these tasks can be on `worker_count` workers of `backend`, if the shortest schedule with this number of
    /// workers takes `certified_optimum_ns`.
    pub(crate) fn bound(
        &self,
        backend: &dyn Backend,
        worker_count: usize,
        certified_optimum_ns: Option<u64>,
    ) -> Bound {
        let parallelism = self.parallelism(backend, worker_count);
        let (work, span) = (u128::from(self.work_ns), u128::from(self.span_ns));
        let least = lower_bound(work, span, parallelism);
        // An optimum is certified for a number of workers. A backend that runs more tasks at the same time may be
        // faster.
        let is_certified = parallelism == Some(worker_count);
        Bound {
            work_ns: self.work_ns,
            span_ns: self.span_ns,
            parallelism: parallelism.map(|workers| workers as u64),
            lower_bound_ns: u64::try_from(least).unwrap_or(u64::MAX),
            certified_optimum_ns: certified_optimum_ns.filter(|_| is_certified),
        }
    }
}

/// The duration of each task; `None` if the kernel does not know all of them, or if all are zero.
fn task_durations(graph: &TaskGraph, kernel: &dyn Kernel) -> Option<Vec<u64>> {
    let duration = |task| kernel.duration(task).map(nanoseconds);
    let durations: Option<Vec<u64>> = graph.tasks().map(duration).collect();
    durations.filter(|durations| work(durations) > 0)
}

/// How fast `job` can be on `worker_count` workers of `backend`; `None` if the durations of its tasks are not known, or
/// are all zero.
///
/// # Errors
///
/// If `certified_optimum_ns` cannot be the length of a shortest schedule.
pub(crate) fn bound(
    job: &Job,
    backend: &dyn Backend,
    worker_count: usize,
    certified_optimum_ns: Option<u64>,
) -> Result<Option<Bound>, OptimumError> {
    let (graph, kernel) = (job.graph(), job.kernel());
    let Some(known) = KnownDurations::of(graph, kernel) else {
        return Ok(None);
    };
    let bound = known.bound(backend, worker_count, certified_optimum_ns);
    if let Some(optimum) = bound.certified_optimum_ns {
        let durations = task_durations(graph, kernel).unwrap_or_default();
        let parallelism = known.parallelism(backend, worker_count);
        let most = greedy_makespan(graph, &durations, parallelism);
        check_optimum(u128::from(optimum), u128::from(bound.lower_bound_ns), most)?;
    }
    Ok(Some(bound))
}

/// Checks that `optimum` lies between the lower bound `least` and the length `most` of a greedy schedule. A millionth
/// of tolerance allows for rounded durations.
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

/// What traced runs showed.
pub(crate) struct TracedRuns {
    /// How long the tasks took; `None` if no bound is known.
    pub(crate) trace: Option<Trace>,
    /// The last run; `None` if worker processes died in every run.
    pub(crate) last: Option<LastRun>,
}

/// The last traced run.
pub(crate) struct LastRun {
    /// Wall clock of the run.
    pub(crate) wall_ns: u64,
    /// When each task ran, by its id.
    pub(crate) spans: Vec<TaskSpan>,
}

/// Runs tasks of `job` alone, one after another, if there is a `bound` that their times are compared with. Then runs the
/// whole job on the pool that `start` makes, until the time is used up. `times` are the times that the traced kernel of
/// `job` records.
///
/// # Errors
///
/// If the pool cannot be started, or if a run failed.
pub(crate) fn trace(
    job: &Job,
    times: &TaskTimes,
    bound: Option<&Bound>,
    start: impl FnOnce() -> io::Result<Box<dyn Pool>>,
    expected: u64,
) -> Result<TracedRuns, Failure> {
    let alone_task_count = bound.map_or(0, |_| run_alone(job));
    let alone = |durations: &[u64]| total(&durations[..alone_task_count]);
    let mut trace = bound.map(|_| Trace {
        alone_task_count: alone_task_count as u64,
        alone_work_ns: alone(&times.durations_ns()),
        runs: Vec::new(),
    });
    let mut pool = start().map_err(|error| Failure::Backend {
        message: error.to_string(),
    })?;
    let parallelism = bound.and_then(|bound| bound.parallelism);
    let parallelism = parallelism.map(|count| count as usize);
    let began = Instant::now();
    let (mut run_count, mut last) = (0, None);
    while run_count < TRACED_RUNS && (run_count == 0 || began.elapsed() < BUDGET) {
        job.kernel().reset();
        job.begin_run();
        times.begin_run();
        let start_ticks = times.now();
        let start = Instant::now();
        let ended = pool.run();
        let wall_ns = nanoseconds(start.elapsed());
        ended.map_err(|_| job.why_halted())?;
        job.verify(expected)?;
        if !pool.take_deaths().is_empty() {
            // If tasks were tried again, their durations are not valid.
            if began.elapsed() < BUDGET {
                continue;
            }
            break;
        }
        run_count += 1;
        let mut spans = times.spans(start_ticks);
        in_order(job.graph(), &mut spans);
        if let Some(trace) = &mut trace {
            let durations: Vec<u64> = spans.iter().map(|span| span.duration_ns).collect();
            let makespan = greedy_makespan(job.graph(), &durations, parallelism);
            trace.runs.push(TracedRun {
                wall_ns,
                work_ns: total(&durations),
                alone_task_work_ns: alone(&durations),
                greedy_makespan_ns: u64::try_from(makespan).unwrap_or(u64::MAX),
            });
        }
        last = Some(LastRun { wall_ns, spans });
    }
    Ok(TracedRuns { trace, last })
}

/// Moves the start of a task to the end of its last predecessor if the clock was read before that. The verifier has shown
/// that it began later, so this is nearer to the truth. Returns the longest such move, in nanoseconds.
fn in_order(graph: &TaskGraph, spans: &mut [TaskSpan]) -> u64 {
    let mut longest_ns = 0;
    for task in graph.tasks() {
        let before = graph.predecessors(task).iter();
        let least = before.map(|one| spans[one.index()].end_ns()).max();
        let span = &mut spans[task.index()];
        let early_ns = least.unwrap_or(0).saturating_sub(span.start_ns);
        longest_ns = longest_ns.max(early_ns);
        span.start_ns += early_ns;
        span.duration_ns = span.duration_ns.saturating_sub(early_ns);
    }
    longest_ns
}

/// Runs tasks on this thread until the time is used up, at least one. Returns their number.
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
    use crate::graph::TaskGraphBuilder;

    #[test]
    fn a_start_that_was_read_too_early_moves_behind_the_predecessors() {
        let mut builder = TaskGraphBuilder::default();
        let first = builder.push([]).unwrap();
        let second = builder.push([first]).unwrap();
        builder.push([first, second]).unwrap();
        let span = |(start_ns, duration_ns)| TaskSpan {
            start_ns,
            duration_ns,
            thread: 0,
        };
        // The second was read 3 ns early, and the third, after this mend, 6.
        let mut spans = [(10, 10), (17, 2), (14, 9)].map(span);
        assert_eq!(in_order(&builder.finish(), &mut spans), 6);
        assert_eq!(spans, [(10, 10), (20, 0), (20, 3)].map(span));
    }

    #[test]
    fn an_optimum_that_cannot_be_one_is_refused() {
        assert_eq!(check_optimum(131, 120, 140), Ok(()));
        // The limits themselves are allowed.
        assert_eq!(check_optimum(120, 120, 120), Ok(()));
        for wrong in [0, 119, 141, 131_000] {
            let message = check_optimum(wrong, 120, 140).unwrap_err();
            assert!(message.to_string().contains("check its unit"), "{message}");
        }
    }
}
