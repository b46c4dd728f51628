use proptest::prelude::*;

use super::*;

fn interval(low: f64, high: f64) -> Interval {
    Interval { low, high }
}

#[test]
fn the_median_of_an_odd_number_is_the_middle_one() {
    assert_eq!(median(&[9.0, 1.0, 4.0]), Some(4.0));
    assert_eq!(median(&[5.0, 3.0, 8.0, 1.0, 7.0]), Some(5.0));
}

#[test]
fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
    assert_eq!(median(&[10.0, 1.0, 4.0, 2.0]), Some(3.0));
}

#[test]
fn the_median_of_ties_one_and_none() {
    assert_eq!(median(&[2.0, 7.0, 2.0, 2.0]), Some(2.0));
    assert_eq!(median(&[42.0]), Some(42.0));
    assert_eq!(median(&[]), None);
}

#[test]
fn quantiles_interpolate_between_neighbours() {
    let values = [40.0, 10.0, 30.0, 20.0];
    assert_eq!(quantile(&values, 0.0), Some(10.0));
    assert_eq!(quantile(&values, 0.25), Some(17.5));
    assert_eq!(quantile(&values, 0.5), Some(25.0));
    assert_eq!(quantile(&values, 1.0), Some(40.0));
    assert_eq!(quantile(&values, 7.0), Some(40.0));
    assert_eq!(quantile(&[3.0], 0.9), Some(3.0));
    assert_eq!(quantile(&[], 0.5), None);
}

#[test]
fn interval_ranks_of_the_published_tables() {
    for (count, rank) in [(7, None), (8, Some(1)), (22, Some(5)), (30, Some(8))] {
        assert_eq!(interval_rank(count, 0.01), rank, "n = {count}");
    }
    assert_eq!(interval_rank(45, 0.01), Some(14));
    assert_eq!(interval_rank(50, 0.01), Some(16));
    assert_eq!(interval_rank(60, 0.01), Some(20));
    for (count, rank) in [(0, None), (1, None), (5, None), (6, Some(1)), (9, Some(2))] {
        assert_eq!(interval_rank(count, 0.05), rank, "n = {count}");
    }
    assert_eq!(interval_rank(100, 0.05), Some(40));
}

#[test]
fn a_level_that_is_exactly_twice_a_tail_is_met() {
    // 2 * P(Bin(6, 1/2) <= 0) = 2^-5, and 2 * P(Bin(5, 1/2) <= 1) = 2 * 6 / 32.
    assert_eq!(interval_rank(6, 0.03125), Some(1));
    assert_eq!(interval_rank(5, 0.375), Some(2));
}

#[test]
fn a_million_values_do_not_underflow() {
    // Normal approximation: 500,000 - 1.959964 * 500 = 499,020.02, plus half a unit of continuity correction.
    assert_eq!(interval_rank(1_000_000, 0.05), Some(499_020));
}

#[test]
fn the_interval_takes_the_right_order_statistics() {
    let values = [6.0, 2.0, 5.0, 1.0, 4.0, 3.0];
    assert_eq!(median_interval(&values, 0.05), Some(interval(1.0, 6.0)));
    let values: Vec<f64> = (1..=30).rev().map(f64::from).collect();
    assert_eq!(median_interval(&values, 0.01), Some(interval(8.0, 23.0)));
}

#[test]
fn too_few_values_have_no_interval() {
    assert_eq!(median_interval(&[], 0.05), None);
    assert_eq!(median_interval(&[1.0], 0.05), None);
    assert_eq!(median_interval(&[1.0; 5], 0.05), None);
    assert_eq!(median_interval(&[1.0; 6], 0.05), Some(interval(1.0, 1.0)));
}

#[test]
fn a_ratio_has_an_interval_where_both_medians_have_one() {
    let over: Vec<f64> = (11..=20).map(f64::from).collect();
    let under: Vec<f64> = (1..=10).map(f64::from).collect();
    // At alpha / 2 = 0.025, the interval of ten values excludes one at either end.
    let expected = Ratio {
        ratio: 15.5 / 5.5,
        interval: Some(interval(12.0 / 9.0, 19.0 / 2.0)),
    };
    assert_eq!(ratio_of_medians(&over, &under, 0.05), Some(expected));
    let expected = Ratio {
        ratio: 2.0,
        interval: None,
    };
    assert_eq!(ratio_of_medians(&[4.0], &[2.0], 0.05), Some(expected));
}

#[test]
fn there_is_no_ratio_to_nothing() {
    assert_eq!(ratio_of_medians(&[], &[1.0], 0.05), None);
    assert_eq!(ratio_of_medians(&[1.0], &[], 0.05), None);
    assert_eq!(ratio_of_medians(&[1.0], &[0.0], 0.05), None);
}

#[test]
fn intervals_that_touch_overlap() {
    assert!(interval(1.0, 2.0).overlaps(&interval(2.0, 3.0)));
    assert!(interval(1.0, 9.0).overlaps(&interval(4.0, 5.0)));
    assert!(!interval(1.0, 2.0).overlaps(&interval(2.5, 3.0)));
}

/// The same rank from the definition, in whole numbers: `C(n, k)` fits for n up to 120.
fn rank_by_definition(count: u32, alpha: f64) -> Option<usize> {
    let mut choose = 1u128;
    let mut sum = 0u128;
    let mut rank = None;
    for k in 0..=count / 2 {
        sum += choose;
        if 2.0 * (sum as f64) > alpha * 2f64.powi(count as i32) {
            break;
        }
        rank = Some(k as usize + 1);
        choose = choose * u128::from(count - k) / u128::from(k + 1);
    }
    rank
}

proptest! {
    #[test]
    fn ranks_agree_with_the_definition(count in 0u32..120, alpha in 0.0001f64..0.5) {
        prop_assert_eq!(interval_rank(count as usize, alpha), rank_by_definition(count, alpha));
    }

    #[test]
    fn order_does_not_matter_and_the_interval_holds_the_median(
        values in prop::collection::vec(0.0f64..1e12, 6..80),
    ) {
        let reversed: Vec<f64> = values.iter().rev().copied().collect();
        prop_assert_eq!(median(&values), median(&reversed));
        let middle = median(&values).unwrap();
        prop_assert!((quantile(&values, 0.5).unwrap() - middle).abs() < 1e-3);
        let interval = median_interval(&values, 0.05).unwrap();
        prop_assert!(interval.low <= middle && middle <= interval.high);
        let smaller = values.iter().filter(|value| **value < middle).count();
        let larger = values.iter().filter(|value| **value > middle).count();
        prop_assert!(smaller <= values.len() / 2 && larger <= values.len() / 2);
    }
}
