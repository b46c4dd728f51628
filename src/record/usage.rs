//! What the processes of a case used over a whole slice.

use serde::{Deserialize, Serialize};

use super::Record;

/// CPU time and context switches of all processes of a case over one slice, measured by the parent. They are one figure
/// per slice: the parent cannot see where one sample of a foreign child ends and the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SliceUsage {
    /// The process that the slice was taken in, from 0.
    pub invocation: u32,
    /// CPU time; null if the source is too coarse for a slice this short.
    pub cpu_ns: Option<u64>,
    /// How often a thread gave up its core voluntarily.
    pub voluntary_switch_count: Option<u64>,
    /// How often a thread was preempted.
    pub involuntary_switch_count: Option<u64>,
    /// The sum of the wall times of the samples of the slice.
    pub wall_ns: u64,
    /// Where the CPU time comes from.
    pub source: UsageSource,
}

/// Where the CPU time of a slice comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UsageSource {
    /// The clock of each process, which counts nanoseconds.
    Clock,
    /// The kernel's ticks of 10 ms.
    Ticks,
    /// No figure, because there were too few ticks.
    TooShort,
}

/// What one worker has used from its start until the end of its case, warm-up included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorkerUsage {
    /// CPU time, in nanoseconds.
    pub cpu_ns: u64,
    /// Peak resident memory, with what it shares with others; null for a thread.
    pub peak_memory_bytes: Option<u64>,
}

impl Record {
    /// The mean CPU time of one run in nanoseconds, from the figures of whole slices. It contains what the child did
    /// between its samples. `None` if there are no samples, or if a slice has no figure.
    pub fn slice_cpu_ns_per_run(&self) -> Option<f64> {
        let run_count: u64 = self.samples.iter().map(|sample| sample.run_count).sum();
        let cpu_ns: Option<u64> = self.usage.iter().map(|usage| usage.cpu_ns).sum();
        let is_known = run_count > 0 && !self.usage.is_empty();
        is_known.then_some(cpu_ns? as f64 / run_count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::case;

    #[test]
    fn the_cpu_time_of_slices_is_divided_by_all_runs() {
        let mut record = case("empty", "python-threads", 2).record();
        assert_eq!(record.slice_cpu_ns_per_run(), None);
        let slice = |invocation, cpu_ns| SliceUsage {
            invocation,
            cpu_ns,
            voluntary_switch_count: None,
            involuntary_switch_count: None,
            wall_ns: 3_000_000,
            source: UsageSource::Clock,
        };
        record.usage = vec![slice(0, Some(9_000)), slice(1, Some(3_000))];
        assert_eq!(record.slice_cpu_ns_per_run(), Some(2_000.0));
        record.usage.push(slice(2, None));
        assert_eq!(record.slice_cpu_ns_per_run(), None);
        record.samples.clear();
        record.usage.pop();
        assert_eq!(record.slice_cpu_ns_per_run(), None);
    }
}
