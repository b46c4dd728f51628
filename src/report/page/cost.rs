//! What a case costs besides time: CPU time, context switches and memory.

use serde::Serialize;

use super::cases::CaseView;
use super::round::figure;
use crate::record::{Record, Sample};
use crate::stats::median;

/// What a case costs besides time.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct PageCost {
    /// The CPU time of a run.
    pub cpu_ns: Option<f64>,
    /// The CPU time of a task.
    pub cpu_per_task_ns: Option<f64>,
    /// The CPU time of a run beyond what a plain loop of the same language needs: spinning, waking and scheduling.
    pub idle_cpu_ns: Option<f64>,
    /// How often a worker gave up its core, per task.
    pub voluntary_per_task: Option<f64>,
    /// How often a worker was preempted, per task.
    pub involuntary_per_task: Option<f64>,
    /// Peak resident memory.
    pub peak_memory_bytes: Option<u64>,
    /// Peak resident memory ÷ tasks.
    pub memory_per_task_bytes: Option<f64>,
}

impl PageCost {
    /// The cost of a measured case. `serial` is the plain loop of the same language on the same workload.
    pub(super) fn new(view: &CaseView, serial: Option<&CaseView>) -> Self {
        let record = view.record;
        let tasks = record.graph.map(|graph| graph.task_count as f64);
        let tasks = tasks.filter(|tasks| *tasks > 0.0);
        let cpu_ns = run_cpu_ns(record);
        let own_work_ns = serial.and_then(|serial| run_cpu_ns(serial.record));
        let per_task =
            |total: Option<f64>| total.zip(tasks).map(|(total, tasks)| figure(total / tasks));
        let voluntary = switches_per_run(
            record,
            |sample| sample.voluntary_switch_count,
            record
                .usage
                .iter()
                .map(|one| one.voluntary_switch_count)
                .sum(),
        );
        let involuntary = switches_per_run(
            record,
            |sample| sample.involuntary_switch_count,
            record
                .usage
                .iter()
                .map(|one| one.involuntary_switch_count)
                .sum(),
        );
        let memory = record.peak_memory_bytes.map(|bytes| bytes as f64);
        let idle_cpu_ns = cpu_ns
            .zip(own_work_ns)
            .map(|(all, work)| (all - work).max(0.0));
        Self {
            cpu_ns: cpu_ns.map(figure),
            cpu_per_task_ns: per_task(cpu_ns),
            idle_cpu_ns: idle_cpu_ns.map(figure),
            voluntary_per_task: per_task(voluntary),
            involuntary_per_task: per_task(involuntary),
            peak_memory_bytes: record.peak_memory_bytes,
            memory_per_task_bytes: per_task(memory),
        }
    }
}

/// The median CPU time of a run in nanoseconds, or the mean over whole slices if samples have none.
fn run_cpu_ns(record: &Record) -> Option<f64> {
    let samples = record.samples.iter().filter(|one| !one.is_degraded);
    let times: Vec<f64> = samples.filter_map(Sample::run_cpu_ns).collect();
    median(&times).or_else(|| record.slice_cpu_ns_per_run())
}

/// Context switches per run, from the samples, or else from whole slices.
fn switches_per_run(
    record: &Record,
    of_sample: fn(&Sample) -> Option<u64>,
    of_slices: Option<u64>,
) -> Option<f64> {
    let runs: u64 = record
        .samples
        .iter()
        .map(|one| one.run_count)
        .fold(0, u64::saturating_add);
    let counted: Option<u64> = record.samples.iter().map(of_sample).sum();
    let of_slices = of_slices.filter(|_| !record.usage.is_empty());
    let total = counted.or(of_slices).filter(|_| runs > 0)?;
    Some(total as f64 / runs as f64)
}
