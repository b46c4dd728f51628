//! Whether successive differences resemble each other, which the bets after every pair assume they do not.

use std::f64::consts::PI;

use super::binomial::proportion_interval;
use super::median;

/// Above this correlation of successive differences, bets at a level of 1% raise more false alarms than they state, if
/// the change is exactly the threshold. `examples/optional_stopping.rs` finds the limit: 0.16 if a case may have a
/// thousand pairs, 0.2 if it has at most 140.
pub(crate) const MOST_CORRELATION: f64 = 0.15;

/// The chance that the lower end of the correlation is above the true one is at most this.
const ALPHA: f64 = 0.01;

/// How often successive values lie on the same side of their median. Short series show less correlation than they have,
/// because they contain few turns of a slow change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Neighbours {
    /// Twice the number of neighbours on the same side. Each series counts one too many: if nothing is correlated, half a
    /// neighbour fewer than half of them agree, because the median divides the series evenly.
    twice_same: u64,
    count: u64,
}

impl Neighbours {
    /// Adds a series of values in the order of time. Values at the median are left out.
    pub(crate) fn add(&mut self, series: &[f64]) {
        let Some(middle) = median(series) else { return };
        let sides: Vec<bool> = series
            .iter()
            .filter(|value| **value != middle)
            .map(|value| *value > middle)
            .collect();
        let same = sides.windows(2).filter(|two| two[0] == two[1]).count() as u64;
        if sides.len() > 1 {
            self.twice_same += 2 * same + 1;
            self.count += sides.len() as u64 - 1;
        }
    }

    /// The correlation of a normal AR(1) process whose neighbours agree as often: its estimate, and the lower end of its
    /// one-sided 99% interval. Outliers do not affect it. `None` without neighbours.
    pub(crate) fn correlation(self) -> Option<Correlation> {
        let correlation = |share: f64| (PI * (share - 0.5)).sin();
        let same = (self.twice_same / 2).min(self.count);
        (self.count > 0).then(|| Correlation {
            estimate: correlation(same as f64 / self.count as f64),
            low: correlation(proportion_interval(same, self.count, 2.0 * ALPHA).low),
        })
    }
}

/// The correlation of successive values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Correlation {
    /// The most likely value.
    pub estimate: f64,
    /// The lower end of its one-sided 99% interval.
    pub low: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;
    use crate::stats::optional_stopping::{DrawnDifferences, Noise};

    fn neighbours(all: &[&[f64]]) -> Neighbours {
        let mut neighbours = Neighbours::default();
        for series in all {
            neighbours.add(series);
        }
        neighbours
    }

    #[test]
    fn neighbours_are_counted_within_a_series_and_around_its_median() {
        // Above and below 5: + + - - is twice the same of three; the 5 itself is left out.
        let counted = neighbours(&[&[9.0, 8.0, 5.0, 1.0, 2.0], &[1.0, 1.0], &[]]);
        let expected = Neighbours {
            twice_same: 5,
            count: 3,
        };
        assert_eq!(counted, expected);
        assert_eq!(neighbours(&[&[3.0; 20]]).correlation(), None);
    }

    #[test]
    fn alternating_values_are_opposites_and_runs_are_alike() {
        let alternating: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
        assert!(neighbours(&[&alternating]).correlation().unwrap().estimate < -0.99);
        let runs: Vec<f64> = (0..200).map(f64::from).collect();
        let found = neighbours(&[&runs]).correlation().unwrap();
        assert!(found.estimate > 0.99 && found.low > MOST_CORRELATION);
    }

    #[test]
    fn the_correlation_of_a_process_is_found() {
        for correlation in [0.0, 0.1, 0.3, 0.5] {
            let mut found = Neighbours::default();
            for seed in 0..40 {
                let mut drawn =
                    DrawnDifferences::new(Noise::Correlated(correlation), SplitMix64::new(seed));
                let series: Vec<f64> = (0..200).map(|_| drawn.draw()).collect();
                found.add(&series);
            }
            // The standard deviation of the share of 7960 neighbours is 0.6%, which is 0.018 in correlation.
            let found = found.correlation().unwrap();
            assert!((found.estimate - correlation).abs() < 0.06, "{found:?}");
            assert!(found.low < found.estimate);
        }
    }
}
