//! When the tasks of a case record latencies, and which of them a child may report.

use super::protocol::{Expected, Greeting};
use crate::measure::SlicePlan;
use crate::record::{CaseError, ErrorKind, Latencies, Plan, Sample};

/// When the tasks of a case record latencies. Recording takes time, so samples whose wall time is recorded have none of
/// it, unless timing is the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatencyTime {
    /// They record none.
    Never,
    /// In the samples, because timing is their work.
    InSamples,
    /// In a slice of their own after the samples.
    Afterwards,
}

impl LatencyTime {
    /// When a child with this greeting records the latencies of this work.
    pub(super) fn of(expected: &Expected, greeting: &Greeting) -> Self {
        if expected.latencies.is_empty() || !greeting.has_latencies {
            Self::Never
        } else if expected.is_timing_the_work {
            Self::InSamples
        } else {
            Self::Afterwards
        }
    }
}

/// The slice that records latencies, after these samples of a case that is measured by `plan`: it takes about as long as
/// they did together, and has no more samples.
pub(super) fn latency_plan(plan: &Plan, samples: &[Sample]) -> SlicePlan {
    let walls = samples.iter().map(|sample| sample.wall_ns);
    SlicePlan {
        min_time_ns: walls.fold(0, u64::saturating_add),
        max_time_ns: plan.max_time_ns,
        min_sample_count: 1,
        max_sample_count: samples.len() as u64,
        run_count: None,
    }
}

/// Checks that a child reports only latencies that its kernel has. Every name is then safe to show.
pub(super) fn known_latencies(
    latencies: Latencies,
    expected: &Expected,
) -> Result<Latencies, CaseError> {
    let unknown = latencies
        .keys()
        .find(|name| !expected.latencies.contains(name));
    let Some(unknown) = unknown else {
        return Ok(latencies);
    };
    let message = format!(
        "`slice_done` has latencies `{unknown}`, but the kernel has only: {}",
        expected.latencies.join(", ")
    );
    Err(CaseError::new(ErrorKind::Protocol, message))
}
