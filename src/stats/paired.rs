//! Paired differences of logarithms, and sign tests on them.
//!
//! Two programs alternate within a pair, so anything that slows the machine slows both. The result is one number per
//! pair: by how much, in logarithms, the second took longer than the first. The tests assume no distribution of
//! these numbers, only that each is as likely to lie on either side of the median, whatever the earlier ones were.

use super::anytime::ln_e_value;
use super::binomial::upper_tail;
use super::{Interval, median, sorted};

/// The times of both sides in one round, two of each, in any unit, above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Round {
    /// The two times of the base.
    pub base: [f64; 2],
    /// The two times of the head.
    pub head: [f64; 2],
}

/// The difference of one pair: the median over its rounds of `y(head) - y(base)`, where `y` is half the sum of the
/// logarithms of the two times of a side. `None` without rounds, or if a time is not above 0.
pub(crate) fn difference(rounds: &[Round]) -> Option<f64> {
    let differences: Option<Vec<f64>> = rounds
        .iter()
        .map(|round| Some(mean_log(round.head)? - mean_log(round.base)?))
        .collect();
    median(&differences?)
}

fn mean_log(times: [f64; 2]) -> Option<f64> {
    let valid = times.iter().all(|time| *time > 0.0 && time.is_finite());
    valid.then(|| f64::midpoint(times[0].ln(), times[1].ln()))
}

/// When the differences are looked at, which decides the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looks {
    /// Once, when a number of pairs that was planned beforehand is complete: the exact sign test.
    Once,
    /// After every pair, so that the number of pairs may depend on what they show: the bet of
    /// [`super::anytime`]. It needs more pairs than one look, but only as many as the data require.
    AfterEveryPair,
}

impl Looks {
    /// The p-value of "at most half of the values lie beyond a limit", with `count` of `n` beyond it. For a bet this is
    /// 1 ÷ its capital.
    pub(crate) fn p_value(self, count: u64, n: u64) -> f64 {
        match self {
            Self::Once => upper_tail(n, count, 0.5),
            Self::AfterEveryPair => (-ln_e_value(count, n)).exp().min(1.0),
        }
    }

    /// The smallest count of `n` whose p-value is at most `level`; `None` if there is none.
    pub(super) fn needed_count(self, n: u64, level: f64) -> Option<u64> {
        let (mut too_few, mut enough) = (0, n);
        if n == 0 || self.p_value(n, n) > level {
            return None;
        }
        while enough - too_few > 1 {
            let middle = too_few.midpoint(enough);
            match self.p_value(middle, n) <= level {
                true => enough = middle,
                false => too_few = middle,
            }
        }
        Some(enough)
    }

    /// The fewest pairs that can reach `level`, if all of them lie beyond the limit.
    pub(crate) fn fewest_pairs(self, level: f64) -> u64 {
        let reaches = |n: &u64| self.p_value(*n, *n) <= level;
        (1..).find(reaches).unwrap_or(u64::MAX)
    }

    /// The interval of the median that the tests give: it covers the true median with a probability of at least
    /// `1 - alpha`, for all numbers of differences at once if they may be looked at after every pair. It contains the
    /// limits that the tests do not reject at `alpha / 2`, so it never contradicts them. `None` if there are too few
    /// differences.
    pub(crate) fn interval(self, differences: &[f64], alpha: f64) -> Option<Interval> {
        let count = self.needed_count(differences.len() as u64, alpha / 2.0)? as usize;
        let sorted = sorted(differences);
        Some(Interval {
            low: sorted[sorted.len() - count],
            high: sorted[count - 1],
        })
    }

    /// About how many more pairs would bring the p-value down to `level` if future ones were distributed like the `n`
    /// existing ones, of which `count` lie beyond the limit. 0 if it has already reached it. `None` if more than
    /// [`MOST_PAIRS`] in total would be needed, which is so if at most half lie beyond the limit.
    pub(crate) fn more_needed(self, count: u64, n: u64, level: f64) -> Option<u64> {
        if 2 * count <= n {
            return None;
        }
        let would_do = |total: u64| self.p_value(count * total / n, total) <= level;
        if would_do(n) {
            return Some(0);
        }
        // The p-value falls with the total, except for small steps caused by rounding to whole numbers.
        let (mut too_few, mut enough) = (n, MOST_PAIRS.max(n));
        if !would_do(enough) {
            return None;
        }
        while enough - too_few > 1 {
            let middle = too_few.midpoint(enough);
            match would_do(middle) {
                true => enough = middle,
                false => too_few = middle,
            }
        }
        Some(enough - n)
    }
}

/// One value for each of the three null hypotheses about the median of some differences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SignTests<T = f64> {
    /// Against "the median is at most the limit".
    pub above: T,
    /// Against "the median is at least minus the limit".
    pub below: T,
    /// Against "the median is not between the two limits": the weaker of two one-sided tests (Schuirmann, "A
    /// Comparison of the Two One-Sided Tests Procedure", Journal of Pharmacokinetics and Biopharmaceutics 15:6,
    /// 1987).
    pub within: T,
}

/// The number of `differences` that count against each hypothesis, with a limit of at least 0. A difference of exactly
/// the limit counts for neither side.
pub(crate) fn sign_counts(differences: &[f64], limit: f64) -> SignTests<u64> {
    let count = |holds: &dyn Fn(f64) -> bool| {
        let all = differences.iter().copied();
        all.filter(|difference| holds(*difference)).count() as u64
    };
    SignTests {
        above: count(&|d| d > limit),
        below: count(&|d| d < -limit),
        within: count(&|d| d < limit).min(count(&|d| d > -limit)),
    }
}

/// The most pairs that are practical.
pub(crate) const MOST_PAIRS: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::median_interval;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }

    #[test]
    fn a_difference_is_the_median_over_rounds_of_mean_logarithms() {
        let round = |base, head| Round { base, head };
        let rounds = [
            // ln 4 - ln 2, by half sums: (ln 2 + ln 8) / 2 - (ln 1 + ln 4) / 2.
            round([1.0, 4.0], [2.0, 8.0]),
            round([1.0, 1.0], [1.0, 1.0]),
            // One interruption in one slice moves only its own round.
            round([1.0, 1.0], [1.0, 1e9]),
        ];
        close(difference(&rounds).unwrap(), 2f64.ln());
        assert_eq!(difference(&[]), None);
        assert_eq!(difference(&[round([1.0, 0.0], [1.0, 1.0])]), None);
    }

    const BOTH: [Looks; 2] = [Looks::Once, Looks::AfterEveryPair];

    #[test]
    fn tests_count_signs_beyond_the_limit() {
        let counts = |above, below, within| SignTests {
            above,
            below,
            within,
        };
        // Five above 1, none below; one below the upper limit.
        let differences = [2.0, 3.0, 4.0, 5.0, 6.0, 0.0];
        assert_eq!(sign_counts(&differences, 1.0), counts(5, 0, 1));
        // The limit itself is on neither side.
        assert_eq!(sign_counts(&[1.0; 4], 1.0), counts(0, 0, 0));
        assert_eq!(sign_counts(&[], 1.0), counts(0, 0, 0));
    }

    #[test]
    fn p_values_of_one_look_and_of_bets() {
        // P(Bin(6) >= 5) = 7 / 64. After three of three the bet has 15 / 4.
        close(Looks::Once.p_value(5, 6), 7.0 / 64.0);
        close(Looks::AfterEveryPair.p_value(3, 3), 4.0 / 15.0);
        for looks in BOTH {
            close(looks.p_value(0, 6), 1.0);
            close(looks.p_value(0, 0), 1.0);
        }
    }

    #[test]
    fn tests_at_half_the_level_say_what_the_interval_says() {
        let alpha = 0.01;
        for looks in BOTH {
            for shift in -30..=30 {
                let differences: Vec<f64> =
                    (0..30).map(|i| f64::from(i - 15 + shift) / 2.0).collect();
                let interval = looks.interval(&differences, alpha).unwrap();
                let counts = sign_counts(&differences, 7.5);
                let rejects = |count| looks.p_value(count, 30) <= alpha / 2.0;
                assert_eq!(rejects(counts.above), interval.low > 7.5);
                assert_eq!(rejects(counts.below), interval.high < -7.5);
                let within = interval.low > -7.5 && interval.high < 7.5;
                assert_eq!(rejects(counts.within), within);
            }
        }
    }

    #[test]
    fn the_interval_of_one_look_is_that_of_order_statistics() {
        for count in 0..80 {
            let differences: Vec<f64> = (0..count).map(f64::from).collect();
            assert_eq!(
                Looks::Once.interval(&differences, 0.01),
                median_interval(&differences, 0.01)
            );
        }
    }

    #[test]
    fn more_pairs_are_needed_the_closer_it_is() {
        // All on one side: 2^-n reaches 0.005 at n = 8, and (n + 1) / 2^(n + 1) at n = 11.
        assert_eq!(Looks::Once.more_needed(5, 5, 0.005), Some(3));
        assert_eq!(Looks::Once.more_needed(8, 8, 0.005), Some(0));
        assert_eq!(Looks::AfterEveryPair.more_needed(5, 5, 0.005), Some(6));
        assert_eq!(Looks::AfterEveryPair.fewest_pairs(0.005), 11);
        for looks in BOTH {
            // Three of four: 0.005 is reached when the p-value of 3n / 4 or more of n is that small.
            let total = 4 + looks.more_needed(3, 4, 0.005).unwrap();
            assert!(looks.p_value(3 * total / 4, total) <= 0.005);
            assert!(looks.p_value(3 * (total - 1) / 4, total - 1) > 0.005);
            // Half and half never reaches it.
            assert_eq!(looks.more_needed(1, 2, 0.005), None);
            assert_eq!(looks.more_needed(0, 0, 0.005), None);
        }
    }
}
