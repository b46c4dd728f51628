//! Holm's correction for several tests at once.

/// The p-values adjusted by the procedure of Holm, "A Simple Sequentially Rejective Multiple Test Procedure"
/// (Scandinavian Journal of Statistics 6:2, 1979). Rejecting the hypotheses whose adjusted value is at most `alpha`
/// rejects any true one with a probability of at most `alpha`.
///
/// The smallest p-value is multiplied by their number `m`, the next one by `m - 1`, and so on, and none is below the
/// one before it. Each is at most 1. Empty if there are none.
pub(crate) fn adjusted(p_values: &[f64]) -> Vec<f64> {
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

/// The level that each p-value is compared with: `alpha / m` for the smallest, `alpha / (m - 1)` for the next one, and so
/// on up to the first that is not rejected. Its level is that of all others too: what they still have to meet. Exactly
/// those values are rejected that are at most their level.
pub(crate) fn levels(p_values: &[f64], alpha: f64) -> Vec<f64> {
    let count = p_values.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut levels = vec![alpha; count];
    let mut rejected_count = 0;
    for index in order {
        levels[index] = alpha / (count - rejected_count) as f64;
        if p_values[index] <= levels[index] {
            rejected_count += 1;
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_relax_with_each_rejection_and_no_further() {
        // As below: 0.0125, 0.0167, and then 0.025 for both others. 0.04 would be below the 0.05 of the fourth.
        let levels = levels(&[0.01, 0.04, 0.03, 0.005], 0.05);
        let expected = [0.05 / 3.0, 0.025, 0.025, 0.0125];
        assert_eq!(levels, expected);
        assert!(super::levels(&[], 0.05).is_empty());
    }

    #[test]
    fn a_small_one_makes_room_for_the_next() {
        // By hand: sorted 0.005, 0.01, 0.03, 0.04 against 0.0125, 0.0167, 0.025, 0.05: the first two are rejected.
        // 0.04 is not, although it is below its own limit.
        let adjusted = adjusted(&[0.01, 0.04, 0.03, 0.005]);
        let is_rejected: Vec<bool> = adjusted.iter().map(|p| *p <= 0.05).collect();
        assert_eq!(is_rejected, [true, false, false, true]);
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
        assert_eq!(adjusted(&[0.05]), [0.05]);
        assert!(adjusted(&[]).is_empty());
        assert_eq!(adjusted(&[0.7, 0.9]), [1.0, 1.0]);
    }
}
