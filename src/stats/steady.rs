//! Whether a series is steady: whether it ends on the level on which it begins.
//!
//! The reported time of a case is the median of its samples. It stands for the case only if it does not depend on how
//! long the case was run before, and for how long after. Managed runtimes compile their code while it runs, so their
//! times can fall by a factor of a hundred over the first few hundred runs.

use super::divisive::{Divisive, change_points};
use super::median;

/// Levels that differ by a smaller factor are the same. It is the difference that the machine alone exceeds in one
/// process of a hundred, like the significance of the search. Which workers share a core, and where data lie in memory,
/// may change while a case runs. At worst, its two levels then differ like two processes of equal builds, of which one
/// pair in ten differed by more than 29%. In a normal distribution of logarithms, one in a hundred is 2.576 ÷ 1.645 times
/// as far out: 1.29^1.566 = 1.49. METHODOLOGY.md, "Warm-up and steadiness", says where this does not hold.
pub(crate) const LEVEL_RATIO: f64 = 1.5;

/// A level is looked for in stretches of at least one in this many samples. With 100 samples, leaving out a fifth of them
/// at one end moves the median by ten ranks, and as far reaches its 95% interval, which is reported anyway.
const LEAST_SHARE: usize = 5;

/// How a series is not steady.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unsteady {
    /// How many values come before the first change.
    pub first_count: usize,
    /// How many values come after the last change.
    pub last_count: usize,
    /// The level of the last values ÷ that of the first.
    pub ratio: f64,
}

impl Unsteady {
    /// How far the two levels are apart, as a logarithm without its sign.
    pub(crate) fn distance(&self) -> f64 {
        self.ratio.ln().abs()
    }
}

/// How the last values differ from the first; `None` if the series is steady, or if there is no telling.
///
/// E-divisive looks for changes in the logarithms of the values, at a significance of 1%. A series is not steady if the
/// median of the values after the last change and that of the values before the first one differ by a factor of more
/// than [`LEVEL_RATIO`]. A change that passes does not count, because the median of all withstands it. For values in random order,
/// whatever their distribution, a series is called unsteady with a probability of at most 1%. Fewer than 10 values can
/// never be significant, so they are never called unsteady. All values must be above zero.
pub(crate) fn unsteady(values: &[f64]) -> Option<Unsteady> {
    let how = how(values.len());
    let is_long = values.len() as u64 >= how.fewest_values();
    if !is_long || spread(values) < LEVEL_RATIO || !can_differ(values, how.min_len) {
        return None;
    }
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let changes = change_points(&logs, &how);
    let (first, last) = (changes.first()?.index, changes.last()?.index);
    let found = Unsteady {
        first_count: first,
        last_count: values.len() - last,
        ratio: median(&values[last..])? / median(&values[..first])?,
    };
    (found.distance() > LEVEL_RATIO.ln()).then_some(found)
}

fn how(count: usize) -> Divisive {
    Divisive {
        min_len: (count / LEAST_SHARE).max(2),
        ..Divisive::default()
    }
}

/// The largest value ÷ the smallest. If it is below the limit, no level can differ, and the search is not necessary.
fn spread(values: &[f64]) -> f64 {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    most / least
}

/// Whether any beginning and any end of the series have medians that differ by more than the limit, with at least
/// `min_len` values each and no value in both. If not, the search is not necessary, whatever it would find. It takes time
/// in proportion to n², and the search a thousand times as long.
fn can_differ(values: &[f64], min_len: usize) -> bool {
    let count = values.len();
    let backward: Vec<f64> = values.iter().rev().copied().collect();
    let (firsts, lasts) = (growing_medians(values), growing_medians(&backward));
    let pairs = (min_len..=count.saturating_sub(min_len)).flat_map(|first| {
        let most = count - first;
        (min_len..=most).map(move |last| (first, last))
    });
    let mut ratios = pairs.map(|(first, last)| lasts[last - 1] / firsts[first - 1]);
    ratios.any(|ratio| ratio.ln().abs() > LEVEL_RATIO.ln())
}

/// The median of the first value, of the first two, and so on.
fn growing_medians(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = Vec::with_capacity(values.len());
    let medians = values.iter().map(|value| {
        let place = sorted.partition_point(|other| other <= value);
        sorted.insert(place, *value);
        let middle = sorted.len() / 2;
        match sorted.len() % 2 {
            1 => sorted[middle],
            _ => sorted[middle - 1] + (sorted[middle] - sorted[middle - 1]) / 2.0,
        }
    });
    medians.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{SplitMix64, ratio};

    /// The time of run `number`, from 1, of a runtime that compiles while it runs, in microseconds per task: a line
    /// through four measured points, on logarithmic scales, and flat from then on.
    fn compiled_while_run(number: f64) -> f64 {
        let points = [(1.0, 35.7), (10.0, 0.83), (100.0, 0.29), (300.0, 0.12)];
        let Some(right) = points.iter().position(|point| point.0 > number) else {
            return points[3].1;
        };
        let ((x0, y0), (x1, y1)): ((f64, f64), (f64, f64)) = (points[right - 1], points[right]);
        let share = (number / x0).ln() / (x1 / x0).ln();
        y0 * (y1 / y0).powf(share)
    }

    /// The samples of such a runtime: each the mean of `run_count` runs, after `warmup` runs, with noise of ±5%.
    fn samples(warmup: usize, run_count: usize, count: usize) -> Vec<f64> {
        let mut random = SplitMix64::new(warmup as u64);
        let mut number = warmup;
        let mut sample = || {
            let runs = number + 1..=number + run_count;
            number += run_count;
            let total: f64 = runs.map(|run| compiled_while_run(run as f64)).sum();
            total / run_count as f64 * (0.95 + 0.1 * ratio(random.next_u64()))
        };
        (0..count).map(|_| sample()).collect()
    }

    #[test]
    fn a_runtime_that_still_compiles_is_unsteady_and_steady_once_it_has_warmed_up() {
        let found = unsteady(&samples(0, 1, 100)).unwrap();
        assert!(found.ratio < 0.5, "{found:?}");
        for (warmup, run_count, count) in [(10, 1, 100), (100, 1, 100), (0, 5, 100), (20, 5, 20)] {
            let found = unsteady(&samples(warmup, run_count, count));
            assert!(found.is_some(), "{warmup} {run_count} {count}");
        }
        for run_count in [1, 5, 22] {
            assert_eq!(unsteady(&samples(300, run_count, 100)), None);
        }
    }

    #[test]
    fn a_lasting_step_is_found_and_a_passing_one_is_not() {
        let step = |places: std::ops::Range<usize>, factor: f64| -> Vec<f64> {
            let mut random = SplitMix64::new(5);
            let noise = (0..100).map(|_| 1.0 + 0.02 * ratio(random.next_u64()));
            let stepped = noise
                .enumerate()
                .map(|(index, value)| value * if places.contains(&index) { factor } else { 1.0 });
            stepped.collect()
        };
        let found = unsteady(&step(70..100, 2.0)).unwrap();
        assert_eq!((found.first_count, found.last_count), (70, 30));
        assert!((1.9..2.1).contains(&found.ratio), "{found:?}");
        let found = unsteady(&step(0..25, 2.0)).unwrap();
        assert_eq!((found.first_count, found.last_count), (25, 75));
        // Less than the limit, passing, and too short.
        for (places, factor) in [
            (70..100, 1.4),
            (40..60, 3.0),
            (30..75, 3.0),
            (97..100, 3.0),
            (92..100, 3.0),
        ] {
            assert_eq!(unsteady(&step(places.clone(), factor)), None, "{places:?}");
        }
    }

    #[test]
    fn the_limit_is_what_equal_builds_exceed_once_in_a_hundred() {
        // The two-sided quantiles of the normal distribution, for one in ten and one in a hundred.
        let (in_ten, in_hundred) = (1.645, 2.576);
        let limit = 1.29_f64.powf(in_hundred / in_ten);
        assert!((limit - LEVEL_RATIO).abs() < 0.02, "{limit}");
    }

    #[test]
    fn too_few_values_are_not_judged() {
        let halves = |count: usize| -> Vec<f64> {
            (0..count)
                .map(|index| if index < count / 2 { 1.0 } else { 2.0 })
                .collect()
        };
        assert_eq!(unsteady(&halves(9)), None);
        assert!(unsteady(&halves(10)).is_some());
        assert_eq!(unsteady(&[]), None);
        assert_eq!(unsteady(&[1.0; 50]), None);
    }

    /// The sum of twelve uniform numbers: mean 0, standard deviation 1.
    fn normal(random: &mut SplitMix64) -> f64 {
        (0..12).map(|_| ratio(random.next_u64())).sum::<f64>() - 6.0
    }

    /// How many of `count` series of 40 samples are called unsteady.
    fn alarms(count: usize, mut next: impl FnMut(&mut SplitMix64) -> f64) -> usize {
        let mut random = SplitMix64::new(7);
        let mut is_alarm = || {
            let series: Vec<f64> = (0..40).map(|_| next(&mut random)).collect();
            unsteady(&series).is_some()
        };
        (0..count).filter(|_| is_alarm()).count()
    }

    #[test]
    fn stationary_noise_is_called_unsteady_as_seldom_as_promised() {
        // 4 of 400 are expected at most; 12 or more would occur by chance once in 1,000 times.
        let most = 11;
        let small = alarms(400, |random| (0.02 * normal(random)).exp());
        assert_eq!(small, 0);
        let large = alarms(400, |random| (0.3 * normal(random)).exp());
        assert!(large <= most, "{large}");
        // Two levels in random order, as of a run that sometimes waits.
        let two = alarms(400, |random| 1.0 + random.below(2) as f64);
        assert!(two <= most, "{two}");
        // Rare long samples.
        let rare = alarms(400, |random| match random.below(20) {
            0 => 10.0,
            _ => (0.1 * normal(random)).exp(),
        });
        assert!(rare <= most, "{rare}");
    }

    /// Noise of a machine whose speed wanders is not in random order, so the significance does not protect it; the limit
    /// on levels does.
    #[test]
    fn a_machine_that_wanders_is_not_unsteady() {
        let mut level = 0.0;
        let wandering = alarms(400, |random| {
            level = 0.9 * level + 0.05 * 0.19_f64.sqrt() * normal(random);
            level.exp()
        });
        assert_eq!(wandering, 0);
    }

    #[test]
    fn what_needs_no_search_is_not_searched() {
        // One value in ten takes twice as long: no beginning or end of a fifth has another median.
        let outliers: Vec<f64> = (0..100)
            .map(|i| if i % 10 == 3 { 2.0 } else { 1.0 })
            .collect();
        assert!(spread(&outliers) > LEVEL_RATIO);
        assert!(!can_differ(&outliers, 20));
        let step: Vec<f64> = (0..100).map(|i| if i < 50 { 1.0 } else { 2.0 }).collect();
        assert!(can_differ(&step, 20));
        assert!(!can_differ(&step, 60), "no room for both ends");
        assert_eq!(growing_medians(&[3.0, 1.0, 2.0, 8.0]), [3.0, 2.0, 2.0, 2.5]);
    }
}
