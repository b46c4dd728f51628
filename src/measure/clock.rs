//! The cost of reading the clocks, which determines how long a sample must be at least.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::machine::usage::UsageMeter;

/// A sample is at least this many times as long as the cost of timing it, so this cost stays below 1%. divan uses the
/// same factor for its timer (`src/benchmark/mod.rs`).
const LEAST_COSTS_PER_SAMPLE: u32 = 100;

/// The number of timed batches. It is odd, so the median is the time of one batch.
const BATCH_COUNT: usize = 11;

/// The number of calls per batch. With several calls, the resolution of the clock matters less.
const BATCH_LEN: u32 = 8;

/// The measured cost of reading clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockCost {
    /// One call of [`Instant::now`], rounded down to whole nanoseconds.
    pub instant: Duration,
    /// Everything that is read around a sample: usage, wall clock, wall clock, usage.
    pub bracket: Duration,
}

impl ClockCost {
    /// How many runs of about `run` each a sample must contain, so that the cost of timing it is negligible; at least
    /// 1.
    pub(crate) fn runs_per_sample(&self, run: Duration) -> u64 {
        let least = self
            .bracket
            .saturating_mul(LEAST_COSTS_PER_SAMPLE)
            .as_nanos();
        // A run that is too short for the clock counts as one nanosecond.
        let runs = least.div_ceil(run.as_nanos().max(1));
        u64::try_from(runs).unwrap_or(u64::MAX).max(1)
    }
}

/// Measures the cost of reading the clocks with this meter, which also reads the usage of its worker processes. Takes
/// less than a millisecond, plus two for each worker process.
pub(crate) fn clock_cost(meter: &UsageMeter) -> ClockCost {
    ClockCost {
        instant: median_cost(|| {
            black_box(Instant::now());
        }),
        bracket: median_cost(|| {
            let before = meter.read_before();
            let started = Instant::now();
            black_box(started.elapsed());
            black_box(meter.read_after().since(before));
        }),
    }
}

/// The median over batches of the mean time of one call within the batch.
fn median_cost(mut call: impl FnMut()) -> Duration {
    let batches = std::array::from_fn(|_| {
        let started = Instant::now();
        for _ in 0..BATCH_LEN {
            call();
        }
        started.elapsed() / BATCH_LEN
    });
    median(batches)
}

fn median(mut times: [Duration; BATCH_COUNT]) -> Duration {
    times.sort_unstable();
    times[BATCH_COUNT / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: ClockCost = ClockCost {
        instant: Duration::from_nanos(22),
        bracket: Duration::from_nanos(2_000),
    };

    #[test]
    fn a_sample_is_much_longer_than_its_bracket() {
        assert_eq!(COST.runs_per_sample(Duration::from_micros(50)), 4);
        assert_eq!(
            COST.runs_per_sample(Duration::from_micros(60)),
            4,
            "rounded up"
        );
        assert_eq!(COST.runs_per_sample(Duration::from_micros(200)), 1);
        assert_eq!(COST.runs_per_sample(Duration::from_secs(1)), 1);
        assert_eq!(COST.runs_per_sample(Duration::ZERO), 200_000);
    }

    #[test]
    fn outliers_do_not_move_the_median() {
        let mut times = [Duration::from_nanos(20); BATCH_COUNT];
        times[..BATCH_COUNT / 2].fill(Duration::from_secs(1));
        assert_eq!(median(times), Duration::from_nanos(20));
    }

    #[test]
    fn a_bracket_costs_something() {
        assert!(clock_cost(&UsageMeter::new(&[])).bracket > Duration::ZERO);
    }
}
