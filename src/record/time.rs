//! Times as records hold them: the hour in the format of RFC 3339, durations in whole nanoseconds, and durations of
//! several runs together.

use std::time::{Duration, SystemTime};

use super::{Probe, Sample};

/// The time of day now in UTC, such as `2026-11-02T12:00:00.123456789Z`.
pub(crate) fn now() -> String {
    humantime::format_rfc3339_nanos(SystemTime::now()).to_string()
}

/// The time in a text that [`now`] wrote; `None` if it is not one.
///
/// Times are parsed because texts sort wrongly: `12:00:00.5Z` before `12:00:00Z`.
pub(crate) fn time_of_day(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

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

    /// The CPU time of one run, in nanoseconds; `None` if it was not measured.
    pub fn run_cpu_ns(&self) -> Option<f64> {
        Some(run_ns(self.cpu_ns?, self.run_count))
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

    #[test]
    fn times_of_day_are_ordered_by_time_and_not_by_text() {
        let [whole, half] = ["2026-11-02T12:00:00Z", "2026-11-02T12:00:00.5Z"];
        assert!(half < whole && time_of_day(half) > time_of_day(whole));
        assert!(time_of_day(&now()) > time_of_day(half));
        assert_eq!(time_of_day("yesterday"), None);
    }
}
