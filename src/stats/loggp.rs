//! What messages cost ranks that exchange values step by step, after the LogGP model.
//!
//! Alexandrov, Ionescu, Schauser and Scheiman, "LogGP: Incorporating Long Messages into the LogP Model" (SPAA 1995): a
//! message of *k* bytes arrives *o* + (*k* − 1)·*G* + *L* + *o* after its sender began, where *o* is the time that either
//! processor spends on it, *L* the latency of the network, and *G* the time per further byte. Two ranks that exchange one
//! message each way per step show this sum, but not how much of it is *o*. A rank with *m* neighbours sends and receives *m*
//! messages per step. If *o* and *G* are nothing, all of them overlap, and the step takes as long as with one. If they are
//! everything, nothing overlaps, and it takes *m* times as long. So the model gives a range for more than two ranks.
//!
//! All times are in nanoseconds.

use super::Interval;

/// How the time of one message grows with its bytes: `L + 2o`, and `G`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MessageTime {
    /// The time of a message of one byte: `L + 2o`. At least 0.
    pub one_byte_ns: f64,
    /// The time of each further byte: `G`. At least 0.
    pub per_byte_ns: f64,
}

impl MessageTime {
    /// The line through these `(bytes, time)` with the least sum of squared relative errors, and no coefficient below
    /// zero. `None` with fewer than two different sizes, or if a number is not above zero.
    pub(crate) fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let is_sound = |one: f64| one > 0.0 && one.is_finite();
        let (first, _) = points.first()?;
        let is_one_size = points.iter().all(|(bytes, _)| bytes == first);
        if is_one_size || !points.iter().all(|(k, t)| is_sound(*k) && is_sound(*t)) {
            return None;
        }
        let sum = |term: fn(f64, f64) -> f64| -> f64 {
            // Small messages take microseconds and large ones milliseconds: an error counts as a share of the time.
            points
                .iter()
                .map(|(k, t)| term(k - 1.0, *t) / (t * t))
                .sum()
        };
        let (weight, x, y) = (sum(|_, _| 1.0), sum(|x, _| x), sum(|_, t| t));
        let (xx, xy) = (sum(|x, _| x * x), sum(|x, t| x * t));
        let slope = (weight * xy - x * y) / (weight * xx - x * x);
        let start = (y - slope * x) / weight;
        // With two coefficients, the best allowed line has one of them at zero if the best line is not allowed.
        let (start, slope) = match (start < 0.0, slope < 0.0) {
            (false, false) => (start, slope),
            (true, _) => (0.0, xy / xx),
            (_, true) => (y / weight, 0.0),
        };
        let is_finite = start.is_finite() && slope.is_finite();
        is_finite.then_some(Self {
            one_byte_ns: start,
            per_byte_ns: slope,
        })
    }
}

/// With how many other ranks each rank exchanges a message per step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Partners {
    /// With those that hold the columns to the left and to the right.
    Neighbours,
    /// With every other rank.
    Everyone,
}

impl Partners {
    /// The largest number of messages that one of so many ranks sends per step.
    fn message_count(self, ranks: f64) -> f64 {
        let others = (ranks - 1.0).max(0.0);
        match self {
            Self::Neighbours => others.min(2.0),
            Self::Everyone => others,
        }
    }
}

/// What a step costs beyond the work of its tasks, on ranks that share the columns of a grid as evenly as they can.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StepCost {
    /// What each task costs beyond its work.
    pub per_task_ns: f64,
    /// What one message each way costs a step: `L + 2o + (k - 1) G`.
    pub per_message_ns: f64,
    /// With whom a rank exchanges messages.
    pub partners: Partners,
    /// The number of columns.
    pub columns: f64,
    /// The efficiency that defines the METG, between 0 and 1.
    pub target: f64,
}

/// How many columns a rank has: on average, and at most. With more ranks than columns, each has one: the grid grows.
fn columns_per_rank(columns: f64, ranks: f64) -> (f64, f64) {
    let mean = (columns / ranks).max(1.0);
    (mean, mean.ceil())
}

impl StepCost {
    /// What follows from the METG on one rank and on two. `None` if the figures are not sound: messages never cost less
    /// than nothing.
    pub(crate) fn fit(
        [one, two]: [f64; 2],
        partners: Partners,
        columns: f64,
        target: f64,
    ) -> Option<Self> {
        let per_task_ns = (1.0 - target) * one;
        let (mean, most) = columns_per_rank(columns, 2.0);
        let per_message_ns = two * (mean - target * most) - most * per_task_ns;
        let is_sound = per_task_ns > 0.0 && per_message_ns > 0.0 && per_message_ns.is_finite();
        (is_sound && columns >= 2.0).then_some(Self {
            per_task_ns,
            per_message_ns,
            partners,
            columns,
            target,
        })
    }

    /// The METG on so many ranks: the lower end if all messages of a rank overlap, and the upper end if none do. `None` if
    /// the ranks have so different numbers of columns that tasks of no size reach the target.
    ///
    /// A step takes as long as the rank with the most columns: these × (work + cost per task) + messages. At the METG,
    /// the work of the mean number of columns is `target` of this.
    pub(crate) fn metg(&self, ranks: f64) -> Option<Interval> {
        let (mean, most) = columns_per_rank(self.columns, ranks);
        let share = mean - self.target * most;
        let metg = |message_count: f64| {
            (most * self.per_task_ns + message_count * self.per_message_ns) / share
        };
        let message_count = self.partners.message_count(ranks);
        (share > 0.0).then(|| Interval {
            low: metg(message_count.min(1.0)),
            high: metg(message_count),
        })
    }

    /// How far a measured METG is from what was predicted for so many ranks, as a share of the nearer end; 0 within the
    /// range. `None` if nothing was.
    pub(crate) fn error(&self, ranks: f64, measured: f64) -> Option<f64> {
        let predicted = self.metg(ranks)?;
        let nearest = measured.clamp(predicted.low, predicted.high);
        Some(measured / nearest - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(found: f64, expected: f64) {
        let error = (found - expected).abs();
        assert!(
            error <= 1e-9 * expected.abs().max(1.0),
            "{found} is not {expected}"
        );
    }

    #[test]
    fn a_line_is_found_again_and_no_coefficient_is_negative() {
        // Sizes from 8 bytes to 1 MiB with L + 2o = 15 µs and G = 3 ns.
        let exact: Vec<(f64, f64)> = [8.0, 512.0, 4096.0, 1048576.0]
            .map(|k| (k, 15e3 + 3.0 * (k - 1.0)))
            .into();
        let found = MessageTime::fit(&exact).unwrap();
        assert_near(found.one_byte_ns, 15e3);
        assert_near(found.per_byte_ns, 3.0);
        // Through the origin, and level.
        let steep = MessageTime::fit(&[(2.0, 1.0), (101.0, 200.0)]).unwrap();
        assert_eq!(steep.one_byte_ns, 0.0);
        assert!(steep.per_byte_ns > 0.0);
        let falling = MessageTime::fit(&[(1.0, 11.0), (100.0, 10.0)]).unwrap();
        assert_eq!(falling.per_byte_ns, 0.0);
        assert!((10.0..=11.0).contains(&falling.one_byte_ns));
        for points in [
            &[][..],
            &[(8.0, 1.0)],
            &[(8.0, 1.0), (8.0, 2.0)],
            &[(8.0, 0.0), (9.0, 1.0)],
            &[(8.0, f64::NAN), (9.0, 1.0)],
        ] {
            assert_eq!(MessageTime::fit(points), None, "{points:?}");
        }
    }

    /// The parameters of a machine, as the model defines them.
    #[derive(Clone, Copy)]
    struct Machine {
        latency: f64,
        overhead: f64,
        gap: f64,
        per_byte: f64,
    }

    /// The time of a step, from the rules of the model: each rank of a row works for so long, sends a message to each
    /// neighbour, and then receives one from each. The mean of many steps.
    fn simulated_step(machine: Machine, work: &[f64], bytes: f64) -> f64 {
        const STEPS: usize = 400;
        let ranks = work.len();
        let long = (bytes - 1.0) * machine.per_byte;
        let neighbours = |rank: usize| {
            let right = Some(rank + 1).filter(|one| *one < ranks);
            rank.checked_sub(1).into_iter().chain(right)
        };
        let mut begin = vec![0.0_f64; ranks];
        for _ in 0..STEPS {
            let mut arrivals = vec![Vec::new(); ranks];
            let mut free = begin.clone();
            for (rank, free) in free.iter_mut().enumerate() {
                *free += work[rank];
                let mut network_free = *free;
                for to in neighbours(rank) {
                    let start = free.max(network_free);
                    *free = start + machine.overhead;
                    // The network takes the next message after the gap, and after the last byte of this one.
                    network_free = start + machine.gap.max(machine.overhead) + long;
                    arrivals[to].push(start + machine.overhead + long + machine.latency);
                }
            }
            for (free, arrivals) in free.iter_mut().zip(&mut arrivals) {
                arrivals.sort_by(f64::total_cmp);
                for arrival in arrivals {
                    *free = free.max(*arrival) + machine.overhead;
                }
            }
            begin = free;
        }
        begin.iter().fold(0.0, |most: f64, one| most.max(*one)) / STEPS as f64
    }

    /// The METG of such ranks, which share the columns. Tasks cost `per_task` beyond their work. Found by bisection.
    fn simulated_metg(machine: Machine, ranks: usize, columns: usize, per_task: f64) -> f64 {
        let columns = columns.max(ranks);
        let share = |rank: usize| (columns + ranks - 1 - rank) / ranks;
        let (mut low, mut high) = (0.0, 1e9);
        for _ in 0..60 {
            let task = (low + high) / 2.0;
            let work = (0..ranks).map(|rank| share(rank) as f64 * (task + per_task));
            let step = simulated_step(machine, &work.collect::<Vec<_>>(), 8.0);
            let mean = columns as f64 / ranks as f64;
            match mean * task / step < 0.5 {
                true => low = task,
                false => high = task,
            }
        }
        // At an efficiency of a half, the granularity is twice the work.
        2.0 * low
    }

    #[test]
    fn two_ranks_show_the_published_time_of_a_message() {
        // The sum `o + (k - 1) G + L + o` of the paper.
        let machine = Machine {
            latency: 9e3,
            overhead: 2e3,
            gap: 14e3,
            per_byte: 30.0,
        };
        for bytes in [1.0, 8.0, 1000.0] {
            let step = simulated_step(machine, &[500.0; 2], bytes);
            assert_near(step, 500.0 + 9e3 + 2.0 * 2e3 + (bytes - 1.0) * 30.0);
        }
    }

    #[test]
    fn three_four_and_a_thousand_ranks_of_the_model_lie_in_the_predicted_range() {
        let machine = |latency, overhead, gap| Machine {
            latency,
            overhead,
            gap,
            per_byte: 0.0,
        };
        for (name, machine) in [
            ("only latency", machine(10e3, 0.0, 0.0)),
            ("only overhead", machine(0.0, 5e3, 5e3)),
            ("both", machine(6e3, 2e3, 2e3)),
        ] {
            let metg = |ranks| simulated_metg(machine, ranks, 8, 40.0);
            let cost = StepCost::fit([metg(1), metg(2)], Partners::Neighbours, 8.0, 0.5).unwrap();
            assert!((cost.per_task_ns - 40.0).abs() < 1e-3, "{name}");
            assert!((cost.per_message_ns - 10e3).abs() < 1.0, "{name}");
            for ranks in [3, 4, 8, 16, 64] {
                let error = cost.error(f64::from(ranks), metg(ranks as usize)).unwrap();
                assert!(
                    error.abs() < 1e-3,
                    "{name}: {ranks} ranks are off by {error}"
                );
            }
            // In rows of ranks, a thousand are as fast as eight with as many columns each.
            let (eight, many) = (cost.metg(8.0), cost.metg(1024.0));
            assert_eq!(eight, many);
        }
    }

    #[test]
    fn the_ends_of_the_range_are_reached_by_pure_latency_and_pure_overhead() {
        let ends = |latency, overhead| {
            let machine = Machine {
                latency,
                overhead,
                gap: overhead,
                per_byte: 0.0,
            };
            let metg = |ranks| simulated_metg(machine, ranks, 8, 40.0);
            let cost = StepCost::fit([metg(1), metg(2)], Partners::Neighbours, 8.0, 0.5);
            (cost.unwrap().metg(4.0).unwrap(), metg(4))
        };
        let (range, measured) = ends(10e3, 0.0);
        assert!(
            (measured / range.low - 1.0).abs() < 1e-3,
            "{measured} {range:?}"
        );
        let (range, measured) = ends(0.0, 5e3);
        assert!(
            (measured / range.high - 1.0).abs() < 1e-3,
            "{measured} {range:?}"
        );
    }

    #[test]
    fn everyone_sends_more_with_every_rank_and_one_rank_sends_nothing() {
        let cost = StepCost::fit([100.0, 300.0], Partners::Everyone, 4.0, 0.5).unwrap();
        assert_eq!((cost.per_task_ns, cost.per_message_ns), (50.0, 200.0));
        let range = |ranks| {
            let range = cost.metg(ranks).unwrap();
            (range.low, range.high)
        };
        assert_eq!(range(1.0), (100.0, 100.0));
        assert_eq!(range(2.0), (300.0, 300.0));
        assert_eq!(range(4.0), (500.0, 1300.0));
        assert_eq!(cost.error(4.0, 800.0), Some(0.0));
        assert_near(cost.error(4.0, 1430.0).unwrap(), 0.1);
        assert_near(cost.error(4.0, 400.0).unwrap(), -0.2);
    }

    #[test]
    fn the_rank_with_the_most_columns_decides() {
        // Three columns on two ranks: one has two, and the mean is one and a half.
        let cost = StepCost::fit([100.0, 1200.0], Partners::Neighbours, 3.0, 0.5).unwrap();
        assert_eq!((cost.per_task_ns, cost.per_message_ns), (50.0, 500.0));
        assert_near(cost.metg(2.0).unwrap().low, 1200.0);
        // Nine columns on eight ranks: no task reaches three quarters, because the mean is a little more than one column
        // and the most are two.
        let strict = StepCost::fit([100.0, 1200.0], Partners::Neighbours, 9.0, 0.75).unwrap();
        assert!(strict.metg(9.0).is_some());
        assert_eq!((strict.metg(8.0), strict.error(8.0, 1.0)), (None, None));
    }

    #[test]
    fn figures_that_no_message_explains_have_no_model() {
        let fit = |one, two, columns| StepCost::fit([one, two], Partners::Neighbours, columns, 0.5);
        assert!(fit(100.0, 300.0, 64.0).is_some());
        assert!(fit(100.0, 90.0, 64.0).is_none(), "two ranks are faster");
        assert!(fit(0.0, 90.0, 64.0).is_none());
        assert!(fit(f64::NAN, 90.0, 64.0).is_none());
        assert!(fit(100.0, f64::INFINITY, 64.0).is_none());
        assert!(fit(100.0, 300.0, 1.0).is_none(), "one column");
    }
}
