//! Judges records of separate sessions.
//!
//! Two sessions differ for many reasons other than the code: the machine's speed drifts, and each process gets other
//! places in memory. This module decides what can still be judged.

use std::collections::BTreeMap;

use self::sides::{CaseRecords, Sides};
use super::Placed;
use super::judge::verdict;
use super::model::{
    Allowed, Build, COMPARISON_VERSION, ComparedCase, Comparison, ComparisonSource, Judgement,
    RatioInterval, Side, SideError, SideTimes, Verdict,
};
use super::sessions::{DriftCorrection, calibration, control_ns, counts, has_times, log_times};
use super::steady::not_steady_sessions;
use super::unlike::unlike;
use crate::random::SplitMix64;
use crate::record::{CaseError, Channel, ErrorKind, Record};
use crate::stats::holm::adjusted;
use crate::stats::paired::SignTests;
use crate::stats::{SessionDifference, median, quantile, session_difference};

mod sides;

/// Above this standard deviation between sessions of one build, a case is not judged: sessions of some cases differed
/// by 5 to 7% although nothing had changed.
const MOST_SPREAD_RATIO: f64 = 0.02;

/// The number of sessions on both sides together that shows how much sessions differ. With fewer than four degrees of
/// freedom, Student's t gives intervals so wide that no real change lies outside.
const FEWEST_SESSIONS: usize = 6;

/// More sessions than this are not practical.
const MOST_SESSIONS: usize = 200;

/// One side of a comparison of records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored<'a> {
    /// Its name on the command line.
    pub name: &'a str,
    /// Its records, of one or several sessions.
    pub records: &'a [Placed],
}

/// The settings of a comparison of records.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StoredPlan {
    /// Changes smaller than this are ignored: 0.01 for one per cent. Above 0.
    pub threshold_ratio: f64,
    /// The chance of any false alarm in the whole comparison is at most this.
    pub alpha: f64,
    /// The seed of the bootstrap.
    pub seed: u64,
    /// Whether to show the figures of records that must not be compared, with a warning.
    pub advisory: bool,
}

/// Why two sets of records must not be compared: one sentence per reason, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotComparable(pub Vec<String>);

/// Compares `head` with `base`, case by case.
///
/// # Errors
///
/// The reasons why they must not be compared, unless the plan asks for advisory figures: other machines, digests, plans
/// or parameters, or a side with several commits.
///
/// # Panics
///
/// If a side has no records.
pub(crate) fn compare_records(
    base: Stored<'_>,
    head: Stored<'_>,
    plan: &StoredPlan,
) -> Result<Comparison, NotComparable> {
    let reasons = unlike(base.records, head.records);
    if !reasons.is_empty() && !plan.advisory {
        return Err(NotComparable(reasons));
    }
    let first = &head.records[0].1;
    let sides = Sides::new(base.records, head.records);
    Ok(Comparison {
        pin: None,
        course: None,
        comparison_version: COMPARISON_VERSION,
        source: ComparisonSource::Records,
        base: build(base),
        head: build(head),
        alpha: plan.alpha,
        seed: plan.seed,
        host: first.host.clone(),
        started_at: first.started_at.clone(),
        elapsed_ns: 0,
        foreign_load_ratio: foreign_load(base.records.iter().chain(head.records)),
        calibration_spread_ratio: calibration_spread(base.records.iter().chain(head.records)),
        cases: judged(&sides.both, plan),
        control: None,
        missing: sides.missing,
        advisory: reasons,
        allowed: Allowed::default(),
    })
}

fn build(stored: Stored<'_>) -> Build {
    let commit = stored.records[0].1.commit.as_ref();
    Build {
        name: stored.name.into(),
        commit: commit.map(|commit| commit.hash.clone()),
        dirty: commit.is_some_and(|commit| commit.dirty),
        sha256: None,
    }
}

/// CPU time of everything else ÷ (wall clock × cores), over all samples that have it.
fn foreign_load<'a>(records: impl Iterator<Item = &'a Placed>) -> Option<f64> {
    let (mut foreign, mut capacity) = (0.0, 0.0);
    for (_, record) in records {
        for sample in &record.samples {
            if let Some(foreign_cpu_ns) = sample.foreign_cpu_ns {
                foreign += foreign_cpu_ns as f64;
                capacity += sample.wall_ns as f64 * f64::from(record.host.core_count);
            }
        }
    }
    (capacity > 0.0).then(|| foreign / capacity)
}

/// The 95th percentile of all times of the control loop on one thread ÷ the 5th.
fn calibration_spread<'a>(records: impl Iterator<Item = &'a Placed>) -> Option<f64> {
    let calibrations = records.flat_map(|(_, record)| &record.calibrations);
    let times: Vec<f64> = calibrations.map(|one| one.single_ns as f64).collect();
    let (slow, fast) = (quantile(&times, 0.95)?, quantile(&times, 0.05)?);
    (fast > 0.0).then(|| slow / fast)
}

/// Judges all cases together: the times that decide, and by themselves the others.
fn judged(cases: &[CaseRecords<'_>], plan: &StoredPlan) -> Vec<ComparedCase> {
    let mut random = SplitMix64::new(plan.seed);
    let mut all = |channel: fn(Channel) -> Channel| -> Vec<Option<Judgement>> {
        let found = cases
            .iter()
            .map(|case| case.found(channel(case.judged()), &mut random));
        judgements(&found.collect::<Vec<_>>(), plan)
    };
    let (decisive, others) = (all(|judged| judged), all(Channel::other));
    let judged = cases.iter().zip(decisive.into_iter().zip(others));
    judged
        .map(|(case, (decisive, other))| {
            let judged = case.judged();
            let (wall, cpu) = match judged {
                Channel::Wall => (decisive, other),
                Channel::Cpu => (other, decisive),
            };
            ComparedCase {
                case: case.head[0].case.clone(),
                judged,
                has_latencies: case.all().any(|record| !record.latencies.is_empty()),
                wall,
                cpu,
                times: case.times(judged),
                elapsed_ns: 0,
                error: case.error(),
                not_judged: case.why_not_judged(),
                not_steady: not_steady_sessions([("base", &case.base), ("head", &case.head)]),
            }
        })
        .collect()
}

/// The findings from the sessions of one channel of one case.
struct SessionsFound {
    /// The logarithm of the head's time ÷ the base's time; `None` if a side has no samples.
    estimate: Option<f64>,
    difference: Option<SessionDifference>,
    base_count: usize,
    head_count: usize,
    /// Whether it may be judged.
    is_sound: bool,
}

impl CaseRecords<'_> {
    fn found(&self, channel: Channel, random: &mut SplitMix64) -> SessionsFound {
        let how = self.how_calibrated();
        let base = log_times(&self.base, channel, how);
        let head = log_times(&self.head, channel, how);
        SessionsFound {
            estimate: center(&head)
                .zip(center(&base))
                .map(|(head, base)| head - base),
            difference: session_difference(&base, &head, random),
            base_count: base.len(),
            head_count: head.len(),
            is_sound: self.error().is_none() && self.why_not_judged().is_none(),
        }
    }

    /// The times of a run on both sides as they were measured, without a correction for the drift of the machine; `None`
    /// after an error.
    fn times(&self, channel: Channel) -> Option<SideTimes> {
        let of = |records: &[&Record]| {
            let center = center(&log_times(records, channel, DriftCorrection::NotNeeded));
            center.filter(|_| self.error().is_none()).map(f64::exp)
        };
        Some(SideTimes {
            base_ns: of(&self.base)?,
            head_ns: of(&self.head)?,
        })
    }

    /// The time that decides.
    fn judged(&self) -> Channel {
        Channel::judged(self.all())
    }

    /// The records of both sides, the head first.
    fn all(&self) -> impl Iterator<Item = &Record> + Clone {
        self.head.iter().chain(&self.base).copied()
    }

    /// How its times are calibrated. They are divided by those of the control loop only if every session has them.
    fn how_calibrated(&self) -> DriftCorrection {
        match calibration(self.all()) {
            DriftCorrection::ControlLoop
                if self.all().all(|record| control_ns(record).is_some()) =>
            {
                DriftCorrection::ControlLoop
            }
            DriftCorrection::ControlLoop => DriftCorrection::NotNeeded,
            other => other,
        }
    }

    /// The first failure of either side.
    fn error(&self) -> Option<SideError> {
        let failed = |side, records: &[&Record]| {
            let error = records.iter().find_map(|record| failure(record))?;
            Some(SideError {
                side: Some(side),
                error,
            })
        };
        failed(Side::Base, &self.base).or_else(|| failed(Side::Head, &self.head))
    }

    /// Why the records cannot be judged; `None` if they can.
    fn why_not_judged(&self) -> Option<String> {
        if self.error().is_some() {
            return None;
        }
        if !self.all().all(|record| has_times(record, self.judged())) {
            return Some("a session has no CPU time, by which the case is judged".into());
        }
        let wanted = calibration(self.all());
        if let DriftCorrection::Impossible(why) = wanted {
            return Some(why.into());
        }
        if wanted != self.how_calibrated() {
            return Some("a session has no times of the control loop (calibrations), so a drift of the machine cannot be distinguished from a change".into());
        }
        let (base, head) = (self.base.len(), self.head.len());
        if base + head < FEWEST_SESSIONS {
            return Some(format!(
                "too few sessions: {base} of the base and {head} of the head; at least {FEWEST_SESSIONS} in all are needed to know how much sessions differ"
            ));
        }
        let spread = self.spread()?;
        (spread > MOST_SPREAD_RATIO).then(|| {
            format!(
                "sessions of one build differ by {:.1}% (standard deviation), more than {:.0}%",
                spread * 100.0,
                MOST_SPREAD_RATIO * 100.0
            )
        })
    }

    /// The standard deviation between sessions of one build, as a ratio.
    fn spread(&self) -> Option<f64> {
        let how = self.how_calibrated();
        let base = log_times(&self.base, self.judged(), how);
        let head = log_times(&self.head, self.judged(), how);
        // The spread does not depend on the random draws.
        let difference = session_difference(&base, &head, &mut SplitMix64::new(0))?;
        Some(difference.spread.exp_m1())
    }
}

/// Why a record has no valid times.
fn failure(record: &Record) -> Option<CaseError> {
    let has_samples = record.samples.iter().any(counts);
    match &record.error {
        Some(error) => Some(error.clone()),
        None if has_samples => None,
        None => Some(CaseError::new(
            ErrorKind::NoSamples,
            "it has no valid samples",
        )),
    }
}

/// The mean of the medians of all sessions.
fn center(sessions: &[Vec<f64>]) -> Option<f64> {
    let medians: Option<Vec<f64>> = sessions.iter().map(|samples| median(samples)).collect();
    let medians = medians.filter(|medians| !medians.is_empty())?;
    Some(medians.iter().sum::<f64>() / medians.len() as f64)
}

/// Judges one channel of all cases together, as [`super::judge()`] does for pairs: three families with Holm's
/// correction, and every valid case enters each of them.
fn judgements(found: &[SessionsFound], plan: &StoredPlan) -> Vec<Option<Judgement>> {
    let limit = plan.threshold_ratio.ln_1p();
    let sound: Vec<(usize, &SessionDifference)> = found
        .iter()
        .enumerate()
        .filter(|(_, found)| found.is_sound)
        .filter_map(|(index, found)| Some((index, found.difference.as_ref()?)))
        .collect();
    let family = |p: &dyn Fn(&SessionDifference) -> f64| {
        let p_values: Vec<f64> = sound.iter().map(|(_, difference)| p(difference)).collect();
        let places = sound.iter().map(|(index, _)| *index);
        places.zip(adjusted(&p_values)).collect::<BTreeMap<_, _>>()
    };
    let above = family(&|difference| difference.p_above(limit));
    let below = family(&|difference| difference.p_below(-limit));
    let within = family(&|difference| difference.p_below(limit).max(difference.p_above(-limit)));
    let judged = found.iter().enumerate().map(|(index, found)| {
        let p = |family: &BTreeMap<usize, f64>| family.get(&index).copied().unwrap_or(1.0);
        let tests = SignTests {
            above: p(&above),
            below: p(&below),
            within: p(&within),
        };
        found.judgement(tests, plan, sound.len())
    });
    judged.collect()
}

impl SessionsFound {
    fn judgement(&self, p: SignTests, plan: &StoredPlan, case_count: usize) -> Option<Judgement> {
        let verdict = verdict(p, plan.alpha / 2.0);
        let interval = self.difference.map(|found| found.interval(plan.alpha));
        Some(Judgement {
            verdict,
            ratio: self.estimate?.exp(),
            interval: interval.map(|interval| RatioInterval {
                low: interval.low.exp(),
                high: interval.high.exp(),
            }),
            alpha: plan.alpha,
            threshold_ratio: plan.threshold_ratio,
            pair_count: (self.base_count + self.head_count) as u64,
            more_pair_count: match verdict {
                Verdict::Inconclusive if self.is_sound => self.more_sessions(plan, case_count),
                _ => None,
            },
            p_regressed: p.above,
            p_improved: p.below,
            p_unchanged: p.within,
        })
    }

    /// How many more sessions on either side would settle it, if they were like those so far.
    fn more_sessions(&self, plan: &StoredPlan, case_count: usize) -> Option<u64> {
        let difference = self.difference?;
        let limit = plan.threshold_ratio.ln_1p();
        let level = plan.alpha / 2.0 / case_count.max(1) as f64;
        let (base, head) = (self.base_count, self.head_count);
        let narrower = |more: usize| {
            let error = |base: usize, head: usize| (1.0 / base as f64 + 1.0 / head as f64).sqrt();
            let scale = error(base + more, head + more) / error(base, head);
            SessionDifference {
                standard_error: difference.standard_error * scale,
                degrees: difference.degrees + 2 * more,
                ..difference
            }
        };
        let settles = |more: &usize| {
            let then = narrower(*more);
            let within = then.p_below(limit).max(then.p_above(-limit));
            [then.p_above(limit), then.p_below(-limit), within]
                .iter()
                .any(|p| *p <= level)
        };
        (1..=MOST_SESSIONS).find(settles).map(|more| more as u64)
    }
}

#[cfg(test)]
mod tests;
