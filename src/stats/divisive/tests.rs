use super::*;

/// Settings with the significance that the published examples use.
fn how() -> Divisive {
    Divisive {
        permutation_count: 199,
        ..Divisive::default()
    }
}

fn indexes(series: &[f64]) -> Vec<usize> {
    let found = change_points(series, &how());
    found.into_iter().map(|change| change.index).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9 * b.abs().max(1.0)
}

/// The scaled divergence Q by its definition; `None` if either sample has fewer than two values.
fn divergence(left: &[f64], right: &[f64]) -> Option<f64> {
    if left.len() < 2 || right.len() < 2 {
        return None;
    }
    let within = |values: &[f64]| -> f64 {
        let pairs = values
            .iter()
            .enumerate()
            .flat_map(|(index, a)| values[..index].iter().map(move |b| (a - b).abs()));
        pairs.sum()
    };
    let between: f64 = left
        .iter()
        .flat_map(|a| right.iter().map(move |b| (a - b).abs()))
        .sum();
    Some(scaled(
        (left.len(), right.len()),
        between,
        within(left),
        within(right),
    ))
}

/// `count` times `value`, except at the given places.
fn flat(count: usize, value: f64, others: &[(usize, f64)]) -> Vec<f64> {
    let mut values = vec![value; count];
    for (place, other) in others {
        values[*place] = *other;
    }
    values
}

/// The example of James and Matteson, "ecp: An R Package for Nonparametric Multiple Change Point Analysis of
/// Multivariate Data" (Journal of Statistical Software 62:7, 2014), section 5.1: `set.seed(250)`, then 100 values
/// each of N(0, 1), N(0, 3²), N(2, 1) and N(2, 4²) from R's `rnorm`. `e.divisive(R = 499, alpha = 1)` finds 201, 308
/// and 108 in this order, and considers 358 last, with a p-value above 5%.
#[test]
fn the_example_of_the_r_package_ecp() {
    let series: Vec<f64> = include_str!("ecp_example.txt")
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    assert_eq!(series.len(), 400);
    // The defaults of `e.divisive`.
    let ecp = Divisive {
        min_len: 30,
        significance: 0.05,
        ..how()
    };
    let found = change_points(&series, &ecp);
    // R counts from 1.
    let places: Vec<usize> = found.iter().map(|change| change.index + 1).collect();
    assert_eq!(places, [108, 201, 308]);
    let mut in_order = found.clone();
    in_order.sort_by(|a, b| b.divergence.total_cmp(&a.divergence));
    let order: Vec<usize> = in_order.iter().map(|change| change.index + 1).collect();
    assert_eq!(order, [201, 308, 108]);
    let last = largest_split(&stretches(&series, &found), ecp.min_len).unwrap();
    assert_eq!(last.index + 1, 358);
}

/// Values of Q in the tests of MongoDB's signal-processing-algorithms (tests/test_detection.py), in which the right
/// side extends to the end of the series.
#[test]
fn divergences_published_with_signal_processing_algorithms() {
    let random_ish: [f64; 60] = [
        41., 18., 23., 3., 32., 11., 40., 13., 29., 48., 47., 35., 18., 21., 6., 2., 23., 3., 4.,
        7., //
        120., 103., 102., 81., 71., 62., 115., 61., 108., 63., 70., 98., 65., 96., 64., 74., 70.,
        113., 90., 114., //
        208., 196., 153., 150., 225., 179., 206., 165., 177., 151., 218., 217., 244., 245., 229.,
        195., 225., 229., 176., 250.,
    ];
    let q = |left: &[f64], right: &[f64]| divergence(left, right).unwrap();
    assert!(close(
        q(&random_ish[..40], &random_ish[40..]),
        2848.1169590643276
    ));
    assert!(close(
        q(&random_ish[..20], &random_ish[20..40]),
        893.578947368421
    ));
    assert_eq!(indexes(&random_ish), [20, 40]);

    let regression = [flat(15, 50.0, &[(2, 100.0)]), flat(15, 100.0, &[])].concat();
    assert!(close(q(&regression[..15], &regression[15..]), 650.0));
    assert_eq!(indexes(&regression), [15]);

    let twice = [regression, flat(15, 150.0, &[])].concat();
    assert!(close(q(&twice[..30], &twice[30..]), 1209.1954022988505));
    assert_eq!(indexes(&twice), [15, 30]);

    let ahead = [flat(14, 50.0, &[]), vec![74.0], flat(15, 100.0, &[])].concat();
    assert_eq!(indexes(&ahead), [15]);
    let behind = [flat(14, 50.0, &[]), vec![76.0], flat(15, 100.0, &[])].concat();
    assert_eq!(indexes(&behind), [14]);
    assert_eq!(indexes(&flat(30, 50.0, &[])), [0; 0]);
}

/// The series in the tests of Apache Otava, formerly Hunter (tests/change_point_divisive_test.py and
/// tests/analysis_test.py), and the changes that it finds with this statistic.
#[test]
fn series_published_with_otava() {
    let levels = [
        0.3, 2.4, 1.5, -0.9, -0.5, 99.7, 98.3, 99.1, 149.0, 149.7, 149.5, 149.1, 148.8, 150.0,
    ];
    // Of the orders of 3 and 6 values, 2 of 84 divide them as cleanly: 2.4%.
    let at_5_percent = Divisive {
        significance: 0.05,
        ..how()
    };
    let found = change_points(&levels, &at_5_percent);
    let places: Vec<usize> = found.iter().map(|change| change.index).collect();
    assert_eq!(places, [5, 8]);
    assert!((0.01..0.05).contains(&found[1].p_value), "{found:?}");
    let halved = [
        1.02, 0.95, 0.99, 1.00, 1.12, 1.00, 1.01, 0.98, 1.01, 0.96, 0.50, 0.51, 0.48, 0.48, 0.55,
        0.50, 0.49, 0.51, 0.50, 0.49,
    ];
    assert_eq!(indexes(&halved), [10]);
}

#[test]
fn the_quick_search_finds_what_trying_every_division_finds() {
    let mut random = SplitMix64::new(11);
    for len in [4, 5, 9, 16] {
        let values: Vec<f64> = (0..len).map(|_| random.below(50) as f64).collect();
        let mut best = (0, f64::NEG_INFINITY);
        for index in 2..=len - 2 {
            for end in index + 2..=len {
                let q = divergence(&values[..index], &values[index..end]).unwrap();
                // Sums in another order differ in their last bits.
                if q > best.1 + 1e-9 {
                    best = (index, q);
                }
            }
        }
        let found = best_split(&values, 2).unwrap();
        assert_eq!(found.index, best.0, "{values:?}");
        assert!(close(found.divergence, best.1), "{values:?}");
    }
}

#[test]
fn a_recovery_does_not_hide_the_change_before_it() {
    let series = [
        flat(15, 50.0, &[]),
        flat(15, 100.0, &[]),
        flat(15, 50.0, &[]),
    ]
    .concat();
    assert_eq!(indexes(&series), [15, 30]);
}

#[test]
fn a_single_value_out_of_line_is_no_change() {
    assert_eq!(indexes(&flat(30, 50.0, &[(12, 90.0)])), [0; 0]);
    assert_eq!(indexes(&flat(30, 50.0, &[(29, 90.0)])), [0; 0]);
}

#[test]
fn series_that_are_too_short_have_no_change() {
    for len in 0..4 {
        assert_eq!(indexes(&flat(len, 1.0, &[])), [0; 0]);
    }
    assert_eq!(divergence(&[1.0], &[1.0, 2.0]), None);
    assert_eq!(divergence(&[1.0, 2.0], &[]), None);
}

#[test]
fn the_scale_of_the_values_does_not_matter_and_the_seed_settles_the_rest() {
    let series = [flat(8, 10.0, &[(3, 10.4)]), flat(8, 11.0, &[(2, 10.9)])].concat();
    let scaled: Vec<f64> = series.iter().map(|value| value * 1e6).collect();
    let (found, of_scaled) = (
        change_points(&series, &how()),
        change_points(&scaled, &how()),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].index, 8);
    assert_eq!(of_scaled[0].p_value, found[0].p_value);
    assert_eq!(change_points(&series, &how()), found);
}

#[test]
fn noise_alone_is_called_a_change_as_seldom_as_promised() {
    let mut random = SplitMix64::new(3);
    let how = Divisive {
        permutation_count: 99,
        significance: 0.05,
        ..Divisive::default()
    };
    let is_false = |_: &usize| {
        let series: Vec<f64> = (0..20).map(|_| random.below(1000) as f64).collect();
        !change_points(&series, &how).is_empty()
    };
    let alarms = (0..200).filter(is_false).count();
    // 10 are expected; 20 or more would occur by chance once in 500 times.
    assert!(alarms < 20, "{alarms} of 200");
}

/// All orders of these values.
fn orders(values: &[f64]) -> Vec<Vec<f64>> {
    if values.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |first: usize| {
        let mut others = values.to_vec();
        let first = others.remove(first);
        let behind = orders(&others).into_iter();
        behind.map(move |others| [&[first], &others[..]].concat())
    };
    (0..values.len()).flat_map(with_first).collect()
}

#[test]
fn the_exact_share_is_that_of_all_orders_one_by_one() {
    let mut random = SplitMix64::new(5);
    for len in [4, 5, 6] {
        // Few different values, so that many orders are equal.
        for highest in [3, 1000] {
            let values: Vec<f64> = (0..len).map(|_| random.below(highest) as f64).collect();
            let best = |values: &Vec<f64>| best_split(values, 2).unwrap().divergence;
            let all = orders(&values);
            for order in all.iter().step_by(7) {
                let least = best(order) - 1e-9;
                let large = all.iter().filter(|order| best(order) >= least).count();
                let expected = large as f64 / all.len() as f64;
                let found = exact::share_of_orders(&values, least, 2, 1.0);
                assert_eq!(found, expected, "{values:?}, {least}");
            }
        }
    }
}

#[test]
fn few_values_give_one_answer_whatever_the_seed_and_the_number_of_orders() {
    let slower = [10.0, 10.1, 9.9, 10.05, 9.95, 13.0, 13.1, 12.9, 13.05, 12.95];
    for seed in 0..10 {
        let how = Divisive {
            seed,
            permutation_count: 99,
            ..Divisive::default()
        };
        let found = change_points(&slower, &how);
        assert_eq!(found.len(), 1, "seed {seed}");
        assert_eq!(found[0].index, 5);
        // Five against five and the reverse, of 252 ways.
        assert_eq!(found[0].p_value, 2.0 / 252.0);
    }
    // Equally clean with one value fewer: 2 of 126.
    assert_eq!(change_points(&slower[1..], &Divisive::default()), []);
}

#[test]
fn what_can_be_found_at_all_is_known_beforehand() {
    let at = |significance| Divisive {
        significance,
        ..Divisive::default()
    };
    // 2 of C(n, n/2): 252 for 10 values, 126 for 9; 70 for 8, 35 for 7.
    assert_eq!(at(0.01).fewest_values(), 10);
    assert_eq!(at(0.05).fewest_values(), 8);
    assert_eq!(at(0.9).fewest_values(), 4);
    for (significance, fewest) in [(0.01, 99), (0.001, 999), (0.03, 33), (0.5, 1), (0.9, 1)] {
        assert_eq!(at(significance).fewest_permutations(), fewest);
    }
}

#[test]
fn a_step_near_an_end_is_found_only_with_enough_values_behind_it() {
    let how = Divisive::default();
    // 2 of C(10, 4) = 210, and of C(10, 3) = 120; none of C(9, 4) = 126; 2 of C(21, 2) = 210.
    assert_eq!(how.fewest_on_a_side(10), Some(4));
    assert_eq!(how.fewest_on_a_side(9), None);
    assert_eq!(how.fewest_on_a_side(21), Some(2));
    assert_eq!(how.fewest_on_a_side(3), None);
    for behind in 2..=5 {
        let step = [flat(10 - behind, 1.0, &[]), flat(behind, 9.0, &[])].concat();
        assert_eq!(!change_points(&step, &how).is_empty(), behind >= 4);
    }
}
