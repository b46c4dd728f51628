//! The minimum effective task granularity (METG): the smallest task size at a given efficiency.
//!
//! Slaughter et al., "Task Bench: A Parameterized Benchmark for Evaluating Parallel Runtime Performance" (SC 2020),
//! define METG(50%) as the smallest average task granularity at which a system still reaches 50% of its peak rate.
//! Granularity is wall time × workers ÷ tasks, so it includes the overhead of a task.

use std::cmp::Ordering;

use super::{Interval, interval_rank};

/// A graph with tasks of one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SweepPoint {
    /// The time of one task at the peak rate, in nanoseconds; above zero.
    pub task_ns: f64,
    /// Wall time × workers ÷ tasks, in nanoseconds.
    pub granularity_ns: f64,
    /// The lower bound of the graph's wall time with such tasks ÷ its measured wall time.
    pub efficiency: f64,
}

/// Where the efficiency crosses the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Crossing {
    /// At this granularity, in nanoseconds.
    At(f64),
    /// Even the smallest tasks reach the target: the crossing is below this granularity, in nanoseconds.
    Below(f64),
    /// Even the largest tasks do not reach the target: the crossing is above this granularity, in nanoseconds.
    Above(f64),
}

impl Crossing {
    /// Orders crossings, finest first.
    pub(crate) fn finest_first(&self, other: &Self) -> Ordering {
        let place = |crossing: &Self| match *crossing {
            Self::Below(granularity) => (-1i8, granularity),
            Self::At(granularity) => (0, granularity),
            Self::Above(granularity) => (1, granularity),
        };
        let (own, others) = (place(self), place(other));
        own.0.cmp(&others.0).then(own.1.total_cmp(&others.1))
    }
}

/// The METG of a backend, over several sweeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Metg {
    /// The median over the sweeps.
    pub crossing: Crossing,
    /// The exact interval of that median; `None` if there are too few sweeps, or if an end does not exist.
    pub interval: Option<Interval>,
}

/// The smallest granularity above which *every* size reaches `target`, an efficiency above 0, in one sweep. `None`
/// without points.
///
/// Measured efficiency is noisy and not monotonic. It is therefore replaced by the curve that is nearest to the
/// points by least squares and never falls with the size of the tasks. The curve is interpolated linearly in the
/// logarithm of that size. At the crossing, the ratio of granularity to size is that of the points around it.
pub(crate) fn crossing(sweep: &[SweepPoint], target: f64) -> Option<Crossing> {
    let mut points = sweep.to_vec();
    points.sort_by(|a, b| a.task_ns.total_cmp(&b.task_ns));
    let fitted = monotone(&points.iter().map(|one| one.efficiency).collect::<Vec<_>>());
    let (finest, coarsest) = (points.first()?, points.last()?);
    let Some(above) = fitted.iter().position(|one| *one >= target) else {
        return Some(Crossing::Above(coarsest.granularity_ns));
    };
    if above == 0 {
        return Some(Crossing::Below(finest.granularity_ns));
    }
    let (low, high) = (points[above - 1], points[above]);
    let share = (target - fitted[above - 1]) / (fitted[above] - fitted[above - 1]);
    let between = |low: f64, high: f64| (low.ln() + (high.ln() - low.ln()) * share).exp();
    let task_ns = between(low.task_ns, high.task_ns);
    // granularity × efficiency ÷ size is equal for all points of a graph, except for rounding.
    let shape = |point: SweepPoint| point.granularity_ns * point.efficiency / point.task_ns;
    Some(Crossing::At(
        task_ns * between(shape(low), shape(high)) / target,
    ))
}

/// The median of the crossings of all sweeps, with its exact interval at level `1 - alpha`. A sweep without a
/// crossing counts as beyond all others, on its side. `None` without sweeps.
pub(crate) fn metg(sweeps: &[Vec<SweepPoint>], target: f64, alpha: f64) -> Option<Metg> {
    let crossings = sweeps.iter().filter_map(|sweep| crossing(sweep, target));
    let mut crossings: Vec<Crossing> = crossings.collect();
    crossings.sort_by(Crossing::finest_first);
    let interval = interval_rank(crossings.len(), alpha).and_then(|rank| {
        let ends = (crossings[rank - 1], crossings[crossings.len() - rank]);
        match ends {
            (Crossing::At(low), Crossing::At(high)) => Some(Interval { low, high }),
            _ => None,
        }
    });
    Some(Metg {
        // The upper of two middle ones, because there is nothing between a crossing and no crossing.
        crossing: *crossings.get(crossings.len() / 2)?,
        interval,
    })
}

/// The sequence that never falls and is nearest to `values` by least squares: the pool-adjacent-violators algorithm
/// (Ayer et al., Annals of Mathematical Statistics 26:4, 1955). Empty if there are no values.
pub(crate) fn monotone(values: &[f64]) -> Vec<f64> {
    // Blocks of equal values: their mean and their number.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for value in values {
        let mut block = (*value, 1);
        while let Some(&(mean, count)) = blocks.last() {
            if mean <= block.0 {
                break;
            }
            let total = mean * count as f64 + block.0 * block.1 as f64;
            block = (total / (count + block.1) as f64, count + block.1);
            blocks.pop();
        }
        blocks.push(block);
    }
    let values = blocks
        .into_iter()
        .flat_map(|(mean, count)| std::iter::repeat_n(mean, count));
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A backend that adds `overhead_ns` to every task.
    fn sweep(overhead_ns: f64, sizes_ns: &[f64]) -> Vec<SweepPoint> {
        let point = |task_ns: &f64| SweepPoint {
            task_ns: *task_ns,
            granularity_ns: task_ns + overhead_ns,
            efficiency: task_ns / (task_ns + overhead_ns),
        };
        sizes_ns.iter().map(point).collect()
    }

    fn at(crossing: Option<Crossing>) -> f64 {
        match crossing {
            Some(Crossing::At(granularity)) => granularity,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn adjacent_violators_are_pooled() {
        assert!(monotone(&[]).is_empty());
        assert_eq!(monotone(&[1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]);
        // Worked by hand: 3, 2 pool to 2.5; then 1 joins them: 2.
        assert_eq!(monotone(&[3.0, 2.0, 1.0, 4.0]), [2.0, 2.0, 2.0, 4.0]);
        assert_eq!(monotone(&[1.0, 5.0, 3.0, 4.0]), [1.0, 4.0, 4.0, 4.0]);
    }

    #[test]
    fn half_is_lost_where_the_work_equals_the_overhead() {
        // With 100 ns of overhead, half is lost at 100 ns of work, and a task then takes 200 ns.
        let sizes = [25.0, 50.0, 100.0, 200.0, 400.0];
        assert!((at(crossing(&sweep(100.0, &sizes), 0.5)) - 200.0).abs() < 1e-9);
        let between = [25.0, 71.0, 141.0, 200.0, 400.0];
        let found = at(crossing(&sweep(100.0, &between), 0.5));
        assert!((found - 200.0).abs() < 2.0, "{found}");
        // Three quarters are left if the work is three times the overhead.
        let found = at(crossing(&sweep(100.0, &[200.0, 300.0, 400.0]), 0.75));
        assert!((found - 400.0).abs() < 1e-9, "{found}");
    }

    #[test]
    fn one_size_that_happens_to_reach_the_target_is_not_enough() {
        let mut points = sweep(100.0, &[12.5, 25.0, 50.0, 100.0, 200.0]);
        let honest = at(crossing(&points, 0.5));
        points[1].efficiency = 0.6;
        let found = at(crossing(&points, 0.5));
        assert!(found > 100.0 && found <= honest, "{found} {honest}");
    }

    #[test]
    fn a_curve_without_a_crossing_says_on_which_side_it_lies() {
        assert_eq!(crossing(&[], 0.5), None);
        let fine = sweep(100.0, &[200.0, 400.0]);
        assert_eq!(crossing(&fine, 0.5), Some(Crossing::Below(300.0)));
        let coarse = sweep(100.0, &[10.0, 20.0]);
        assert_eq!(crossing(&coarse, 0.5), Some(Crossing::Above(120.0)));
    }

    #[test]
    fn the_interval_is_that_of_the_median_over_sweeps() {
        let sizes = [25.0, 50.0, 100.0, 200.0, 400.0];
        let sweeps: Vec<_> = [104.0, 96.0, 100.0, 98.0, 102.0, 110.0, 90.0, 101.0]
            .iter()
            .map(|overhead| sweep(*overhead, &sizes))
            .collect();
        let metg = metg(&sweeps, 0.5, 0.05).unwrap();
        let interval = metg.interval.unwrap();
        assert!(interval.low < 200.0 && interval.high > 200.0);
        assert!(at(Some(metg.crossing)) > interval.low);
    }

    #[test]
    fn sweeps_without_a_crossing_push_the_median_and_never_vanish() {
        let mut sweeps = vec![sweep(100.0, &[25.0, 400.0]); 3];
        sweeps.extend(vec![sweep(100.0, &[10.0, 20.0]); 4]);
        let metg = metg(&sweeps, 0.5, 0.05).unwrap();
        assert_eq!(metg.crossing, Crossing::Above(120.0));
        assert_eq!(metg.interval, None);
    }
}
