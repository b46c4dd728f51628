//! Measures the gate on this machine: how often it raises a false alarm, and how often it finds a planted slow-down.
//!
//! Both sides are the same program. One side is made slower by a known fraction, or not at all. Everything else is
//! equal: both sides take the same steps, see [`crate::measure::Meter::stretch`].

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Arm, Both, Contest, GatePlan, ListedCase, Stop, Watcher, run};
use crate::compare::{SideError, Verdict};
use crate::random::{mix, shuffle};
use crate::record::{CaseError, ErrorKind, Host, nanoseconds};
use crate::stats::binomial::proportion_interval;
use crate::stats::{Interval, median};

/// The results of a self-test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SelfTest {
    /// How each verdict was reached. The seed is that of the whole self-test.
    pub plan: GatePlan,
    /// Changes smaller than this are ignored.
    pub threshold_ratio: f64,
    /// Whether a busy loop kept one core busy meanwhile.
    pub has_neighbour: bool,
    /// The machine.
    pub host: Host,
    /// When it began, in UTC, in the format of RFC 3339.
    pub started_at: String,
    /// How long it took.
    pub elapsed_ns: u64,
    /// All verdicts, in the order in which they were reached.
    pub verdicts: Vec<SelfVerdict>,
}

/// One verdict of a self-test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SelfVerdict {
    /// The id of the case.
    pub case: String,
    /// The planted slow-down of the head: 0.05 for five per cent, 0 for none.
    pub planted_ratio: f64,
    /// The verdict on the judged time.
    pub verdict: Verdict,
    /// Its estimate.
    pub ratio: f64,
    /// The number of pairs.
    pub pair_count: u64,
    /// How long it took.
    pub elapsed_ns: u64,
    /// The fraction of the machine that everything else took meanwhile.
    pub foreign_load_ratio: Option<f64>,
    /// The spread of the control loop's times: the 95th percentile ÷ the 5th.
    pub calibration_spread_ratio: Option<f64>,
}

/// The numbers of verdicts on one planted slow-down.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VerdictTally {
    /// The planted slow-down of the head.
    pub planted_ratio: f64,
    /// The number of verdicts.
    pub count: u64,
    /// The number of each verdict, in the order of [`Verdict::ALL`].
    pub counts: [u64; 4],
    /// The number of slow-downs that were found (`Regressed`). Without a planted slow-down, the number of false alarms
    /// (`Regressed` or `Improved`).
    pub alarm_count: u64,
    /// The exact 95% interval of their fraction.
    pub alarm: Interval,
    /// How many were `Improved` although slower, or an alarm in either direction although equal.
    pub wrong_count: u64,
    /// How many were `Unchanged` although slower by more than the threshold.
    pub missed_count: u64,
    /// The median time of a verdict, in nanoseconds.
    pub median_ns: f64,
    /// The longest time of a verdict, in nanoseconds.
    pub longest_ns: u64,
}

/// The verdicts to reach.
#[derive(Debug, Clone)]
pub(crate) struct SelfTestPlan<'a> {
    /// The cases,
    pub cases: &'a [ListedCase],
    /// the slow-downs to plant, 0 for none,
    pub planted_ratios: &'a [f64],
    /// and the number of verdicts for each combination.
    pub verdict_count: u64,
    /// The threshold, if the workload does not set its own.
    pub threshold_ratio: f64,
    /// How to reach each verdict,
    pub gate: &'a GatePlan,
    /// and the time that it may take, if it is limited.
    pub max_time: Option<Duration>,
}

/// Why there is no verdict.
#[derive(Debug)]
pub(crate) enum SelfTestError {
    /// The watcher cancelled it.
    Interrupted,
    /// A case failed.
    Failed(String, Box<SideError>),
    /// The system returned an error.
    System(io::Error),
}

/// One verdict to reach.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    contest: Contest,
    gate: GatePlan,
    max_time: Option<Duration>,
    planted_ratio: f64,
}

impl SelfTestPlan<'_> {
    /// Returns all verdicts to reach, with `program` on both sides, in an order drawn from the seed, so that changes of
    /// the machine affect all alike.
    pub(crate) fn trials(&self, program: &Path) -> Vec<Trial> {
        let mut trials = Vec::new();
        let arm = Arm::of_build(program, self.gate.seed);
        for case in self.cases {
            for planted_ratio in self.planted_ratios {
                let seeds = (trials.len() as u64..).map(|number| mix(self.gate.seed ^ number));
                let several = seeds.take(self.verdict_count as usize).map(|seed| Trial {
                    contest: self.contest(case, &arm, *planted_ratio),
                    gate: GatePlan {
                        seed,
                        ..self.gate.clone()
                    },
                    max_time: self.max_time,
                    planted_ratio: *planted_ratio,
                });
                trials.extend(several.collect::<Vec<_>>());
            }
        }
        shuffle(&mut trials, self.gate.seed);
        trials
    }

    fn contest(&self, case: &ListedCase, arm: &Arm, planted_ratio: f64) -> Contest {
        let arm = |ratio| Arm {
            stretch_ratio: Some(ratio),
            ..arm.clone()
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
    pub(crate) fn case(&self) -> String {
        self.contest.case.case.id()
    }

    /// Reaches the verdict like a gate of this one case, but without a control.
    ///
    /// # Errors
    ///
    /// Why there is no verdict.
    pub(crate) fn verdict(self, watcher: &mut dyn Watcher) -> Result<SelfVerdict, SelfTestError> {
        let start = Instant::now();
        let until = self.max_time.map(|time| start + time);
        let ran = run(&[self.contest], &self.gate, until, None, watcher);
        let mut ran = ran.map_err(SelfTestError::System)?;
        if ran.stop == Stop::Interrupted {
            return Err(SelfTestError::Interrupted);
        }
        let compared = ran.cases.remove(0);
        let case = compared.case.id();
        if let Some(error) = compared.error {
            return Err(SelfTestError::Failed(case, Box::new(error)));
        }
        let Some(judgement) = compared.judgement() else {
            let why = compared.not_judged.unwrap_or_default();
            let error = CaseError::new(ErrorKind::NoSamples, why);
            let error = SideError { side: None, error };
            return Err(SelfTestError::Failed(case, Box::new(error)));
        };
        Ok(SelfVerdict {
            case,
            planted_ratio: self.planted_ratio,
            verdict: judgement.verdict,
            ratio: judgement.ratio,
            pair_count: judgement.pair_count,
            elapsed_ns: nanoseconds(start.elapsed()),
            foreign_load_ratio: ran.foreign_load_ratio,
            calibration_spread_ratio: ran.calibration_spread_ratio,
        })
    }
}

/// Counts the verdicts for each planted slow-down, smallest first.
pub(crate) fn tally<'a>(
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
    fn an_alarm_is_false_only_if_nothing_was_planted() {
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
            panic!("three slow-downs were planted");
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
        // `Unchanged` is right for a slow-down below the threshold.
        assert_eq!(shown(little), (2, 0, 0, 0));
        assert_eq!(shown(five), (4, 2, 1, 1));
        // In the order of `Verdict::ALL`: regressed, inconclusive, improved, unchanged.
        assert_eq!(five.counts, [2, 0, 1, 1]);
        assert_eq!((five.median_ns, five.longest_ns), (4.5, 9));
        assert!(tally([].iter(), 0.01).is_empty());
    }
}
