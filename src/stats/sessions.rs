//! Compares two sets of measuring sessions, taking into account that sessions differ.
//!
//! The samples of one session share the state of the machine at that time, so a thousand of them say no more about
//! the next session than the first few. The bootstrap is therefore hierarchical, over sessions and over the samples
//! in each (Kalibera and Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013).

use super::{Interval, median, student};
use crate::random::SplitMix64;

/// How many times the sessions are resampled. The standard error is then accurate to 2%.
const DRAW_COUNT: usize = 1000;

/// The difference of two sets of sessions, and its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SessionDifference {
    /// The mean of the medians of one set minus that of the other, in the unit of the values.
    pub estimate: f64,
    /// The standard deviation of the estimate over all draws.
    pub standard_error: f64,
    /// The standard deviation between the sessions of one set, pooled over both sets.
    pub spread: f64,
    /// The degrees of freedom of `spread`: the number of sessions minus the number of sets.
    pub degrees: usize,
}

/// `head` minus `base`, with one list of values per session. `None` if a session is empty, or if the number of
/// sessions does not exceed the number of sets by at least two.
///
/// The distances of sessions from the mean of their set are pooled over both sets, because they are a property of
/// the machine. A single session can therefore be compared with a set of many. For every session, each draw takes
/// one of these distances and, for the noise of its median, the median of as many samples drawn from a session.
pub(crate) fn session_difference(
    base: &[Vec<f64>],
    head: &[Vec<f64>],
    random: &mut SplitMix64,
) -> Option<SessionDifference> {
    let degrees = (base.len() + head.len()).checked_sub(2)?;
    if base.is_empty() || head.is_empty() || degrees < 2 {
        return None;
    }
    let base_medians = medians(base)?;
    let head_medians = medians(head)?;
    let distances = [distances(&base_medians), distances(&head_medians)].concat();
    let draws: Vec<f64> = (0..DRAW_COUNT)
        .map(|_| drawn_mean(head, &distances, random) - drawn_mean(base, &distances, random))
        .collect();
    Some(SessionDifference {
        estimate: mean(&head_medians) - mean(&base_medians),
        standard_error: deviation(&draws),
        spread: root_mean_square(&distances),
        degrees,
    })
}

impl SessionDifference {
    /// The interval of the true difference at level `1 - alpha`.
    ///
    /// It uses Student's t distribution, because the standard error is based on few sessions.
    pub(crate) fn interval(&self, alpha: f64) -> Interval {
        let reach = student::quantile(alpha / 2.0, self.degrees) * self.standard_error;
        Interval {
            low: self.estimate - reach,
            high: self.estimate + reach,
        }
    }

    /// The probability of an estimate at least this large if the true difference were `limit`.
    pub(crate) fn p_above(&self, limit: f64) -> f64 {
        self.tail(self.estimate - limit)
    }

    /// The probability of an estimate at most this small if the true difference were `limit`.
    pub(crate) fn p_below(&self, limit: f64) -> f64 {
        self.tail(limit - self.estimate)
    }

    /// The probability that the estimate exceeds the true difference by `distance` or more.
    fn tail(&self, distance: f64) -> f64 {
        if self.standard_error == 0.0 {
            return if distance > 0.0 { 0.0 } else { 1.0 };
        }
        student::upper_tail(distance / self.standard_error, self.degrees)
    }
}

fn medians(sessions: &[Vec<f64>]) -> Option<Vec<f64>> {
    sessions.iter().map(|samples| median(samples)).collect()
}

/// The distance of each median from the mean of its set, scaled up because the mean of few values is closer to them
/// than the true mean. Empty for a set of one, whose mean is the value itself.
fn distances(medians: &[f64]) -> Vec<f64> {
    let count = medians.len() as f64;
    if medians.len() < 2 {
        return Vec::new();
    }
    let mean = mean(medians);
    let stretch = (count / (count - 1.0)).sqrt();
    medians
        .iter()
        .map(|median| (median - mean) * stretch)
        .collect()
}

/// The mean of a resampled set of the same size, minus the mean around which it is drawn.
fn drawn_mean(sessions: &[Vec<f64>], distances: &[f64], random: &mut SplitMix64) -> f64 {
    let drawn: Vec<f64> = sessions
        .iter()
        .map(|_| {
            let distance = distances[random.below(distances.len() as u64) as usize];
            distance
                + drawn_noise(
                    &sessions[random.below(sessions.len() as u64) as usize],
                    random,
                )
        })
        .collect();
    mean(&drawn)
}

/// The difference between the median of as many samples, drawn from these, and their own median.
fn drawn_noise(samples: &[f64], random: &mut SplitMix64) -> f64 {
    let drawn: Vec<f64> = samples
        .iter()
        .map(|_| samples[random.below(samples.len() as u64) as usize])
        .collect();
    let missed = median(&drawn).zip(median(samples));
    missed.map_or(0.0, |(drawn, whole)| drawn - whole)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn root_mean_square(values: &[f64]) -> f64 {
    mean(&values.iter().map(|value| value * value).collect::<Vec<_>>()).sqrt()
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    root_mean_square(&values.iter().map(|value| value - mean).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Roughly normal, with mean 0 and standard deviation 1: the sum of twelve uniform numbers minus 6.
    fn noise(random: &mut SplitMix64) -> f64 {
        (0..12)
            .map(|_| random.below(1 << 30) as f64 / f64::from(1 << 30))
            .sum::<f64>()
            - 6.0
    }

    /// Sessions with these medians, of five samples that hardly differ.
    fn steady(medians: &[f64]) -> Vec<Vec<f64>> {
        medians.iter().map(|median| vec![*median; 5]).collect()
    }

    #[test]
    fn spread_and_estimate_are_those_by_hand() {
        let (base, head) = (steady(&[1.0, 2.0, 3.0]), steady(&[11.0, 12.0, 13.0]));
        let found = session_difference(&base, &head, &mut SplitMix64::new(1)).unwrap();
        assert_eq!(found.estimate, 10.0);
        assert_eq!(found.degrees, 4);
        // Both variances are 1.
        assert!((found.spread - 1.0).abs() < 1e-12);
        // sqrt(1/3 + 1/3), as accurate as a thousand draws allow.
        assert!((found.standard_error - 0.816).abs() < 0.06, "{found:?}");
    }

    #[test]
    fn the_interval_takes_the_published_quantiles_of_t() {
        let found = SessionDifference {
            estimate: 0.0,
            standard_error: 1.0,
            spread: 1.0,
            degrees: 4,
        };
        // Tables of Student's t: 4 degrees of freedom, 0.975 and 0.995.
        assert!((found.interval(0.05).high - 2.776).abs() < 5e-4);
        assert!((found.interval(0.01).low + 4.604).abs() < 5e-4);
        assert!((found.p_above(-2.776) - 0.025).abs() < 1e-4);
        assert!((found.p_below(2.776) - 0.025).abs() < 1e-4);
    }

    #[test]
    fn sessions_that_agree_to_the_last_digit_leave_no_doubt() {
        let (base, head) = (steady(&[1.0; 3]), steady(&[2.0; 3]));
        let found = session_difference(&base, &head, &mut SplitMix64::new(1)).unwrap();
        assert_eq!(
            found.interval(0.01),
            Interval {
                low: 1.0,
                high: 1.0
            }
        );
        assert_eq!((found.p_above(0.5), found.p_below(0.5)), (0.0, 1.0));
    }

    #[test]
    fn a_single_session_is_held_against_the_spread_of_many() {
        let base = steady(&[1.0, 2.0, 3.0, 2.0, 2.0]);
        let found = session_difference(&base, &steady(&[2.0]), &mut SplitMix64::new(1)).unwrap();
        assert_eq!(found.degrees, 4);
        // sqrt(1/2 · (1/5 + 1)): the sum of squares is 2, over 4.
        assert!((found.standard_error - 0.775).abs() < 0.06, "{found:?}");
    }

    #[test]
    fn too_few_sessions_say_nothing() {
        let none: Vec<Vec<f64>> = Vec::new();
        let difference = |base: &[Vec<f64>], head: &[Vec<f64>]| {
            session_difference(base, head, &mut SplitMix64::new(1)).is_some()
        };
        assert!(!difference(&none, &none));
        assert!(!difference(&steady(&[1.0]), &steady(&[1.0])));
        assert!(!difference(&steady(&[1.0, 2.0]), &steady(&[1.0])));
        assert!(!difference(&steady(&[1.0; 9]), &none));
        assert!(!difference(&steady(&[1.0; 9]), &[Vec::new()]));
        assert!(difference(&steady(&[1.0, 2.0, 3.0]), &steady(&[1.0])));
    }

    #[test]
    fn the_interval_covers_the_truth_as_often_as_it_says() {
        let mut random = SplitMix64::new(20);
        let mut session = |count: usize| -> Vec<Vec<f64>> {
            (0..count)
                .map(|_| {
                    let level = noise(&mut random);
                    (0..5).map(|_| level + noise(&mut random)).collect()
                })
                .collect()
        };
        for (base_count, head_count) in [(3, 3), (6, 1)] {
            let covers = |seed: &u64| {
                let (base, head) = (session(base_count), session(head_count));
                let found = session_difference(&base, &head, &mut SplitMix64::new(*seed)).unwrap();
                let interval = found.interval(0.01);
                interval.low <= 0.0 && 0.0 <= interval.high
            };
            let covered = (0..250).filter(covers).count();
            assert!(covered >= 248, "{base_count} and {head_count}: {covered}");
        }
    }
}
