use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::latency::RELATIVE_ERROR;

/// Latencies of every order of magnitude.
fn latencies() -> impl Strategy<Value = Vec<u64>> {
    let latency = (any::<u64>(), 0..64u32).prop_map(|(ns, bits)| ns >> bits);
    vec(latency, 1..200)
}

fn histogram(latencies: &[u64]) -> Histogram {
    latencies.iter().copied().collect()
}

proptest! {
    #[test]
    fn a_percentile_is_that_of_the_sorted_values_or_slightly_above(
        mut values in latencies(),
        thousandths in 0..=1000usize,
    ) {
        let found = histogram(&values).percentile(thousandths as f64 / 1000.0).unwrap();
        values.sort_unstable();
        // In integers, so that nothing is rounded.
        let rank = (thousandths * values.len()).div_ceil(1000).max(1);
        let exact = values[rank - 1];
        prop_assert!(found >= exact);
        prop_assert!((found - exact) as f64 <= exact as f64 * RELATIVE_ERROR);
        prop_assert!(found <= *values.last().unwrap());
    }

    #[test]
    fn merged_histograms_are_the_histogram_of_all_values(first in latencies(), second in latencies()) {
        let mut merged = histogram(&first);
        merged.merge(&histogram(&second));
        prop_assert_eq!(&merged, &histogram(&[first.clone(), second.clone()].concat()));
        prop_assert_eq!(merged.count(), (first.len() + second.len()) as u64);
        prop_assert_eq!(merged.max(), first.into_iter().chain(second).max());
    }

    #[test]
    fn a_histogram_survives_a_file(values in latencies()) {
        let histogram = histogram(&values);
        let text = serde_json::to_string(&histogram).unwrap();
        prop_assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram);
    }
}

#[test]
fn without_latencies_there_is_no_percentile_and_no_maximum() {
    let empty = Histogram::default();
    assert_eq!(
        (empty.count(), empty.max(), empty.percentile(0.5)),
        (0, None, None)
    );
    let mut merged = empty.clone();
    merged.merge(&histogram(&[5]));
    merged.merge(&empty);
    assert_eq!(merged, histogram(&[5]));
    let text = json!({ "buckets": [], "max_ns": 0 });
    assert_eq!(serde_json::from_value::<Histogram>(text).unwrap(), empty);
}

#[test]
fn the_ends_are_the_smallest_and_the_largest_latency() {
    let histogram = histogram(&[1_000_003, 3, 50]);
    assert_eq!(histogram.percentile(0.0), Some(3));
    assert_eq!(histogram.percentile(0.5), Some(50));
    assert_eq!(histogram.percentile(1.0), Some(1_000_003));
    for ratio in [-0.1, 1.1, f64::NAN] {
        assert_eq!(histogram.percentile(ratio), None);
    }
}

/// Their products with the number of values are all a little above a whole number.
#[test]
fn a_rounding_error_does_not_select_the_next_value() {
    assert_eq!(rank(0.07, 100), 7);
    assert_eq!(rank(0.55, 100), 55);
}

#[test]
fn counts_too_large_for_their_sum_do_not_overflow() {
    let text = json!({ "buckets": [[1, u64::MAX], [2, u64::MAX]], "max_ns": 2 });
    let mut histogram: Histogram = serde_json::from_value(text).unwrap();
    histogram.merge(&histogram.clone());
    assert_eq!(histogram.count(), u64::MAX);
    assert_eq!(histogram.percentile(0.5), Some(1));
}

#[test]
fn a_file_has_pairs_of_lowest_latency_and_count() {
    let text = serde_json::to_value(histogram(&[5, 129, 5])).unwrap();
    assert_eq!(
        text,
        json!({ "buckets": [[5, 2], [128, 1]], "max_ns": 129 })
    );
}

#[test]
fn each_mistake_in_a_file_has_its_message() {
    let complaint = |text: serde_json::Value| {
        let result = serde_json::from_value::<Histogram>(text);
        result.unwrap_err().to_string()
    };
    assert_eq!(
        complaint(json!({ "buckets": [[129, 1]], "max_ns": 129 })),
        "no bucket of a histogram begins at 129 ns; the bucket of 129 ns begins at 128"
    );
    assert_eq!(
        complaint(json!({ "buckets": [[7, 1], [7, 1]], "max_ns": 7 })),
        "the bucket of 7 ns follows the bucket of 7 ns; expected ascending buckets, each once"
    );
    assert_eq!(
        complaint(json!({ "buckets": [[7, 0]], "max_ns": 7 })),
        "the bucket of 7 ns has the count 0; leave out buckets without latencies"
    );
    assert_eq!(
        complaint(json!({ "buckets": [[128, 1]], "max_ns": 130 })),
        "`max_ns` is 130; expected a number from 128 to 129, as the last bucket says"
    );
    assert_eq!(
        complaint(json!({ "buckets": [], "max_ns": 1 })),
        "`max_ns` is 1; expected a number from 0 to 0, as the last bucket says"
    );
}
