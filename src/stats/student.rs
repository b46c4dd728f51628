//! Student's t distribution, for whole degrees of freedom.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// The probability of a value of `t` or more, with `degrees` of freedom, exact to about 1e-15.
///
/// The finite series of Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 26.7.3 and 26.7.4.
///
/// # Panics
///
/// If `degrees` is 0.
pub(super) fn upper_tail(t: f64, degrees: usize) -> f64 {
    assert!(
        degrees > 0,
        "the distribution has at least one degree of freedom"
    );
    let angle = (t / (degrees as f64).sqrt()).atan();
    let (sin, cos) = angle.sin_cos();
    let is_odd = degrees % 2 == 1;
    // The powers of the cosine go up to `degrees - 2`, in steps of two; each term is the one before times a ratio.
    let mut term = if is_odd { cos } else { 1.0 };
    let mut sum = 0.0;
    let mut power = usize::from(is_odd);
    while power + 2 <= degrees {
        sum += term;
        term *= cos * cos * (power + 1) as f64 / (power + 2) as f64;
        power += 2;
    }
    let within = match is_odd {
        true => FRAC_2_PI * (angle + sin * sum),
        false => sin * sum,
    };
    (1.0 - within) / 2.0
}

/// The `t` that a value exceeds with the probability `p`, from 0 to 1/2: infinite for 0.
///
/// # Panics
///
/// As for [`upper_tail`].
pub(super) fn quantile(p: f64, degrees: usize) -> f64 {
    // In terms of the angle, the distribution is bounded. 60 halvings reach the resolution of a double.
    let at = |angle: f64| angle.tan() * (degrees as f64).sqrt();
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        match upper_tail(at(middle), degrees) > p {
            true => low = middle,
            false => high = middle,
        }
    }
    if p > 0.0 { at(low) } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Degrees of freedom, `t`, and the upper tail, from the incomplete beta function in 30 digits.
    const KNOWN: [(usize, f64, f64); 11] = [
        (1, 1.0, 0.25),
        (2, 0.0, 0.5),
        (2, 3.5, 0.036_413_675_027_234_67),
        (3, -1.25, 0.850_035_266_024_568_7),
        (4, 2.776, 0.025_011_389_159_988_206),
        (5, 6.0, 0.000_923_069_144_797_007_2),
        (9, 0.1, 0.461_268_223_978_340_6),
        (10, 2.228, 0.025_005_885_908_555_683),
        (31, -2.0, 0.972_836_392_316_412_1),
        (100, 1.66, 0.050_023_625_675_631_9),
        (1000, 2.5, 0.006_289_283_900_545_398),
    ];

    #[test]
    fn tails_are_those_of_the_incomplete_beta_function() {
        for (degrees, t, expected) in KNOWN {
            let tail = upper_tail(t, degrees);
            assert!((tail - expected).abs() < 1e-14, "{degrees} {t}: {tail}");
        }
    }

    #[test]
    fn quantiles_are_the_inverse_of_tails() {
        for (degrees, t, tail) in KNOWN {
            if tail <= 0.5 {
                let found = quantile(tail, degrees);
                assert!((found - t).abs() < 1e-9, "{degrees} {tail}: {found}");
            }
        }
    }

    #[test]
    fn nothing_exceeds_infinity() {
        assert_eq!(upper_tail(f64::INFINITY, 4), 0.0);
        assert_eq!(quantile(0.0, 4), f64::INFINITY);
    }
}
