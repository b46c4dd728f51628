//! The Universal Scalability Law: how much throughput each further worker adds.
//!
//! Gunther, "Guerrilla Capacity Planning" (Springer 2007), chapter 4: with `n` workers, a system that runs `lambda` jobs
//! per time unit with one worker runs `lambda n ÷ (1 + sigma (n - 1) + kappa n (n - 1))`.

use super::{Interval, median, quantile};
use crate::random::SplitMix64;

/// The fewest different numbers of workers that determine the three coefficients.
pub(crate) const FEWEST_COUNTS: usize = 3;

/// How often the fit is repeated with drawn samples. The ends of a 95% interval are then the fifth value from either end.
const DRAW_COUNT: usize = 200;

/// How often the weights are adapted to the fit, at most, and the change of the fit that ends this earlier.
const ROUND_COUNT: usize = 50;
const SETTLED: f64 = 1e-9;

/// The coefficients of the law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Usl {
    /// The throughput with one worker, in the unit of the throughputs that were fitted.
    pub lambda: f64,
    /// Contention: the share of the work that only one worker at a time can do. At least 0.
    pub sigma: f64,
    /// Crosstalk: what each pair of workers costs, as a share of the work of one. At least 0.
    pub kappa: f64,
}

impl Usl {
    /// The throughput with this many workers.
    pub(crate) fn throughput(&self, workers: f64) -> f64 {
        let slowed = 1.0 + self.sigma * (workers - 1.0) + self.kappa * workers * (workers - 1.0);
        self.lambda * workers / slowed
    }

    /// The number of workers with the highest throughput; `None` if more workers always give more.
    pub(crate) fn peak_workers(&self) -> Option<f64> {
        (self.kappa > 0.0).then(|| ((1.0 - self.sigma).max(0.0) / self.kappa).sqrt())
    }
}

/// A fitted law, and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct UslFit {
    /// The coefficients that fit the medians.
    pub usl: Usl,
    /// The intervals of the coefficients.
    pub lambda: Interval,
    /// See [`UslFit::lambda`].
    pub sigma: Interval,
    /// See [`UslFit::lambda`].
    pub kappa: Interval,
}

/// The coefficients that give the throughputs of these `(workers, throughput)` with the least sum of squared errors.
/// `None` with fewer than [`FEWEST_COUNTS`] different numbers of workers, or if a number is not above zero.
///
/// `n ÷ throughput` is linear in `1 ÷ lambda`, `sigma ÷ lambda` and `kappa ÷ lambda`. The weights are chosen so that at
/// the fixed point the gradient is that of the errors of the throughput itself. No coefficient is below zero: a negative
/// one would be a system in which workers speed each other up.
pub(crate) fn usl(points: &[(f64, f64)]) -> Option<Usl> {
    let is_sound = |one: f64| one > 0.0 && one.is_finite();
    let mut counts: Vec<f64> = points.iter().map(|(workers, _)| *workers).collect();
    counts.sort_by(f64::total_cmp);
    counts.dedup();
    let all_sound = points.iter().all(|(n, x)| is_sound(*n) && is_sound(*x));
    if !all_sound || counts.len() < FEWEST_COUNTS {
        return None;
    }
    let times: Vec<(f64, f64)> = points.iter().map(|(n, x)| (*n, n / x)).collect();
    let mut fitted: Vec<f64> = times.iter().map(|(_, time)| *time).collect();
    let mut best = None;
    for _ in 0..ROUND_COUNT {
        let weighted = times.iter().zip(&fitted);
        let weighted = weighted.map(|((n, time), fit)| (*n, *time, n * n / (time * fit.powi(3))));
        let weighted: Vec<(f64, f64, f64)> = weighted.collect();
        let found = not_negative(&weighted)?;
        best = Some(found);
        let mut change = 0.0_f64;
        for (fit, (n, _)) in fitted.iter_mut().zip(&times) {
            let next = dot(found, terms(*n));
            change = change.max((next / *fit - 1.0).abs());
            *fit = next;
        }
        if change < SETTLED {
            break;
        }
    }
    let [own, contention, crosstalk] = best?;
    let found = Usl {
        lambda: 1.0 / own,
        sigma: contention / own,
        kappa: crosstalk / own,
    };
    let all = [found.lambda, found.sigma, found.kappa];
    all.iter().all(|one| one.is_finite()).then_some(found)
}

/// What the coefficients are multiplied by.
fn terms(workers: f64) -> [f64; 3] {
    [1.0, workers - 1.0, workers * (workers - 1.0)]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The coefficients, none below zero, with the least weighted sum of squared errors of `(workers, time, weight)`. With
/// so few coefficients, every choice of those that are zero can be tried.
fn not_negative(points: &[(f64, f64, f64)]) -> Option<[f64; 3]> {
    let choices: [&[usize]; 4] = [&[0, 1, 2], &[0, 1], &[0, 2], &[0]];
    let error = |found: [f64; 3]| -> f64 {
        let errors = points.iter();
        let errors =
            errors.map(|(n, time, weight)| weight * (dot(found, terms(*n)) - time).powi(2));
        errors.sum()
    };
    let is_allowed = |found: &[f64; 3]| found[0] > 0.0 && found.iter().all(|one| *one >= 0.0);
    let found = choices
        .iter()
        .filter_map(|used| least_squares(points, used).filter(is_allowed));
    found.min_by(|a, b| error(*a).total_cmp(&error(*b)))
}

/// The least weighted squares with only the coefficients `used`; the others are zero. `None` if the points do not
/// determine them.
fn least_squares(points: &[(f64, f64, f64)], used: &[usize]) -> Option<[f64; 3]> {
    let size = used.len();
    let mut rows = [[0.0; 4]; 3];
    for (workers, time, weight) in points {
        let terms = terms(*workers);
        for (row, i) in rows.iter_mut().zip(used) {
            for (cell, j) in row.iter_mut().zip(used) {
                *cell += weight * terms[*i] * terms[*j];
            }
            row[3] += weight * terms[*i] * time;
        }
    }
    // Gauss and Jordan, with the largest element of each column as its pivot.
    for column in 0..size {
        let largest = (column..size)
            .max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, largest);
        let pivot = rows[column];
        if pivot[column] == 0.0 {
            return None;
        }
        for (index, row) in rows.iter_mut().enumerate().take(size) {
            if index != column {
                let factor = row[column] / pivot[column];
                (0..4).for_each(|cell| row[cell] -= factor * pivot[cell]);
            }
        }
    }
    let mut found = [0.0; 3];
    for (index, coefficient) in used.iter().enumerate() {
        found[*coefficient] = rows[index][3] / rows[index][index];
    }
    found.iter().all(|one| one.is_finite()).then_some(found)
}

/// Fits the law to the run times of each number of workers: the throughput is `base` ÷ the median. The intervals at
/// level `1 - alpha` come from a bootstrap (Efron, Annals of Statistics 7:1, 1979) that draws the times of each number of
/// workers again. With few times per number, they are somewhat too narrow. `None` as for [`usl`].
pub(crate) fn usl_fit(
    points: &[(u32, &[f64])],
    base: f64,
    alpha: f64,
    seed: u64,
) -> Option<UslFit> {
    let medians = points
        .iter()
        .map(|(n, times)| Some((f64::from(*n), base / median(times)?)));
    let found = usl(&medians.collect::<Option<Vec<_>>>()?)?;
    let mut random = SplitMix64::new(seed);
    let mut draws = Vec::with_capacity(DRAW_COUNT);
    for _ in 0..DRAW_COUNT {
        let drawn = points
            .iter()
            .map(|(n, times)| (f64::from(*n), base / drawn_median(times, &mut random)));
        draws.extend(usl(&drawn.collect::<Vec<_>>()));
    }
    let interval = |coefficient: fn(&Usl) -> f64| {
        let values: Vec<f64> = draws.iter().map(coefficient).collect();
        // A drawn sample can be more one-sided than the data; the coefficient itself is always part of its interval.
        let own = coefficient(&found);
        Some(Interval {
            low: quantile(&values, alpha / 2.0)?.min(own),
            high: quantile(&values, 1.0 - alpha / 2.0)?.max(own),
        })
    };
    Some(UslFit {
        usl: found,
        lambda: interval(|one| one.lambda)?,
        sigma: interval(|one| one.sigma)?,
        kappa: interval(|one| one.kappa)?,
    })
}

/// The upper median of as many values as there are, drawn from them. There must be at least one.
fn drawn_median(times: &[f64], random: &mut SplitMix64) -> f64 {
    let draw = |_| times[random.below(times.len() as u64) as usize];
    let mut drawn: Vec<f64> = (0..times.len()).map(draw).collect();
    let middle = drawn.len() / 2;
    *drawn.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The load and throughput of a Sun SPARCcenter 2000 in the benchmark SPEC SDM91, published with the package `usl`
    /// for R, version 3.0.3, which finds the coefficients below with `nls`.
    const SPEC_SDM91: [(f64, f64); 7] = [
        (1.0, 64.9),
        (18.0, 995.9),
        (36.0, 1652.4),
        (72.0, 1853.2),
        (108.0, 1828.9),
        (144.0, 1775.0),
        (216.0, 1702.2),
    ];

    #[test]
    fn the_coefficients_are_those_of_the_package_for_r() {
        let found = usl(&SPEC_SDM91).unwrap();
        for (own, published) in [
            (found.sigma, 0.027_728_5),
            (found.kappa, 0.000_104_4),
            (found.lambda, 89.995_233_0),
        ] {
            assert!((own / published - 1.0).abs() < 1e-3, "{own} {published}");
        }
        // The square root of (1 - sigma) ÷ kappa.
        let peak = found.peak_workers().unwrap();
        assert!((peak - 96.5).abs() < 0.1, "{peak}");
    }

    #[test]
    fn an_exact_law_is_found_again() {
        let law = Usl {
            lambda: 2.5,
            sigma: 0.1,
            kappa: 0.01,
        };
        let points = [1.0, 2.0, 4.0, 8.0].map(|n| (n, law.throughput(n)));
        let found = usl(&points).unwrap();
        for (own, true_one) in [(found.lambda, 2.5), (found.sigma, 0.1), (found.kappa, 0.01)] {
            assert!((own - true_one).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn no_coefficient_is_below_zero() {
        // Workers that speed each other up.
        let found = usl(&[(1.0, 1.0), (2.0, 2.2), (4.0, 5.0)]).unwrap();
        assert_eq!((found.sigma, found.kappa), (0.0, 0.0));
        assert_eq!(found.peak_workers(), None);
    }

    #[test]
    fn fewer_than_three_numbers_of_workers_are_too_few() {
        assert_eq!(usl(&[(1.0, 1.0), (2.0, 2.0), (2.0, 1.9)]), None);
        assert_eq!(usl(&[(1.0, 1.0), (2.0, 2.0), (4.0, 0.0)]), None);
        assert_eq!(
            usl_fit(&[(1, &[1.0]), (2, &[0.5]), (4, &[])], 1.0, 0.05, 1),
            None
        );
    }

    #[test]
    fn intervals_contain_the_coefficients_and_grow_with_the_spread() {
        let law = Usl {
            lambda: 1.0,
            sigma: 0.05,
            kappa: 0.02,
        };
        let width = |spread: f64| {
            let times = [1, 2, 4, 8].map(|n: u32| {
                let time = 1.0 / law.throughput(f64::from(n));
                let times = (0..21).map(|i| time * (1.0 + spread * (f64::from(i) - 10.0)));
                (n, times.collect::<Vec<f64>>())
            });
            let points = times.each_ref().map(|(n, times)| (*n, times.as_slice()));
            let fit = usl_fit(&points, 1.0, 0.05, 7).unwrap();
            assert!((fit.usl.sigma - law.sigma).abs() < 1e-6, "{fit:?}");
            assert!(fit.sigma.low <= fit.usl.sigma && fit.usl.sigma <= fit.sigma.high);
            fit.sigma.high - fit.sigma.low
        };
        assert!(width(0.0) < 1e-6);
        assert!(width(0.001) < width(0.005));
    }
}
