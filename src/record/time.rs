//! Times as records hold them: whole nanoseconds, and those of several runs together.

use std::time::Duration;

use super::{Probe, Sample};

/// `duration` in whole nanoseconds. A number of 64 bits holds 584 years; longer durations become the largest number.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The mean time of one run of `run_count`, which took `total_ns` together.
pub(crate) fn run_ns(total_ns: u64, run_count: u64) -> f64 {
    total_ns as f64 / run_count as f64
}

impl Sample {
    /// The wall clock of one run, in nanoseconds.
    pub fn run_wall_ns(&self) -> f64 {
        run_ns(self.wall_ns, self.run_count)
    }

    /// The CPU time of one run, in nanoseconds.
    pub fn run_cpu_ns(&self) -> f64 {
        run_ns(self.cpu_ns, self.run_count)
    }
}

impl Probe {
    /// The wall clock of one run, in nanoseconds.
    pub fn run_wall_ns(&self) -> f64 {
        run_ns(self.wall_ns, self.run_count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_that_does_not_fit_becomes_the_largest_number() {
        assert_eq!(nanoseconds(Duration::from_micros(3)), 3_000);
        assert_eq!(nanoseconds(Duration::MAX), u64::MAX);
    }
}
