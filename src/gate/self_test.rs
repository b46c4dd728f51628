//! What the gate can see on this machine: how often it cries wolf, and how often it finds what is there.
//!
//! Both sides are the same program. One of them is made slower by a known part, or by nothing at all, with
//! everything else alike: the same steps are taken on both sides, see
//! [`crate::measure::Meter::stretch`].

use std::io;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Arm, Both, Contest, GatePlan, ListedCase, Stop, Watcher, run};
use crate::compare::{SideError, Verdict};
use crate::random::{mix, shuffle};
use crate::record::Host;
use crate::stats::binomial::proportion_interval;
use crate::stats::{Interval, median};

/// What a self-test found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// How each verdict was come to; the seed is that of the whole.
    pub plan: GatePlan,
    /// What counts as a change.
    pub threshold_ratio: f64,
    /// Whether a busy loop ran on one core beside it.
    pub has_neighbour: bool,
    /// The machine.
    pub host: Host,
    /// When it began, in UTC, as RFC 3339 has it.
    pub started_at: String,
    /// How long it took.
    pub elapsed_ns: u64,
    /// Every verdict, in the order they were come to.
    pub verdicts: Vec<SelfVerdict>,
}

/// One verdict of a self-test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfVerdict {
    /// The id of the case.
    pub case: String,
    /// By what part the head was made slower: 0.05 for five per cent, 0 for nothing.
    pub planted_ratio: f64,
    /// What the gate said of wall time.
    pub verdict: Verdict,
    /// Its estimate.
    pub ratio: f64,
    /// How many pairs it took.
    pub pair_count: u64,
    /// How long it took.
    pub elapsed_ns: u64,
    /// The part of the machine that everything else took meanwhile.
    pub foreign_load_ratio: Option<f64>,
    /// How much slower the calibration loop was at its slow times than at its fast ones.
    pub calibration_spread_ratio: Option<f64>,
}

/// The verdicts on one planted change, counted.
#[derive(Debug, Clone, PartialEq)]
pub struct VerdictTally {
    /// By what part the head was made slower.
    pub planted_ratio: f64,
    /// How many verdicts.
    pub count: u64,
    /// How many of each, in the order of [`Verdict::ALL`].
    pub counts: [u64; 4],
    /// How many were `Regressed`: slow-downs that were found. For nothing planted, how many were that or
    /// `Improved`: false alarms.
    pub alarm_count: u64,
    /// The exact 95% interval of their part.
    pub alarm: Interval,
    /// How many were `Improved` though slower, or an alarm in either direction though the same.
    pub wrong_count: u64,
    /// How many said `Unchanged` though slower by more than the threshold.
    pub missed_count: u64,
    /// The median time of a verdict, in nanoseconds.
    pub median_ns: f64,
    /// The longest, in nanoseconds.
    pub longest_ns: u64,
}

/// Which verdicts to come to.
#[derive(Debug, Clone)]
pub struct SelfTestPlan<'a> {
    /// On these cases,
    pub cases: &'a [ListedCase],
    /// with these changes planted, 0 for none,
    pub planted_ratios: &'a [f64],
    /// this many of each.
    pub verdict_count: u64,
    /// What counts as a change, where the workload does not say so itself.
    pub threshold_ratio: f64,
    /// How each is come to.
    pub gate: &'a GatePlan,
}

/// Why there is no verdict.
#[derive(Debug)]
pub enum SelfTestError {
    /// The watcher asked for it.
    Interrupted,
    /// A case failed.
    Failed(String, Box<SideError>),
    /// The system refused something.
    System(io::Error),
}

/// One verdict to come to.
#[derive(Debug, Clone)]
pub struct Trial {
    contest: Contest,
    gate: GatePlan,
    planted_ratio: f64,
}

impl SelfTestPlan<'_> {
    /// All verdicts to come to, with `program` on both sides, in an order drawn from the seed: what happens
    /// on the machine meanwhile falls on all alike.
    pub fn trials(&self, program: &Path) -> Vec<Trial> {
        let mut trials = Vec::new();
        for case in self.cases {
            for planted_ratio in self.planted_ratios {
                let seeds = (trials.len() as u64..).map(|number| mix(self.gate.seed ^ number));
                let several = seeds.take(self.verdict_count as usize).map(|seed| Trial {
                    contest: self.contest(case, program, *planted_ratio),
                    gate: GatePlan {
                        seed,
                        ..self.gate.clone()
                    },
                    planted_ratio: *planted_ratio,
                });
                trials.extend(several.collect::<Vec<_>>());
            }
        }
        shuffle(&mut trials, self.gate.seed);
        trials
    }

    fn contest(&self, case: &ListedCase, program: &Path, planted_ratio: f64) -> Contest {
        let arm = |ratio| Arm {
            program: program.into(),
            stretch_ratio: Some(ratio),
        };
        Contest {
            case: case.clone(),
            arms: Both {
                base: arm(0.0),
                head: arm(planted_ratio),
            },
            threshold_ratio: case.threshold_ratio.unwrap_or(self.threshold_ratio),
            is_control: false,
        }
    }
}

impl Trial {
    /// The id of its case.
    pub fn case(&self) -> String {
        self.contest.case.case.id()
    }

    /// Comes to the verdict as a gate of this one case does, but without its control.
    ///
    /// # Errors
    ///
    /// What kept it from one.
    pub fn verdict(self, watcher: &mut dyn Watcher) -> Result<SelfVerdict, SelfTestError> {
        let start = Instant::now();
        let ran = run(&[self.contest], &self.gate, None, None, watcher);
        let mut ran = ran.map_err(SelfTestError::System)?;
        if ran.stop == Stop::Interrupted {
            return Err(SelfTestError::Interrupted);
        }
        let compared = ran.cases.remove(0);
        let case = compared.case.id();
        if let Some(error) = compared.error {
            return Err(SelfTestError::Failed(case, Box::new(error)));
        }
        let wall = compared.wall;
        let wall = wall.expect("a case without an error has its pairs, and these have a median");
        Ok(SelfVerdict {
            case,
            planted_ratio: self.planted_ratio,
            verdict: wall.verdict,
            ratio: wall.ratio,
            pair_count: wall.pair_count,
            elapsed_ns: start.elapsed().as_nanos().try_into().unwrap_or(u64::MAX),
            foreign_load_ratio: ran.foreign_load_ratio,
            calibration_spread_ratio: ran.calibration_spread_ratio,
        })
    }
}

/// Counts the verdicts for each planted change, the smallest first.
pub fn tally<'a>(
    verdicts: impl Iterator<Item = &'a SelfVerdict> + Clone,
    threshold_ratio: f64,
) -> Vec<VerdictTally> {
    let mut ratios: Vec<f64> = verdicts.clone().map(|one| one.planted_ratio).collect();
    ratios.sort_by(f64::total_cmp);
    ratios.dedup();
    let of = |ratio: f64| {
        let own: Vec<_> = verdicts
            .clone()
            .filter(|one| one.planted_ratio == ratio)
            .collect();
        tally_of(ratio, &own, threshold_ratio)
    };
    ratios.into_iter().map(of).collect()
}

fn tally_of(planted_ratio: f64, verdicts: &[&SelfVerdict], threshold_ratio: f64) -> VerdictTally {
    let of = |verdict| verdicts.iter().filter(|one| one.verdict == verdict).count() as u64;
    let is_same = planted_ratio == 0.0;
    let (regressed, improved) = (of(Verdict::Regressed), of(Verdict::Improved));
    let alarms = if is_same {
        regressed + improved
    } else {
        regressed
    };
    let times: Vec<f64> = verdicts.iter().map(|one| one.elapsed_ns as f64).collect();
    let count = verdicts.len() as u64;
    VerdictTally {
        planted_ratio,
        count,
        counts: Verdict::ALL.map(of),
        alarm_count: alarms,
        alarm: proportion_interval(alarms, count, 0.05),
        wrong_count: if is_same { alarms } else { improved },
        missed_count: match planted_ratio > threshold_ratio {
            true => of(Verdict::Unchanged),
            false => 0,
        },
        median_ns: median(&times).unwrap_or(0.0),
        longest_ns: verdicts.iter().map(|one| one.elapsed_ns).max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(planted_ratio: f64, verdict: Verdict, elapsed_ns: u64) -> SelfVerdict {
        SelfVerdict {
            case: "x".into(),
            planted_ratio,
            verdict,
            ratio: 1.0,
            pair_count: 30,
            elapsed_ns,
            foreign_load_ratio: None,
            calibration_spread_ratio: None,
        }
    }

    #[test]
    fn what_counts_as_an_alarm_depends_on_what_was_planted() {
        use Verdict::{Improved, Inconclusive, Regressed, Unchanged};
        let verdicts = [
            verdict(0.05, Regressed, 3),
            verdict(0.05, Regressed, 4),
            verdict(0.05, Improved, 5),
            verdict(0.05, Unchanged, 9),
            verdict(0.0, Unchanged, 1),
            verdict(0.0, Regressed, 1),
            verdict(0.0, Improved, 1),
            verdict(0.005, Unchanged, 1),
            verdict(0.005, Inconclusive, 1),
        ];
        let [nothing, little, five] = &tally(verdicts.iter(), 0.01)[..] else {
            panic!("three changes were planted");
        };
        let shown = |tally: &VerdictTally| {
            (
                tally.count,
                tally.alarm_count,
                tally.wrong_count,
                tally.missed_count,
            )
        };
        assert_eq!(shown(nothing), (3, 2, 2, 0));
        // Unchanged is right for what is smaller than the threshold.
        assert_eq!(shown(little), (2, 0, 0, 0));
        assert_eq!(shown(five), (4, 2, 1, 1));
        // In the order of `Verdict::ALL`: regressed, inconclusive, improved, unchanged.
        assert_eq!(five.counts, [2, 0, 1, 1]);
        assert_eq!((five.median_ns, five.longest_ns), (4.5, 9));
        assert!(tally([].iter(), 0.01).is_empty());
    }
}
