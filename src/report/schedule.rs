//! How close a case came to the best possible schedule, and where the rest of its time went.

use crate::record::{Record, TracedRun};
use crate::stats::median;

/// The wall clock of one run, told apart: `lower_bound_ns + schedule_loss_ns + overhead_ns` is its median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Schedule {
    /// How many tasks the backend has under way at once; `None` for as many as there are.
    pub parallelism: Option<u64>,
    /// The best that is known to be possible: the certified optimum, or else the lower bound.
    pub best_ns: f64,
    /// Whether `best_ns` is a certified optimum.
    pub is_certified: bool,
    /// `best_ns` ÷ the median of wall time: 1 for a perfect run.
    pub closeness: f64,
    /// The larger of work ÷ parallelism and span.
    pub lower_bound_ns: f64,
    /// How much longer than the lower bound a greedy schedule takes with the durations that tasks really had.
    /// `None` without a trace.
    pub schedule_loss_ns: Option<f64>,
    /// The rest: what starting, handing over and waking cost. `None` without a trace. The trace is of other
    /// runs than the median, so it can be a little below zero.
    pub overhead_ns: Option<f64>,
    /// What tasks took beside others ÷ what the same tasks took alone. `None` without a trace.
    pub inflation: Option<f64>,
}

impl Schedule {
    /// `None` where the durations of the tasks are not known, or no time passed.
    pub(super) fn new(record: &Record, median_ns: f64) -> Option<Self> {
        let bound = record.bound.filter(|_| median_ns > 0.0)?;
        let lower_bound_ns = bound.lower_bound_ns as f64;
        let best_ns = bound.best_ns() as f64;
        let greedy_ns = traced(record, |run| run.greedy_makespan_ns);
        let alone_ns = record
            .trace
            .as_ref()
            .map(|trace| trace.alone_work_ns as f64);
        let beside_ns = traced(record, |run| run.alone_task_work_ns);
        let inflation = beside_ns.zip(alone_ns.filter(|alone| *alone > 0.0));
        Some(Self {
            parallelism: bound.parallelism,
            best_ns,
            is_certified: bound.certified_optimum_ns.is_some(),
            closeness: best_ns / median_ns,
            lower_bound_ns,
            schedule_loss_ns: greedy_ns.map(|greedy| greedy - lower_bound_ns),
            overhead_ns: greedy_ns.map(|greedy| median_ns - greedy),
            inflation: inflation.map(|(beside, alone)| beside / alone),
        })
    }
}

/// The median of a figure over the traced runs.
fn traced(record: &Record, figure: fn(&TracedRun) -> u64) -> Option<f64> {
    let runs = record.trace.iter().flat_map(|trace| &trace.runs);
    let figures: Vec<f64> = runs.map(|run| figure(run) as f64).collect();
    median(&figures)
}
