//! Simulates gates that look after every pair, to count their false alarms: what the proof assumes can be broken here.

use super::paired::{Looks, Round, difference};
use crate::random::SplitMix64;

/// How simulated differences scatter around their median, which is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Noise {
    /// Normally distributed.
    Normal,
    /// Without a mean: the ratio of two normal numbers, five times as wide on one side.
    HeavyTails,
    /// Two of three differences are exactly 0.
    Ties,
    /// Differences of rounds of slices, while the speed of the machine drifts by some per cent per slice and jumps.
    Drift,
    /// An AR(1) process: each normal number has this correlation with the one before it.
    Correlated(f64),
}

/// A sequence of simulated differences.
#[derive(Debug, Clone)]
pub(super) struct DrawnDifferences {
    noise: Noise,
    random: SplitMix64,
    /// What the next value depends on: the last number of an AR(1) process, or the logarithm of the machine's speed.
    state: f64,
}

impl DrawnDifferences {
    /// The sequence of these random numbers.
    pub(super) fn new(noise: Noise, random: SplitMix64) -> Self {
        let mut drawn = Self {
            noise,
            random,
            state: 0.0,
        };
        // An AR(1) process begins as it goes on.
        drawn.state = drawn.normal();
        drawn
    }

    /// The next difference.
    pub(super) fn draw(&mut self) -> f64 {
        match self.noise {
            Noise::Normal => self.normal(),
            Noise::HeavyTails => {
                let ratio = self.normal() / self.normal();
                if ratio > 0.0 { 5.0 * ratio } else { ratio }
            }
            Noise::Ties => match self.random.below(3) {
                0 => self.normal(),
                _ => 0.0,
            },
            Noise::Drift => self.drifting(),
            Noise::Correlated(correlation) => {
                let present = self.state;
                let new = (1.0 - correlation * correlation).sqrt() * self.normal();
                self.state = correlation * present + new;
                present
            }
        }
    }

    /// The difference of a pair of three rounds. Its sides are equal, and the machine is not.
    fn drifting(&mut self) -> f64 {
        let rounds: [Round; 3] = std::array::from_fn(|_| {
            let slices: [f64; 4] = std::array::from_fn(|_| {
                let jump = if self.random.below(50) == 0 { 0.3 } else { 0.0 };
                // The drift has a direction: everything gets slower.
                self.state += 0.02 + jump * self.normal();
                (self.state + 0.01 * self.normal()).exp()
            });
            let [outer, inner] = [[slices[0], slices[3]], [slices[1], slices[2]]];
            let (base, head) = match self.random.below(2) {
                0 => (outer, inner),
                _ => (inner, outer),
            };
            Round { base, head }
        });
        // A gate measures for minutes, and speed has limits.
        self.state %= 1.0;
        difference(&rounds).expect("all times are above 0")
    }

    /// A normally distributed number (Box and Muller, Annals of Mathematical Statistics 29:2, 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A number in [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Simulated gates of one case.
#[derive(Debug, Clone, Copy)]
pub struct Simulated {
    /// How their differences scatter.
    pub noise: Noise,
    /// The level of the test, one side.
    pub level: f64,
    /// Each gate ends at this number of pairs, if not before.
    pub most_pairs: u64,
    /// How many gates.
    pub gate_count: u64,
    /// The seed of all of them.
    pub seed: u64,
}

impl Simulated {
    /// How many of the gates ever call a change that is exactly the threshold a regression, if they look after every
    /// pair. No other change below or at the threshold raises more false alarms.
    pub fn false_alarm_count(&self) -> u64 {
        self.alarm_count(Looks::AfterEveryPair)
    }

    fn alarm_count(&self, looks: Looks) -> u64 {
        let needed: Vec<u64> = (1..=self.most_pairs)
            .map(|n| looks.needed_count(n, self.level).unwrap_or(u64::MAX))
            .collect();
        let gates = (0..self.gate_count).filter(|gate| {
            let random = SplitMix64::new(self.seed ^ (gate << 32));
            let mut drawn = DrawnDifferences::new(self.noise, random);
            let mut above = 0;
            needed.iter().any(|needed| {
                above += u64::from(drawn.draw() > 0.0);
                above >= *needed
            })
        });
        gates.count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simulated(noise: Noise) -> Simulated {
        Simulated {
            noise,
            // Higher than that of a gate, so that alarms are frequent enough to be counted.
            level: 0.05,
            most_pairs: 200,
            gate_count: 1000,
            seed: 5,
        }
    }

    /// The expected number of alarms at the level, and three standard deviations more.
    fn most(simulated: &Simulated) -> u64 {
        let expected = simulated.gate_count as f64 * simulated.level;
        (expected + 3.0 * expected.sqrt()) as u64
    }

    #[test]
    fn stopping_at_any_time_raises_no_more_false_alarms_than_stated() {
        for noise in [Noise::Normal, Noise::HeavyTails, Noise::Drift] {
            let gates = simulated(noise);
            let alarms = gates.false_alarm_count();
            assert!(alarms <= most(&gates), "{noise:?}: {alarms}");
            assert!(alarms > 0, "{noise:?}: the test must be able to see alarms");
        }
    }

    #[test]
    fn ties_count_against_an_alarm() {
        assert_eq!(simulated(Noise::Ties).false_alarm_count(), 0);
    }

    #[test]
    fn looking_after_every_pair_with_the_test_of_one_look_does_not_keep_its_word() {
        let gates = simulated(Noise::Normal);
        assert!(gates.alarm_count(Looks::Once) > 3 * most(&gates));
    }

    #[test]
    fn correlated_pairs_raise_more_false_alarms() {
        let alarms = |correlation| {
            let gates = simulated(Noise::Correlated(correlation));
            gates.false_alarm_count()
        };
        assert!(alarms(0.1) <= most(&simulated(Noise::Normal)));
        assert!(alarms(0.5) > 2 * alarms(0.1));
    }
}
