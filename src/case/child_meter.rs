//! What the processes of an external child use over one slice, and whether the times that it reports can be true.

use crate::backend::{Backend, Family};
use crate::external::External;
use crate::machine::host::core_count;
use crate::machine::tree::reading::TreeDifference;
use crate::record::{Case, CaseError, ErrorKind, Sample, SliceUsage};

/// By what factor the CPU time of a slice may exceed the wall time of its samples on all cores that they can use: a child
/// that reports half of its wall time exceeds it by 2. The rest is for what it does between samples.
const MOST_CPU_RATIO: f64 = 1.5;
/// CPU time that no slice has to explain: reading the request, writing the reply.
const UNEXPLAINED_NS: f64 = 20e6;

/// Judges the CPU time of the slices of one case.
pub(super) struct ChildMeter {
    /// How many cores the case can keep busy.
    core_count: f64,
}

impl ChildMeter {
    /// A meter for `case` on `external`.
    pub(super) fn new(external: &External, case: &Case) -> Self {
        // The process that hands out tasks works beside its worker processes.
        let coordinators = match external.family() {
            Family::Processes | Family::Mixed => 1,
            Family::Serial | Family::Threads | Family::Async => 0,
        };
        let cores = core_count().min(case.workers + coordinators);
        Self {
            core_count: f64::from(cores),
        }
    }

    /// The usage of a slice, for its record.
    ///
    /// # Errors
    ///
    /// If the reported wall times are longer than the slice, or too short for the CPU time that the processes used.
    pub(super) fn check(
        &self,
        used: &TreeDifference,
        samples: &[Sample],
    ) -> Result<SliceUsage, CaseError> {
        let walls = samples.iter().map(|sample| sample.wall_ns);
        let wall_ns = walls.fold(0, u64::saturating_add);
        if wall_ns > used.elapsed_ns {
            let [wall_ms, elapsed_ms] = [wall_ns, used.elapsed_ns].map(|ns| ns as f64 / 1e6);
            let message = format!(
                "the samples of a slice took {wall_ms:.1} ms together, but the slice only {elapsed_ms:.1} ms: times are in \
                 nanoseconds"
            );
            return Err(CaseError::new(ErrorKind::Protocol, message));
        }
        let cpu_ns = used.cpu.ns();
        let most_ns = wall_ns as f64 * self.core_count * MOST_CPU_RATIO + UNEXPLAINED_NS;
        if cpu_ns.is_some_and(|cpu_ns| cpu_ns as f64 > most_ns) {
            let [cpu_ms, wall_ms] = [cpu_ns.unwrap_or(0), wall_ns].map(|ns| ns as f64 / 1e6);
            return Err(CaseError::new(
                ErrorKind::WallTooShort,
                format!(
                    "its processes used {cpu_ms:.1} ms of CPU time, but the samples of the slice took only {wall_ms:.1} ms \
                     of wall time on {} cores: the child reports less time than its tasks take, or works between samples",
                    self.core_count
                ),
            ));
        }
        Ok(used.of_slice(0, wall_ns))
    }
}
