//! The binomial distribution: exact tails, and the exact interval of a proportion.

use super::Interval;

/// `P(Binomial(n, p) >= k)`, with `p` from 0 to 1. 1 for `k = 0`, 0 for `k > n`.
///
/// Terms are computed as logarithms, starting at the far end, so that no term that matters underflows.
pub(crate) fn upper_tail(n: u64, k: u64, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n || p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let odds = (p / (1.0 - p)).ln();
    // ln P(X = n), and then downwards: P(j - 1) = P(j) * j / (n - j + 1) / odds.
    let mut term = n as f64 * p.ln();
    let mut sum: f64 = 0.0;
    for j in (k..=n).rev() {
        sum += term.exp();
        term += (j as f64 / (n - j + 1) as f64).ln() - odds;
    }
    sum.min(1.0)
}

/// The exact interval, at level `1 - alpha`, of a proportion observed as `k` of `n`: Clopper and Pearson, "The Use
/// of Confidence or Fiducial Limits Illustrated in the Case of the Binomial" (Biometrika 26:4, 1934). From 0 to 1 if
/// `n` is 0.
///
/// # Panics
///
/// If `k` is above `n`.
pub(crate) fn proportion_interval(k: u64, n: u64, alpha: f64) -> Interval {
    assert!(k <= n, "{k} of {n} is not a proportion");
    let low = match k {
        0 => 0.0,
        _ => root(|p| upper_tail(n, k, p) <= alpha / 2.0),
    };
    let high = match k == n {
        true => 1.0,
        // P(X <= k) = 1 - P(X >= k + 1), which is also P(Bin(n, 1 - p) >= n - k).
        false => root(|p| upper_tail(n, n - k, 1.0 - p) > alpha / 2.0),
    };
    Interval { low, high }
}

/// The largest number from 0 to 1 for which `holds` returns `true`. It must hold at 0 and up to some point.
fn root(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    // Each step halves the distance; after 60 steps it is below the resolution of a double.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        match holds(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() <= within, "{found} {expected}");
    }

    #[test]
    fn tails_of_a_few_coins_by_hand() {
        close(upper_tail(4, 3, 0.5), 5.0 / 16.0, 1e-15);
        close(upper_tail(4, 4, 0.5), 1.0 / 16.0, 1e-15);
        close(
            upper_tail(3, 2, 0.25),
            3.0 * 0.75 / 16.0 + 1.0 / 64.0,
            1e-15,
        );
        assert_eq!(upper_tail(4, 0, 0.5), 1.0);
        assert_eq!(upper_tail(4, 5, 0.5), 0.0);
        assert_eq!(upper_tail(4, 1, 0.0), 0.0);
        assert_eq!(upper_tail(4, 4, 1.0), 1.0);
    }

    #[test]
    fn both_tails_make_one() {
        for k in 1..=60 {
            let both = upper_tail(60, k, 0.3) + upper_tail(60, 61 - k, 0.7);
            close(both, 1.0, 1e-12);
        }
    }

    #[test]
    fn far_tails_do_not_underflow_on_the_way() {
        // 2^-1000 is about 9.3e-302; P(X >= 999) is 1001 times that.
        close(
            upper_tail(1000, 999, 0.5) / 1001.0 / 2f64.powi(-1000),
            1.0,
            1e-9,
        );
    }

    #[test]
    fn proportions_of_the_published_tables() {
        // Clopper-Pearson at 95%, from R's binom.test and the tables in textbooks.
        for (k, n, low, high) in [
            (0, 10, 0.0, 0.3085),
            (1, 10, 0.0025, 0.4450),
            (5, 10, 0.1871, 0.8129),
            (10, 10, 0.6915, 1.0),
            (2, 20, 0.0123, 0.3170),
            (7, 20, 0.1539, 0.5922),
        ] {
            let interval = proportion_interval(k, n, 0.05);
            close(interval.low, low, 0.000_05);
            close(interval.high, high, 0.000_05);
        }
    }

    #[test]
    fn none_of_many_follows_the_closed_form() {
        // With k = 0 the upper end is 1 - (alpha / 2)^(1 / n).
        let interval = proportion_interval(0, 100, 0.05);
        close(interval.high, 1.0 - 0.025_f64.powf(0.01), 1e-12);
        let nothing = proportion_interval(0, 0, 0.05);
        assert_eq!((nothing.low, nothing.high), (0.0, 1.0));
    }
}
