//! The sign test that may be looked at after every value: a bet whose capital is an e-value.

/// The logarithm of the capital of a bet against "the chance that a value lies beyond the limit is at most one half,
/// whatever came before", after `count` of `n` values were beyond it. It begins at 1.
///
/// The bettor divides the capital evenly among all chances from one half to 1. If the hypothesis is true, the capital
/// does not grow on average, so it ever reaches `1 / alpha` with a probability of at most `alpha` (Ville, "Étude
/// critique de la notion de collectif", 1939), however often it is looked at. The capital is
/// `2^(n + 1) * B(count + 1, n - count + 1) * P(Binomial(n + 1, 1/2) <= count)`.
///
/// # Panics
///
/// If `count` is above `n`.
pub(crate) fn ln_e_value(count: u64, n: u64) -> f64 {
    assert!(count <= n, "{count} of {n} is not a count");
    // The beta function and the binomial sum share the factor C(n + 1, count). Without it, the capital is a sum of
    // ratios C(n + 1, j) / C(n + 1, count) over j from count down to 0, divided by n + 1 - count. All its terms are
    // positive, so nothing cancels.
    let (mut term, mut sum, mut scale): (f64, f64, f64) = (1.0, 1.0, 0.0);
    for j in (1..=count).rev() {
        term *= j as f64 / (n + 2 - j) as f64;
        sum += term;
        if term > LARGE {
            term /= LARGE;
            sum /= LARGE;
            scale += LARGE.ln();
        }
        // From here on, terms fall, and at least as fast as the powers of one half.
        if 3 * j < n && term < sum * f64::EPSILON {
            break;
        }
    }
    sum.ln() + scale - ((n + 1 - count) as f64).ln()
}

/// Terms grow up to `2^n`. They are divided by this when they exceed it, so that they never overflow.
const LARGE: f64 = 1e200;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: f64, expected: f64, within: f64) {
        let error = (found - expected).abs();
        assert!(
            error <= within * expected.abs().max(1.0),
            "{found} {expected}"
        );
    }

    /// `C(n, k)`, which fits for n up to 120.
    fn choose(n: u64, k: u64) -> u128 {
        (0..k).fold(1, |product, i| {
            product * u128::from(n - i) / u128::from(i + 1)
        })
    }

    #[test]
    fn values_are_the_exact_rationals() {
        // 2^(n + 1) * B(k + 1, n - k + 1) * P(Bin(n + 1, 1/2) <= k) is the sum of C(n + 1, j) over j <= k, divided by
        // (n + 1) * C(n, k).
        for n in 0..=100 {
            for k in 0..=n {
                let sum: u128 = (0..=k).map(|j| choose(n + 1, j)).sum();
                let exact = sum as f64 / ((n + 1) as f64 * choose(n, k) as f64);
                close(ln_e_value(k, n), exact.ln(), 1e-12);
            }
        }
    }

    #[test]
    fn values_of_thousands_are_those_of_whole_numbers_without_limit() {
        // From the formula above in Python, whose whole numbers have no limit.
        for (k, n, expected) in [
            (130, 200, 7.359150003293507),
            (600, 1000, 17.57942783553142),
            (1000, 1000, 686.93157296119),
            (400, 1000, -5.32196313293025),
            (2600, 5000, 0.6581175122769309),
            (5000, 5000, 3457.9116568088675),
            (0, 5000, -8.517393171418904),
            (5100, 10000, -1.7093889917068736),
        ] {
            close(ln_e_value(k, n), expected, 1e-12);
        }
    }

    #[test]
    fn eleven_on_one_side_decide_at_one_per_cent_and_fifteen_for_twenty_cases() {
        let decides = |n, level: f64| ln_e_value(n, n) >= -level.ln();
        assert!(decides(11, 0.005) && !decides(10, 0.005));
        assert!(decides(15, 0.005 / 20.0) && !decides(14, 0.005 / 20.0));
    }

    proptest! {
        #[test]
        fn the_capital_is_a_martingale(n in 0u64..3000, share in 0.0f64..=1.0) {
            let k = (n as f64 * share) as u64;
            // Relative to the capital before: half a chance of either.
            let now = ln_e_value(k, n);
            let win = (ln_e_value(k + 1, n + 1) - now).exp();
            let loss = (ln_e_value(k, n + 1) - now).exp();
            prop_assert!((f64::midpoint(win, loss) - 1.0).abs() < 1e-9, "{win} {loss}");
        }

        #[test]
        fn one_more_beyond_the_limit_raises_the_capital(n in 1u64..3000, share in 0.0f64..1.0) {
            let k = (n as f64 * share) as u64;
            prop_assert!(ln_e_value(k + 1, n) > ln_e_value(k, n));
        }
    }
}
