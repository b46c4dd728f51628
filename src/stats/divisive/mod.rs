//! Finds where a series changes: E-divisive of Matteson and James, "A Nonparametric Approach for Multiple Change
//! Point Analysis of Multivariate Data" (Journal of the American Statistical Association 109:505, 2014), for one
//! dimension and the exponent 1.
//!
//! It finds changes of any kind, in level or in spread, and assumes no distribution. Databases use it in continuous
//! integration: Daly et al., "The Use of Change Point Detection to Identify Software Performance Regressions in a
//! Continuous Integration System" (ICPE 2020).

use crate::random::SplitMix64;

mod exact;

/// How to search for changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Divisive {
    /// The fewest values between two changes; at least 2, because one value has no spread.
    pub min_len: usize,
    /// With how many random orders a change is compared if a stretch is too long to try all orders; see
    /// [`change_points`]. With fewer than [`fewest_permutations`](Self::fewest_permutations), nothing is found
    /// there.
    pub permutation_count: usize,
    /// A change is kept if the probability of such a large change by chance is at most this.
    pub significance: f64,
    /// The seed of the random orders.
    pub seed: u64,
}

impl Default for Divisive {
    /// Two values on either side; 999 orders, so that the smallest possible p-value is 0.001; a significance of 1%.
    fn default() -> Self {
        Self {
            min_len: 2,
            permutation_count: 999,
            significance: 0.01,
            seed: 1,
        }
    }
}

impl Divisive {
    /// The fewest random orders with which a change can be significant. The observed order counts as one of them.
    pub(crate) fn fewest_permutations(&self) -> u64 {
        let orders = (1.0 / self.significance).floor();
        // The quotient may differ from a whole number in its last bit.
        let enough = [orders - 1.0, orders, orders + 1.0];
        let is_enough = |count: &f64| 1.0 / (count + 1.0) <= self.significance;
        enough.into_iter().find(is_enough).unwrap_or(orders) as u64
    }

    /// The fewest values in which a lasting change of level can be significant, in the best case in their middle: of
    /// all ways to divide `n` values into two sides, two are as clean as the observed one.
    pub(crate) fn fewest_values(&self) -> u64 {
        let shortest = 2 * self.min_len.max(2) as u64;
        // Each further value makes about twice as many ways.
        (shortest..)
            .find(|count| 2.0 / ways(*count, count / 2) <= self.significance)
            .unwrap_or(u64::MAX)
    }

    /// How many of `count` values a lasting step needs on either side to be significant, however large it is. `None`
    /// if no place of the step suffices.
    pub(crate) fn fewest_on_a_side(&self, count: u64) -> Option<u64> {
        let is_rare = |side: &u64| 2.0 / ways(count, *side) <= self.significance;
        (self.min_len.max(2) as u64..=count / 2).find(is_rare)
    }
}

/// The number of ways to choose `chosen` of `count`.
fn ways(count: u64, chosen: u64) -> f64 {
    let factors = 1..=chosen;
    factors.fold(1.0, |product, k| {
        product * (count - chosen + k) as f64 / k as f64
    })
}

/// A place where a series changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ChangePoint {
    /// The index of the first value after the change.
    pub index: usize,
    /// The divergence of both sides; see [`scaled`].
    pub divergence: f64,
    /// The probability of such a large change by chance: the fraction of all orders with a change as large, or of
    /// the random orders and the observed one.
    pub p_value: f64,
}

/// The changes of `series`, ordered by place. Empty if it has fewer than twice `min_len` values.
///
/// The largest change over all stretches between the changes found so far is tested against random orders of the
/// values within each stretch. This repeats until a change is not significant. For a series of n values, one test
/// takes time in proportion to n² for each order. If no stretch has more than ten values, all orders are tried, and
/// neither the seed nor the number of random orders affects the result.
pub(crate) fn change_points(series: &[f64], how: &Divisive) -> Vec<ChangePoint> {
    let mut random = SplitMix64::new(how.seed);
    let mut found: Vec<ChangePoint> = Vec::new();
    while let Some(split) = largest_split(&stretches(series, &found), how.min_len) {
        let p_value = p_value(series, &found, split.divergence, how, &mut random);
        if p_value > how.significance {
            break;
        }
        let change = ChangePoint {
            index: split.index,
            divergence: split.divergence,
            p_value,
        };
        let place = found.partition_point(|earlier| earlier.index < change.index);
        found.insert(place, change);
    }
    found
}

/// The scaled divergence Q of two samples, from the sums of all distances between them and within each: n·m/(n+m) times
/// the energy distance of Székely and Rizzo, which is twice the mean distance between the two minus the mean distance
/// within each. Zero on average if both have the same distribution. In the unit of the values, times a count.
fn scaled((n, m): (usize, usize), between: f64, within_left: f64, within_right: f64) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let energy = 2.0 * between / (n * m)
        - 2.0 * within_left / (n * (n - 1.0))
        - 2.0 * within_right / (m * (m - 1.0));
    n * m / (n + m) * energy
}

/// The best division of a series.
struct Split {
    index: usize,
    divergence: f64,
}

/// The stretches between these changes, each with its start index.
fn stretches<'a>(series: &'a [f64], found: &[ChangePoint]) -> Vec<(usize, &'a [f64])> {
    let starts = [0]
        .into_iter()
        .chain(found.iter().map(|change| change.index));
    let ends = found
        .iter()
        .map(|change| change.index)
        .chain([series.len()]);
    starts
        .zip(ends)
        .map(|(start, end)| (start, &series[start..end]))
        .collect()
}

/// The best division over all stretches; the first if several are equal. `None` if all are too short.
fn largest_split(stretches: &[(usize, &[f64])], min_len: usize) -> Option<Split> {
    let splits = stretches.iter().filter_map(|(start, stretch)| {
        let split = best_split(stretch, min_len)?;
        Some(Split {
            index: start + split.index,
            ..split
        })
    });
    splits.reduce(|best, split| {
        if split.divergence > best.divergence {
            split
        } else {
            best
        }
    })
}

/// The division with the largest divergence between the values before it and some of those after it. The right side
/// may end at any value, not only the last, so that a later change back does not hide this one.
fn best_split(values: &[f64], min_len: usize) -> Option<Split> {
    let min_len = min_len.max(2);
    if values.len() < 2 * min_len {
        return None;
    }
    // For each value, its distance to all earlier values, and to those left of the division.
    let before: Vec<f64> = (0..values.len())
        .map(|k| values[..k].iter().map(|a| (a - values[k]).abs()).sum())
        .collect();
    let mut to_left = vec![0.0; values.len()];
    let mut within_left = 0.0;
    let mut best = Split {
        index: 0,
        divergence: f64::NEG_INFINITY,
    };
    for index in 1..=values.len() - min_len {
        let moved = values[index - 1];
        within_left += before[index - 1];
        for (sum, value) in to_left.iter_mut().zip(values).skip(index) {
            *sum += (moved - value).abs();
        }
        if index < min_len {
            continue;
        }
        let (mut between, mut within_right) = (0.0, 0.0);
        let left_share = 2.0 * within_left / (index as f64 - 1.0);
        for end in index..values.len() {
            between += to_left[end];
            within_right += before[end] - to_left[end];
            let len = end + 1 - index;
            if len < min_len {
                continue;
            }
            // [`scaled`] without its divisions, which would take most of the time of a search.
            let (n, m) = (index as f64, len as f64);
            let dividend = (2.0 * between - m * left_share) * (m - 1.0) - 2.0 * n * within_right;
            if dividend > best.divergence * ((n + m) * (m - 1.0)) {
                let divergence = scaled((index, len), between, within_left, within_right);
                best = Split { index, divergence };
            }
        }
    }
    Some(best)
}

/// The probability that the largest division of the stretches is at least `observed` if the values of each are in
/// random order. If the stretches are short, it is exact, over all orders. Once it is known to exceed the
/// significance, it may be any value above it.
fn p_value(
    series: &[f64],
    found: &[ChangePoint],
    observed: f64,
    how: &Divisive,
    random: &mut SplitMix64,
) -> f64 {
    // Sums in another order differ in their last bits. Without the tolerance, an equal sum might count as smaller.
    let as_large = observed - observed.abs() * 1e-9;
    let stretches = stretches(series, found);
    match stretches
        .iter()
        .all(|(_, stretch)| stretch.len() <= exact::MOST_VALUES)
    {
        true => exact_p_value(&stretches, as_large, how),
        false => drawn_p_value(series, found, as_large, how, random),
    }
}

/// The probability that any of the stretches has a division as large. Their orders are independent.
fn exact_p_value(stretches: &[(usize, &[f64])], as_large: f64, how: &Divisive) -> f64 {
    let shares = stretches.iter().map(|(_, stretch)| {
        exact::share_of_orders(stretch, as_large, how.min_len, how.significance)
    });
    shares.fold(0.0, |any, share| any + share - any * share)
}

/// The fraction of random orders with a division as large. The observed order counts as one of them. As soon as the
/// fraction is known to exceed the significance, the rest of the orders is not drawn.
fn drawn_p_value(
    series: &[f64],
    found: &[ChangePoint],
    as_large: f64,
    how: &Divisive,
    random: &mut SplitMix64,
) -> f64 {
    let mut shuffled = series.to_vec();
    let order_count = (how.permutation_count + 1) as f64;
    let mut count = 1;
    for _ in 0..how.permutation_count {
        for (start, stretch) in stretches(series, found) {
            random.shuffle(&mut shuffled[start..start + stretch.len()]);
        }
        let largest = largest_split(&stretches(&shuffled, found), how.min_len);
        if largest.is_some_and(|split| split.divergence >= as_large) {
            count += 1;
        }
        if f64::from(count) / order_count > how.significance {
            break;
        }
    }
    f64::from(count) / order_count
}

#[cfg(test)]
mod tests;
