//! Holm's correction for several tests at once.

/// Which hypotheses can be rejected together so that the probability of rejecting any true one is at most `alpha`:
/// Holm, "A Simple Sequentially Rejective Multiple Test Procedure" (Scandinavian Journal of Statistics 6:2, 1979).
/// The smallest p-value is compared with `alpha / m`, the next with `alpha / (m - 1)`, and so on up to the first
/// that is larger. Empty if there are none.
pub fn holm(p_values: &[f64], alpha: f64) -> Vec<bool> {
    adjusted(p_values).into_iter().map(|p| p <= alpha).collect()
}

/// The p-values adjusted by Holm's procedure: each is the smallest `alpha` at which [`holm`] rejects its hypothesis.
/// At most 1. Empty if there are none.
pub fn adjusted(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; count];
    let mut largest: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        largest = largest.max((count - rank) as f64 * p_values[index]);
        adjusted[index] = largest.min(1.0);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_one_makes_room_for_the_next() {
        // By hand: sorted 0.005, 0.01, 0.03, 0.04 against 0.0125, 0.0167, 0.025, 0.05: the first two are rejected.
        // 0.04 is not, although it is below its own limit.
        let rejected = holm(&[0.01, 0.04, 0.03, 0.005], 0.05);
        assert_eq!(rejected, [true, false, false, true]);
    }

    #[test]
    fn adjusted_values_are_those_of_r() {
        // p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives 0.03 0.06 0.06 0.02.
        let adjusted = adjusted(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn one_test_is_not_corrected_and_none_is_nothing() {
        assert_eq!(holm(&[0.05], 0.05), [true]);
        assert_eq!(holm(&[0.051], 0.05), [false]);
        assert!(holm(&[], 0.05).is_empty());
        assert_eq!(adjusted(&[0.7, 0.9]), [1.0, 1.0]);
    }
}
