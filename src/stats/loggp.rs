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

/// What a message costs, measured between two ranks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MessageCost {
    /// The time on the network: `L`.
    pub latency_ns: f64,
    /// How long the sender is busy: `o`.
    pub send_ns: f64,
    /// How long the receiver is busy: `o`.
    pub receive_ns: f64,
    /// The time between two messages of one sender: `g`.
    pub gap_ns: f64,
    /// The time of each further byte: `G`.
    pub per_byte_ns: f64,
    /// The time from the end of one rank's step to the end of another's on the same core, with the message between them;
    /// `None` if it was not measured.
    pub turn_ns: Option<f64>,
    /// What one message each way costs two ranks with a core each that sleep while they wait, as ranks do if there are more
    /// of them than cores; `None` if it was not measured.
    pub wake_ns: Option<f64>,
}

impl MessageCost {
    /// How long a rank is busy with one message each way.
    fn busy_ns(&self) -> f64 {
        self.send_ns + self.receive_ns
    }

    /// How long it takes to send so many messages of so many bytes beyond the shortest, and to receive as many.
    ///
    /// As in the analyses of Culler et al., "LogP: Towards a Realistic Model of Parallel Computation" (PPoPP 1993): a sender
    /// starts a message every max(*g*, *o*), and the last one arrives *o* + *L* + *o* after its start. With LogGP, each takes
    /// *k G* longer for *k* further bytes. A rank is also busy with *o* for each message that it sends or receives.
    fn exchange_ns(&self, message_count: f64, further_bytes: f64) -> f64 {
        let long = further_bytes * self.per_byte_ns;
        let between = self.gap_ns.max(self.send_ns).max(self.receive_ns) + long;
        let last = (message_count - 1.0) * between + self.busy_ns() + long + self.latency_ns;
        match message_count > 0.0 {
            true => last.max(message_count * self.busy_ns()),
            false => 0.0,
        }
    }
}

/// What is known of the messages of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Messages {
    /// One message each way takes so long: `L + 2o + (k - 1) G`. How much of it is *o* is not known.
    Fitted(f64),
    /// Each part was measured. The bytes are those of a value, beyond the shortest message.
    Measured(MessageCost, f64),
}

/// What a step costs beyond the work of its tasks, on ranks that share the columns of a grid as evenly as they can.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StepCost {
    /// What each task costs beyond its work.
    pub per_task_ns: f64,
    /// What messages cost.
    pub messages: Messages,
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
            messages: Messages::Fitted(per_message_ns),
            partners,
            columns,
            target,
        })
    }

    /// What follows from the METG on one rank and from messages that were measured, with values of so many bytes beyond the
    /// shortest message.
    pub(crate) fn of_measured(
        one: f64,
        (cost, further_bytes): (MessageCost, f64),
        partners: Partners,
        columns: f64,
        target: f64,
    ) -> Option<Self> {
        let per_task_ns = (1.0 - target) * one;
        let is_sound = per_task_ns > 0.0 && per_task_ns.is_finite();
        (is_sound && columns >= 2.0).then_some(Self {
            per_task_ns,
            messages: Messages::Measured(cost, further_bytes),
            partners,
            columns,
            target,
        })
    }

    /// How long one message each way takes.
    pub(crate) fn per_message_ns(&self) -> f64 {
        match self.messages {
            Messages::Fitted(ns) => ns,
            Messages::Measured(cost, further_bytes) => cost.exchange_ns(1.0, further_bytes),
        }
    }

    /// How long so many messages of so many values take: the shortest and the longest time that is possible for what is
    /// known.
    fn exchange(&self, message_count: f64, values: f64) -> Interval {
        match self.messages {
            Messages::Fitted(ns) => Interval {
                low: message_count.min(1.0) * ns,
                high: message_count * ns,
            },
            Messages::Measured(cost, further_bytes) => {
                let ns = cost.exchange_ns(message_count, values * further_bytes);
                Interval { low: ns, high: ns }
            }
        }
    }

    /// How many messages a rank sends per step, and the values in each.
    fn sent(&self, ranks: f64, most: f64) -> (f64, f64) {
        let values = match self.partners {
            Partners::Neighbours => 1.0,
            Partners::Everyone => most,
        };
        (self.partners.message_count(ranks), values)
    }

    /// The METG if a core has `on_core` columns per step and is `beside_ns` busy with other things. Infinite if tasks of no
    /// size reach the target.
    ///
    /// The step is *w* (*t* + *c*) + *x* for *w* columns on the core. At the METG, the work *t* of the mean number of columns
    /// is `target` of it.
    fn metg_of_step(&self, mean: f64, on_core: f64, beside_ns: f64) -> f64 {
        let share = mean - self.target * on_core;
        match share > 0.0 {
            true => (on_core * self.per_task_ns + beside_ns) / share,
            false => f64::INFINITY,
        }
    }

    /// The METG on so many ranks with a core each, where the grid grows once there are more ranks than columns: one figure
    /// if the parts of a message are known, and a range otherwise, from all messages of a rank overlapping to none. `None`
    /// if the ranks have so different numbers of columns that tasks of no size reach the target.
    pub(crate) fn metg(&self, ranks: f64) -> Option<Interval> {
        let (mean, most) = columns_per_rank(self.columns, ranks);
        let (message_count, values) = self.sent(ranks, most);
        let exchange = self.exchange(message_count, values);
        let metg = |ns| self.metg_of_step(mean, most, ns);
        let range = Interval {
            low: metg(exchange.low),
            high: metg(exchange.high),
        };
        range.high.is_finite().then_some(range)
    }

    /// The METG of the same grid on so many ranks that have so many cores. Its upper end is infinite if it may be that tasks
    /// of no size reach the target. `None` if the model says nothing of it.
    ///
    /// With more ranks than cores, ranks take turns, and sleep while they wait. A step lasts until a core has done the tasks of
    /// all its ranks, a turn for each, and the messages that no turn contains; but at least as long as that of one rank with
    /// a core of its own and messages that wake it. The lower end is that of ranks which the system moves so that all cores
    /// have as much to do, and the upper end that of ranks which stay where they are. A turn that was not measured is
    /// between nothing and a message that wakes.
    pub(crate) fn metg_on(&self, ranks: f64, cores: f64) -> Option<Interval> {
        let working = ranks.min(self.columns);
        // Granularity counts ranks without a column as well.
        let idle_factor = ranks / working;
        let scaled = |range: Interval| Interval {
            low: range.low * idle_factor,
            high: range.high * idle_factor,
        };
        if ranks <= cores {
            return self.metg(working).map(scaled);
        }
        let Messages::Measured(cost, further_bytes) = self.messages else {
            return None;
        };
        let wake_ns = cost.wake_ns?;
        let waking = MessageCost {
            latency_ns: (wake_ns - cost.busy_ns()).max(0.0),
            ..cost
        };
        let alone = Self {
            messages: Messages::Measured(waking, further_bytes),
            ..*self
        };
        let alone = alone.metg(working);
        let (mean, most) = columns_per_rank(self.columns, working);
        let (message_count, _) = self.sent(working, most);
        let metg = |ranks_here: f64, turn_ns: f64| {
            let further = (message_count - 1.0).max(0.0) * cost.busy_ns();
            let turns = ranks_here * (turn_ns + further);
            let shared = match ranks_here > 1.0 {
                true => self.metg_of_step(mean, ranks_here * mean, turns),
                false => 0.0,
            };
            shared.max(alone.map_or(f64::INFINITY, |range| range.low))
        };
        let range = Interval {
            low: metg(working / cores, cost.turn_ns.unwrap_or(0.0)),
            high: metg(
                (ranks / cores).ceil().min(working),
                cost.turn_ns.unwrap_or(wake_ns),
            ),
        };
        Some(scaled(range))
    }
}

/// How far a measured METG is from what was predicted, as a share of the nearer end; 0 within the range.
pub(crate) fn error(predicted: Interval, measured: f64) -> f64 {
    let nearest = measured.clamp(predicted.low, predicted.high);
    measured / nearest - 1.0
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
            assert!((cost.per_message_ns() - 10e3).abs() < 1.0, "{name}");
            for ranks in [3, 4, 8, 16, 64] {
                let predicted = cost.metg(f64::from(ranks)).unwrap();
                let error = error(predicted, metg(ranks as usize));
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

    /// What two ranks of such a machine measure, where a message that wakes a rank takes so much longer than others.
    fn measured(machine: Machine, turn_ns: Option<f64>, longer_ns: f64) -> MessageCost {
        MessageCost {
            latency_ns: machine.latency,
            send_ns: machine.overhead,
            receive_ns: machine.overhead,
            gap_ns: machine.gap,
            per_byte_ns: machine.per_byte,
            turn_ns,
            wake_ns: Some(2.0 * machine.overhead + machine.latency + longer_ns),
        }
    }

    #[test]
    fn measured_parts_predict_ranks_of_the_model_to_less_than_a_gap() {
        let machine = |latency, overhead, gap| Machine {
            latency,
            overhead,
            gap,
            per_byte: 10.0,
        };
        for (name, machine) in [
            ("only latency", machine(10e3, 0.0, 0.0)),
            ("only overhead", machine(0.0, 5e3, 5e3)),
            ("a slow network", machine(60e3, 9e3, 9e3)),
            ("shared memory", machine(150.0, 200.0, 260.0)),
        ] {
            let metg = |ranks| simulated_metg(machine, ranks, 8, 40.0);
            // The simulation sends 8 bytes, and the shortest message has one.
            let parts = (measured(machine, None, 0.0), 7.0);
            let cost = StepCost::of_measured(metg(1), parts, Partners::Neighbours, 8.0, 0.5);
            let cost = cost.unwrap();
            let two = cost.metg(2.0).unwrap();
            assert_eq!(two.low, two.high);
            assert!((two.low / metg(2) - 1.0).abs() < 1e-3, "{name}");
            for ranks in [3, 4, 8, 16, 64] {
                let predicted = cost.metg(f64::from(ranks)).unwrap();
                assert_eq!(predicted.low, predicted.high);
                // Neighbours that are a little apart wait half a gap less, so the figure is a little too high. Bytes that
                // follow a message keep the network busy, which the formula leaves out.
                let (found, columns) = (metg(ranks as usize), 8.0 / f64::from(ranks));
                let share = columns.max(1.0) - 0.5 * columns.max(1.0).ceil();
                let gap = (machine.gap + 70.0) / share;
                let beyond = predicted.low - found;
                assert!(
                    (-5e-3 * found..=gap).contains(&beyond),
                    "{name}: {ranks} ranks: {predicted:?}, and the simulation has {found}"
                );
            }
        }
    }

    #[test]
    fn a_rank_is_busy_with_each_of_many_messages() {
        let machine = Machine {
            latency: 1e3,
            overhead: 200.0,
            gap: 300.0,
            per_byte: 2.0,
        };
        let cost = measured(machine, None, 0.0);
        assert_near(cost.exchange_ns(0.0, 10.0), 0.0);
        assert_near(cost.exchange_ns(1.0, 10.0), 200.0 + 1e3 + 200.0 + 20.0);
        assert_near(cost.exchange_ns(3.0, 0.0), 2.0 * 300.0 + 1400.0);
        // Sending and receiving 63 messages takes longer than the gaps.
        assert_near(cost.exchange_ns(63.0, 0.0), 63.0 * 400.0);
    }

    /// The METG of ranks that take turns on cores, each core with ranks side by side, from the rules: a core runs the rank
    /// whose turn it is once the messages of its neighbours are there, and needs `switch` to go on to the next. A message from
    /// another core takes so much longer than one that meets its receiver awake.
    fn simulated_turns(
        machine: Machine,
        [switch, longer]: [f64; 2],
        [ranks, cores]: [usize; 2],
    ) -> f64 {
        const STEPS: usize = 200;
        let (columns, per_task, target) = (8, 40.0, 0.2);
        let core_of = |rank: usize| rank * cores / ranks;
        let step = |task: f64| {
            let mut free = vec![0.0_f64; cores];
            let mut sent = vec![0.0_f64; ranks];
            for _ in 0..STEPS {
                let before = sent.clone();
                for rank in 0..ranks {
                    let free = &mut free[core_of(rank)];
                    let near = rank.saturating_sub(1)..(rank + 2).min(ranks);
                    let neighbours = near.filter(|one| *one != rank);
                    let count = neighbours.clone().count() as f64;
                    for neighbour in neighbours {
                        // Who has the same core has sent before its turn ended.
                        let is_far = core_of(neighbour) != core_of(rank);
                        // Who is woken gets the core in that time.
                        let woken = (longer - switch).max(0.0);
                        let way = f64::from(is_far) * (machine.latency + woken);
                        *free = free.max(before[neighbour] + way);
                    }
                    let work = columns as f64 / ranks as f64 * (task + per_task);
                    *free += switch + work + 2.0 * count * machine.overhead;
                    sent[rank] = *free;
                }
            }
            free.iter().fold(0.0, |most: f64, one| most.max(*one)) / STEPS as f64
        };
        let mean = columns as f64 / ranks as f64;
        let (mut low, mut high) = (0.0, 1e9);
        for _ in 0..60 {
            let task = (low + high) / 2.0;
            match mean * task / step(task) < target {
                true => low = task,
                false => high = task,
            }
        }
        low / target
    }

    #[test]
    fn ranks_that_take_turns_pay_for_the_work_of_the_core_and_for_the_turns() {
        let machine = Machine {
            latency: 500.0,
            overhead: 200.0,
            gap: 200.0,
            per_byte: 0.0,
        };
        let turn = Some(5e3 + 2.0 * 200.0);
        // METG(20%) of one rank: 40 ns are 80% of it.
        let of =
            |parts| StepCost::of_measured(50.0, parts, Partners::Neighbours, 8.0, 0.2).unwrap();
        // Waking takes less than the turns, or more.
        for longer in [0.0, 2e3, 50e3] {
            let cost = of((measured(machine, turn, longer), 0.0));
            for (ranks, cores) in [(4, 2), (8, 2), (8, 4)] {
                let found = simulated_turns(machine, [5e3, longer], [ranks, cores]);
                let predicted = cost.metg_on(ranks as f64, cores as f64).unwrap();
                assert_near(predicted.low, predicted.high);
                let error = error(predicted, found);
                assert!(error.abs() < 0.05, "{ranks} on {cores}, {longer}: {error}");
            }
        }
        let parts = (measured(machine, turn, 0.0), 0.0);
        let cost = of(parts);
        // Three ranks on two cores: even, or two of them on one core.
        let three = cost.metg_on(3.0, 2.0).unwrap();
        assert!(three.low < three.high && three.high.is_finite());
        // Two ranks on a core never reach more than half.
        let half = StepCost::of_measured(80.0, parts, Partners::Neighbours, 8.0, 0.5).unwrap();
        assert_eq!(half.metg_on(3.0, 2.0).unwrap().high, f64::INFINITY);
        assert_eq!(half.metg_on(4.0, 2.0).unwrap().low, f64::INFINITY);
        // Two ranks on two hosts show no turn: between none and a message that wakes.
        let with = |turn| {
            let parts = (measured(machine, turn, 9e3), 0.0);
            of(parts).metg_on(4.0, 2.0).unwrap()
        };
        let untold = with(None);
        assert_eq!(untold.low, with(Some(0.0)).low);
        assert_eq!(untold.high, with(Some(9900.0)).high);
        assert!(untold.low < with(turn).low && with(turn).high < untold.high);
        // Nothing is known of ranks that sleep.
        let mut untold = measured(machine, None, 0.0);
        untold.wake_ns = None;
        let untold = (untold, 0.0);
        let untold = StepCost::of_measured(80.0, untold, Partners::Neighbours, 8.0, 0.5).unwrap();
        assert_eq!(untold.metg_on(3.0, 2.0), None);
        assert_eq!(untold.metg_on(2.0, 2.0), untold.metg(2.0));
    }

    #[test]
    fn ranks_without_a_column_count_for_the_granularity_and_send_nothing() {
        let machine = Machine {
            latency: 1e3,
            overhead: 0.0,
            gap: 0.0,
            per_byte: 0.0,
        };
        let parts = (measured(machine, Some(5e3), 3e3), 0.0);
        let cost = StepCost::of_measured(100.0, parts, Partners::Neighbours, 2.0, 0.5).unwrap();
        let two = cost.metg(2.0).unwrap();
        assert_eq!((two.low, two.high), (2100.0, 2100.0));
        let three = cost.metg_on(3.0, 4.0).unwrap();
        assert_eq!((three.low, three.high), (3150.0, 3150.0));
        // On two cores, the two that work may have one each, or share one. One that waits sleeps.
        let crowded = cost.metg_on(3.0, 2.0).unwrap();
        assert_eq!((crowded.low, crowded.high), (12150.0, f64::INFINITY));
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
        assert_eq!((cost.per_task_ns, cost.per_message_ns()), (50.0, 200.0));
        let range = |ranks| {
            let range = cost.metg(ranks).unwrap();
            (range.low, range.high)
        };
        assert_eq!(range(1.0), (100.0, 100.0));
        assert_eq!(range(2.0), (300.0, 300.0));
        assert_eq!(range(4.0), (500.0, 1300.0));
        let four = cost.metg(4.0).unwrap();
        assert_eq!(error(four, 800.0), 0.0);
        assert_near(error(four, 1430.0), 0.1);
        assert_near(error(four, 400.0), -0.2);
    }

    #[test]
    fn the_rank_with_the_most_columns_decides() {
        // Three columns on two ranks: one has two, and the mean is one and a half.
        let cost = StepCost::fit([100.0, 1200.0], Partners::Neighbours, 3.0, 0.5).unwrap();
        assert_eq!((cost.per_task_ns, cost.per_message_ns()), (50.0, 500.0));
        assert_near(cost.metg(2.0).unwrap().low, 1200.0);
        // Nine columns on eight ranks: no task reaches three quarters, because the mean is a little more than one column
        // and the most are two.
        let strict = StepCost::fit([100.0, 1200.0], Partners::Neighbours, 9.0, 0.75).unwrap();
        assert!(strict.metg(9.0).is_some());
        assert_eq!((strict.metg(8.0), strict.metg_on(8.0, 8.0)), (None, None));
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
