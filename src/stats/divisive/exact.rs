//! The exact probability of a division, over all orders of a stretch instead of random ones.
//!
//! Orders are visited value by value, as a tree. A branch is left as soon as it is known to contain a division that
//! is large enough, because then every order below it counts, or to contain none.

use super::scaled;

/// The longest stretch of which all orders are visited: 10! is 3,628,800, which takes about a tenth of a second at
/// worst.
pub(super) const MOST_VALUES: usize = 10;

/// The fraction of all orders of `values` whose largest division, with at least `min_len` values on either side, is
/// at least `least`. As soon as the fraction is known to exceed `enough`, the result may be any fraction above
/// `enough`.
pub(super) fn share_of_orders(values: &[f64], least: f64, min_len: usize, enough: f64) -> f64 {
    assert!(values.len() <= MOST_VALUES, "too many orders");
    let min_len = min_len.max(2);
    let all = factorial(values.len());
    let within = within(values);
    let mut tree = OrderTree {
        count: values.len(),
        min_len,
        least,
        promising: promising(values.len(), min_len, least, &within),
        within,
        found: 0,
        limit: (all as f64 * enough).ceil() as u64,
    };
    tree.walk(&mut Vec::new(), 0);
    tree.found as f64 / all as f64
}

fn factorial(count: usize) -> u64 {
    (1..=count as u64).product()
}

/// The sum of all distances within each set of values; bit `i` of the index means value `i`.
fn within(values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; 1 << values.len()];
    for set in 1_usize..sums.len() {
        let first = set.trailing_zeros() as usize;
        let others = set & (set - 1);
        let distances = (0..values.len())
            .filter(|value| others >> value & 1 == 1)
            .map(|value| (values[first] - values[value]).abs());
        sums[set] = sums[others] + distances.sum::<f64>();
    }
    sums
}

/// The divergence of two disjoint sets.
fn divergence(within: &[f64], left: usize, right: usize) -> f64 {
    let between = within[left | right] - within[left] - within[right];
    let sizes = (left.count_ones() as usize, right.count_ones() as usize);
    scaled(sizes, between, within[left], within[right])
}

/// For each set of first values: whether the set is the left side of a large enough division in some order of the
/// others, and whether a larger set that contains it is.
fn promising(count: usize, min_len: usize, least: f64, within: &[f64]) -> Vec<[bool; 2]> {
    let all = within.len() - 1;
    let is_long = |set: usize| set.count_ones() as usize >= min_len;
    let mut promising = vec![[false; 2]; within.len()];
    for left in (0..=all).rev() {
        let others = all & !left;
        // All subsets of the others, largest first.
        let mut right = others;
        let mut divides = false;
        while is_long(left) && right != 0 && !divides {
            divides = is_long(right) && divergence(within, left, right) >= least;
            right = (right - 1) & others;
        }
        let later = (0..count)
            .filter(|value| others >> value & 1 == 1)
            .any(|value| promising[left | 1 << value] != [false; 2]);
        promising[left] = [divides, later];
    }
    promising
}

/// The state of the visit of all orders.
struct OrderTree {
    count: usize,
    min_len: usize,
    least: f64,
    within: Vec<f64>,
    /// Whether a set is the left side of a division, and whether a larger set that contains it is.
    promising: Vec<[bool; 2]>,
    found: u64,
    /// Above this count it is known that the fraction is large enough.
    limit: u64,
}

impl OrderTree {
    /// Continues from the values in `taken`. `lefts` are the beginnings of this order that may still become the left
    /// side of a division.
    fn walk(&mut self, lefts: &mut Vec<usize>, taken: usize) {
        if self.found > self.limit {
            return;
        }
        let is_division = |left: &usize| {
            let right = taken & !left;
            right.count_ones() as usize >= self.min_len
                && divergence(&self.within, *left, right) >= self.least
        };
        if lefts.iter().any(is_division) {
            self.found += factorial(self.count - taken.count_ones() as usize);
            return;
        }
        let [divides, later] = self.promising[taken];
        if lefts.is_empty() && !divides && !later {
            return;
        }
        if divides {
            lefts.push(taken);
        }
        for value in (0..self.count).filter(|value| taken >> value & 1 == 0) {
            self.walk(lefts, taken | 1 << value);
        }
        if divides {
            lefts.pop();
        }
    }
}
