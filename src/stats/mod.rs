//! Statistics: pure functions over slices. They use no clock and no I/O, and of the rest of the crate only random
//! numbers.
//!
//! All functions take their values in any order and any unit, and return results in the same unit. None assumes a
//! distribution, because wall times are skewed, have several modes, and drift.

pub(crate) mod anytime;
pub(crate) mod binomial;
pub(crate) mod correlation;
mod divisive;
pub(crate) mod holm;
pub(crate) mod loggp;
pub(crate) mod metg;
pub(crate) mod optional_stopping;
pub(crate) mod paired;
mod sessions;
pub(crate) mod steady;
mod student;
pub(crate) mod usl;

pub(crate) use divisive::{ChangePoint, Divisive, change_points};
pub(crate) use sessions::{SessionDifference, session_difference};

/// A closed range of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end, at least `low`.
    pub high: f64,
}

impl Interval {
    /// Whether the two intervals share a value. Both ends belong to an interval.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// The middle value; the mean of the two middle values if their number is even. `None` if there are none.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = sorted[sorted.len() / 2 - 1];
    Some(lower + (upper - lower) / 2.0)
}

/// The value below which a fraction `q` (clamped to 0 to 1) of the values lies: definition 7 of Hyndman and Fan,
/// "Sample Quantiles in Statistical Packages" (The American Statistician 50:4, 1996), which interpolates between the
/// order statistics around `(n - 1) * q`. `None` if there are no values.
pub(crate) fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let sorted = sorted(values);
    let last = sorted.len().checked_sub(1)?;
    let position = last as f64 * q.clamp(0.0, 1.0);
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * position.fract())
}

/// The exact interval of the median from order statistics. It covers the true median with a probability of at least
/// `1 - alpha`, for any distribution, if the values are independent.
///
/// With `l` from [`interval_rank`] and the values sorted, it is `[x(l), x(n + 1 - l)]`. `None` if there are too few
/// values: 95% needs 6, 99% needs 8.
pub(crate) fn median_interval(values: &[f64], alpha: f64) -> Option<Interval> {
    let rank = interval_rank(values.len(), alpha)?;
    let sorted = sorted(values);
    Some(Interval {
        low: sorted[rank - 1],
        high: sorted[sorted.len() - rank],
    })
}

/// The largest `l`, from 1, with `2 * P(Binomial(count, 1/2) <= l - 1) <= alpha`; `None` if there is none.
pub(crate) fn interval_rank(count: usize, alpha: f64) -> Option<usize> {
    // The probabilities are accurate to about 1e-13. Without the tolerance, an alpha of exactly twice a tail would
    // be missed by the last bit.
    let allowed = alpha * (1.0 + 1e-12);
    let mut rank = None;
    let mut tail = 0.0;
    for (k, probability) in lower_half(count).into_iter().rev() {
        tail += probability;
        if 2.0 * tail > allowed {
            break;
        }
        rank = Some(k + 1);
    }
    rank
}

/// `(k, P(Binomial(n, 1/2) = k))` from the middle down to where the probabilities vanish.
///
/// Starting in the middle and omitting negligible terms takes about 40 standard deviations instead of n terms, and
/// nothing underflows, as it would when starting at `2^-n`.
fn lower_half(n: usize) -> Vec<(usize, f64)> {
    let middle = n / 2;
    // C(2m, m) / 4^m, the product of (2i - 1) / 2i. An odd n = 2m + 1 has one factor more.
    let mut probability: f64 = (1..=middle)
        .map(|i| (2 * i - 1) as f64 / (2 * i) as f64)
        .product();
    if n % 2 == 1 {
        probability *= n as f64 / (2 * (middle + 1)) as f64;
    }
    let mut terms = Vec::new();
    for k in (0..=middle).rev() {
        if probability < f64::MIN_POSITIVE {
            break;
        }
        terms.push((k, probability));
        probability *= k as f64 / (n - k + 1) as f64;
    }
    terms
}

/// The ratio of one median to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ratio {
    /// The ratio of the medians.
    pub ratio: f64,
    /// The interval of the true ratio; `None` if there are too few values.
    pub interval: Option<Interval>,
}

/// The median of `values` divided by that of `base`. `None` if either is empty or not above zero, because then a
/// ratio has no meaning.
///
/// The interval covers the true ratio with a probability of at least `1 - alpha` if the two are independent: each
/// median gets an interval at `alpha / 2`, and both hold together (Bonferroni). It is wider than necessary, and
/// valid for any two distributions.
pub(crate) fn ratio_of_medians(values: &[f64], base: &[f64], alpha: f64) -> Option<Ratio> {
    let (over, under) = (median(values)?, median(base)?);
    if over <= 0.0 || under <= 0.0 {
        return None;
    }
    let intervals = median_interval(values, alpha / 2.0).zip(median_interval(base, alpha / 2.0));
    Some(Ratio {
        ratio: over / under,
        interval: intervals
            .filter(|(_, under)| under.low > 0.0)
            .map(|(over, under)| Interval {
                low: over.low / under.high,
                high: over.high / under.low,
            }),
    })
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests;
