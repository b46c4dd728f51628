//! Paired differences of logarithms, and sign tests on them.
//!
//! Two programs alternate within a pair, so anything that slows the machine slows both. The result is one number per
//! pair: by how much, in logarithms, the second took longer than the first. The tests assume no distribution of
//! these numbers, only that pairs are independent.

use super::binomial::upper_tail;
use super::median;

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

/// The p-values of one-sided sign tests on the median of some differences, against null hypotheses shifted by a
/// limit. Each is exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SignTests {
    /// Against "the median is at most the limit".
    pub above: f64,
    /// Against "the median is at least minus the limit".
    pub below: f64,
    /// Against "the median is not between the two limits": the larger of two one-sided tests (Schuirmann, "A
    /// Comparison of the Two One-Sided Tests Procedure", Journal of Pharmacokinetics and Biopharmaceutics 15:6,
    /// 1987).
    pub within: f64,
}

/// The tests for `differences` with a limit of at least 0. A difference of exactly the limit counts for neither
/// side. All are 1 if there are no differences.
pub(crate) fn sign_tests(differences: &[f64], limit: f64) -> SignTests {
    let counts = Counts::of(differences, limit);
    let n = differences.len() as u64;
    let tail = |count| upper_tail(n, count, 0.5);
    SignTests {
        above: tail(counts.above),
        below: tail(counts.below),
        within: tail(counts.under_upper).max(tail(counts.over_lower)),
    }
}

/// The number of differences on each side of the two limits.
struct Counts {
    above: u64,
    below: u64,
    under_upper: u64,
    over_lower: u64,
}

impl Counts {
    fn of(differences: &[f64], limit: f64) -> Self {
        let count = |holds: &dyn Fn(f64) -> bool| {
            let all = differences.iter().copied();
            all.filter(|difference| holds(*difference)).count() as u64
        };
        Self {
            above: count(&|d| d > limit),
            below: count(&|d| d < -limit),
            under_upper: count(&|d| d < limit),
            over_lower: count(&|d| d > -limit),
        }
    }
}

/// About how many more differences would bring one of the [`sign_tests`] down to `alpha` if future differences were
/// distributed like the existing ones. 0 if one of the tests has already reached it. `None` if more than
/// [`MOST_PAIRS`] in total would be needed, which is so if the median is at the limit, or if there are no
/// differences.
pub(crate) fn more_needed(differences: &[f64], limit: f64, alpha: f64) -> Option<u64> {
    let n = differences.len() as u64;
    let counts = Counts::of(differences, limit);
    let shares = [
        counts.above,
        counts.below,
        counts.under_upper.min(counts.over_lower),
    ];
    let best = shares.into_iter().max().filter(|best| 2 * best > n)?;
    let would_do = |total: u64| upper_tail(total, best * total / n, 0.5) <= alpha;
    if would_do(n) {
        return Some(0);
    }
    // The tail falls with the total, except for small steps caused by rounding to whole numbers.
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

    #[test]
    fn tests_count_signs_beyond_the_limit() {
        // Five above 1, one between the limits, none below: P(Bin(6) >= 5) = 7 / 64.
        let tests = sign_tests(&[2.0, 3.0, 4.0, 5.0, 6.0, 0.0], 1.0);
        close(tests.above, 7.0 / 64.0);
        close(tests.below, 1.0);
        // One below the upper limit: P(Bin(6) >= 1) = 63 / 64; all above the lower limit: 1 / 64.
        close(tests.within, 63.0 / 64.0);
        // The limit itself is on neither side.
        let ties = sign_tests(&[1.0; 4], 1.0);
        assert_eq!((ties.above, ties.within), (1.0, 1.0));
        assert_eq!(sign_tests(&[], 1.0).above, 1.0);
    }

    #[test]
    fn tests_at_half_the_level_say_what_the_interval_says() {
        let alpha = 0.01;
        for shift in -30..=30 {
            let differences: Vec<f64> = (0..30).map(|i| f64::from(i - 15 + shift)).collect();
            let interval = median_interval(&differences, alpha).unwrap();
            let tests = sign_tests(&differences, 7.5);
            assert_eq!(tests.above <= alpha / 2.0, interval.low > 7.5);
            assert_eq!(tests.below <= alpha / 2.0, interval.high < -7.5);
            let within = interval.low > -7.5 && interval.high < 7.5;
            assert_eq!(tests.within <= alpha / 2.0, within);
        }
    }

    #[test]
    fn more_pairs_are_needed_the_closer_it_is() {
        // All on one side: P(Bin(n) >= n) = 2^-n reaches 0.005 at n = 8.
        assert_eq!(more_needed(&[2.0; 5], 1.0, 0.005), Some(3));
        assert_eq!(more_needed(&[2.0; 8], 1.0, 0.005), Some(0));
        // Three of four: 0.005 is reached when the tail of 3n / 4 or more of n is that small.
        let three_of_four = [2.0, 2.0, 2.0, 0.0];
        let total = 4 + more_needed(&three_of_four, 1.0, 0.005).unwrap();
        assert!(upper_tail(total, 3 * total / 4, 0.5) <= 0.005);
        assert!(upper_tail(total - 1, 3 * (total - 1) / 4, 0.5) > 0.005);
        // Half and half never reaches it.
        assert_eq!(more_needed(&[2.0, -2.0], 1.0, 0.005), None);
        assert_eq!(more_needed(&[], 1.0, 0.005), None);
    }
}
