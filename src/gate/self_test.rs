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
use crate::compare::{ComparedCase, SideError, Verdict};
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
pub struct Tally {
    /// By what part the head was made slower.
    pub planted_ratio: f64,
    /// How many verdicts.
    pub count: u64,
    /// How many of each, in the order of [`Verdict::ALL`].
    pub counts: [u64; 4],
    /// The part that was `Regressed`, with its exact 95% interval: power, or for nothing planted the part of
    /// false alarms together with `Improved`.
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
    /// What counts as a change.
    pub threshold_ratio: f64,
    /// How each is come to.
    pub gate: &'a GatePlan,
}

/// Why a self-test ended early.
#[derive(Debug)]
pub enum SelfTestError {
    /// The watcher asked for it.
    Interrupted,
    /// A case failed.
    Failed(String, Box<SideError>),
    /// The system refused something.
    System(io::Error),
}

/// Comes to all verdicts, in an order drawn from the seed, with `program` on both sides. `done` is given
/// each as it comes.
///
/// # Errors
///
/// What ended it early. What was found before has been given to `done`.
pub fn self_test(
    plan: &SelfTestPlan<'_>,
    program: &Path,
    watcher: &mut dyn Watcher,
    done: &mut dyn FnMut(&SelfVerdict),
) -> Result<Vec<SelfVerdict>, SelfTestError> {
    let mut trials: Vec<(&ListedCase, f64)> = Vec::new();
    for case in plan.cases {
        for ratio in plan.planted_ratios {
            trials.extend((0..plan.verdict_count).map(|_| (case, *ratio)));
        }
    }
    shuffle(&mut trials, plan.gate.seed);
    let mut verdicts = Vec::new();
    for (index, (case, planted_ratio)) in trials.into_iter().enumerate() {
        let gate = GatePlan {
            seed: mix(plan.gate.seed ^ index as u64),
            ..plan.gate.clone()
        };
        let contest = contest(case, program, planted_ratio, plan.threshold_ratio);
        let verdict = one_verdict(contest, &gate, planted_ratio, watcher)?;
        done(&verdict);
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

fn contest(case: &ListedCase, program: &Path, planted: f64, threshold_ratio: f64) -> Contest {
    let arm = |ratio| Arm {
        program: program.into(),
        stretch_ratio: Some(ratio),
    };
    Contest {
        case: case.clone(),
        arms: Both {
            base: arm(0.0),
            head: arm(planted),
        },
        threshold_ratio,
        is_control: false,
    }
}

fn one_verdict(
    contest: Contest,
    gate: &GatePlan,
    planted_ratio: f64,
    watcher: &mut dyn Watcher,
) -> Result<SelfVerdict, SelfTestError> {
    let start = Instant::now();
    let mut ran = run(&[contest], gate, None, None, watcher).map_err(SelfTestError::System)?;
    if ran.stop == Stop::Interrupted {
        return Err(SelfTestError::Interrupted);
    }
    let ComparedCase {
        case, wall, error, ..
    } = ran.cases.remove(0);
    let id = case.id();
    if let Some(error) = error {
        return Err(SelfTestError::Failed(id, Box::new(error)));
    }
    let wall = wall.expect("a case without an error has its pairs, and these have a median");
    Ok(SelfVerdict {
        case: id,
        planted_ratio,
        verdict: wall.verdict,
        ratio: wall.ratio,
        pair_count: wall.pair_count,
        elapsed_ns: start.elapsed().as_nanos().try_into().unwrap_or(u64::MAX),
        foreign_load_ratio: ran.foreign_load_ratio,
        calibration_spread_ratio: ran.calibration_spread_ratio,
    })
}

/// Counts the verdicts for each planted change, the smallest first.
pub fn tally<'a>(
    verdicts: impl Iterator<Item = &'a SelfVerdict> + Clone,
    threshold_ratio: f64,
) -> Vec<Tally> {
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

fn tally_of(planted_ratio: f64, verdicts: &[&SelfVerdict], threshold_ratio: f64) -> Tally {
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
    Tally {
        planted_ratio,
        count,
        counts: Verdict::ALL.map(of),
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
