//! How the CPU time of a run is spread over the workers.

use crate::record::{Record, Sample, WorkerUsage};
use crate::stats::median;
use crate::units;

/// The median CPU time of a run, shared out among the workers in proportion to what each has used until the end of the
/// case. Records have no CPU time of a worker for each run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct WorkerCpu {
    /// That of the worker that used the least, in nanoseconds.
    pub least_ns: f64,
    /// That of the worker that used the most, in nanoseconds.
    pub most_ns: f64,
}

impl WorkerCpu {
    /// `None` if the CPU time of a run or that of the workers is not known, or if the workers have used none.
    pub(super) fn new(record: &Record) -> Option<Self> {
        let samples = record.samples.iter().filter(|sample| !sample.is_degraded);
        let times: Vec<f64> = samples.filter_map(Sample::run_cpu_ns).collect();
        let used = record.worker_usage.iter();
        let used = used.map(|WorkerUsage { cpu_ns, .. }| *cpu_ns as f64);
        let total: f64 = used.clone().sum();
        let scale = (total > 0.0).then_some(median(&times)? / total)?;
        Some(Self {
            least_ns: scale * used.clone().fold(f64::INFINITY, f64::min),
            most_ns: scale * used.fold(0.0, f64::max),
        })
    }

    /// Such as `1.21 – 1.25 µs`; one time if there is one worker, or if all have used the same.
    pub(super) fn text(self) -> String {
        match self.least_ns == self.most_ns {
            true => units::time(self.most_ns),
            false => units::times(self.least_ns, self.most_ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::case;

    /// Two workers that use 2 ms of CPU time per run together, and `used` until the end of the case.
    fn record(used: &[u64]) -> Record {
        let mut record = case("empty", "rayon", 2).record();
        let of_worker = |cpu_ns: &u64| WorkerUsage {
            cpu_ns: *cpu_ns,
            peak_memory_bytes: None,
        };
        record.worker_usage = used.iter().map(of_worker).collect();
        record
    }

    #[test]
    fn the_time_of_a_run_is_shared_out_as_the_workers_used_it() {
        let text = |used: &[u64]| WorkerCpu::new(&record(used)).map(WorkerCpu::text);
        assert_eq!(text(&[30, 10]).as_deref(), Some("0.50 – 1.50 ms"));
        assert_eq!(text(&[7, 7]).as_deref(), Some("1.00 ms"));
        assert_eq!(text(&[0, 7]).as_deref(), Some("0.00 – 2.00 ms"));
        assert_eq!(text(&[9]).as_deref(), Some("2.00 ms"));
        assert_eq!(text(&[0, 0]), None);
        assert_eq!(text(&[]), None);
        // A record may say anything.
        assert!(text(&[u64::MAX; 2]).is_some());
        let mut unknown = record(&[30, 10]);
        unknown.samples.iter_mut().for_each(|one| one.cpu_ns = None);
        assert_eq!(WorkerCpu::new(&unknown), None);
    }

    #[test]
    fn a_run_that_lost_a_worker_does_not_count() {
        let mut degraded = record(&[30, 10]);
        let before = WorkerCpu::new(&degraded);
        degraded.samples[0].cpu_ns = Some(u64::MAX);
        degraded.samples[0].is_degraded = true;
        assert_eq!(WorkerCpu::new(&degraded), before);
    }
}
