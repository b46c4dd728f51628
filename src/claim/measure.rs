//! Measures the sides of a claim in alternation.

use std::time::{Duration, Instant};

use super::case::{ClaimCase, claim_cases};
use super::{Claim, Contender};
use crate::case::protocol::Prepare;
use crate::case::{Idle, Session, Surroundings, note};
use crate::matrix::PlannedCase;
use crate::measure::{Slice, SlicePlan};
use crate::random;
use crate::record::{
    CaseError, ClaimSide, ErrorKind, Inequality, Plan, Quantity, Record, nanoseconds,
};

/// How claims are measured.
pub(crate) struct ClaimPlan {
    /// By how much the times of the textbook are multiplied.
    pub(crate) scale_ratio: f64,
    /// The seed of the orders within rounds.
    pub(crate) seed: u64,
    /// A process is killed if it does not answer for this long.
    pub(crate) timeout: Duration,
    /// No round begins after this time; `None` for no limit.
    pub(crate) until: Option<Instant>,
}

impl ClaimPlan {
    fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    fn refuse_if_late(&self) -> Result<(), CaseError> {
        match self.is_late() {
            true => Err(too_late()),
            false => Ok(()),
        }
    }
}

fn too_late() -> CaseError {
    let message = "the time for all claims was up: measure this claim alone, or give --full";
    CaseError::new(ErrorKind::SetUp, message)
}

/// The number of rounds of a claim whose rounds take long: as few as give an interval at 99%.
const ROUND_COUNT_MIN: u64 = 8;
/// The most rounds of a claim. With this many, up to four outliers on either side do not move the interval.
const ROUND_COUNT_MAX: u64 = 22;
/// No more than the fewest rounds are made if a claim has taken this long.
const ENOUGH: Duration = Duration::from_millis(1500);
/// The least time of a sample.
const SAMPLE: Duration = Duration::from_millis(2);

/// A side with its process, while the claim is measured.
struct OpenSide {
    record: Record,
    /// `None` if it failed.
    session: Option<Session>,
    /// Whether its tasks time when results arrive.
    has_arrivals: bool,
}

/// Measures a claim, and returns a record per side, even of those that failed.
pub(crate) fn measure(
    claim: &Claim,
    surroundings: &Surroundings<'_>,
    plan: &ClaimPlan,
    idle: &mut dyn Idle,
) -> Vec<Record> {
    let core_count = surroundings.host.usable_core_count();
    let cases = claim_cases(claim, surroundings.registry, core_count, plan.scale_ratio);
    let open = |case| open(claim, case, surroundings, plan, idle);
    let mut sides: Vec<OpenSide> = cases.into_iter().map(open).collect();
    let began = Instant::now();
    let mut order: Vec<usize> = (0..sides.len()).collect();
    for round in 0..ROUND_COUNT_MAX {
        let is_enough = round >= ROUND_COUNT_MIN && began.elapsed() >= ENOUGH;
        if is_enough || plan.is_late() || idle.is_cancelled() {
            break;
        }
        random::shuffle(&mut order, random::mix(plan.seed ^ round));
        for index in &order {
            sides[*index].take_sample(round, idle);
        }
    }
    sides.into_iter().map(|side| side.close(idle)).collect()
}

/// Starts the process of a side.
fn open(
    claim: &Claim,
    case: ClaimCase,
    surroundings: &Surroundings<'_>,
    plan: &ClaimPlan,
    idle: &mut dyn Idle,
) -> OpenSide {
    let mut record = surroundings.blank(case.case().clone(), record_plan(plan));
    record.claim = Some(claim_side(claim, case.contender, plan));
    let started = case
        .planned
        .map_err(|(_, error)| error)
        .and_then(|planned| {
            planned.describe(&mut record);
            plan.refuse_if_late()?;
            start(&planned, &mut record, surroundings, plan, idle)
        });
    let mut side = OpenSide {
        record,
        session: None,
        has_arrivals: claim
            .parts
            .iter()
            .any(|part| part.quantity == Quantity::Arrival),
    };
    match started {
        Ok(session) => side.session = Some(session),
        Err(error) => side.fail(error),
    }
    side
}

fn start(
    planned: &PlannedCase,
    record: &mut Record,
    surroundings: &Surroundings<'_>,
    plan: &ClaimPlan,
    idle: &mut dyn Idle,
) -> Result<Session, CaseError> {
    let prepare = Prepare {
        min_sample_ns: nanoseconds(SAMPLE),
        certified_optimum_ns: planned.certified_optimum.map(nanoseconds),
        ..Prepare::of(planned.case.clone())
    };
    let child_plan = surroundings.child_plan(&planned.case);
    let (session, ready) = Session::start(&child_plan, prepare, plan.timeout, idle)?;
    note(record, &ready);
    Ok(session)
}

fn record_plan(plan: &ClaimPlan) -> Plan {
    Plan {
        seed: plan.seed,
        order_index: 0,
        warmup_ns: 0,
        warmup_run_count: 0,
        invocation_count: 1,
        min_sample_ns: nanoseconds(SAMPLE),
        min_time_ns: 0,
        max_time_ns: u64::MAX,
        min_sample_count: ROUND_COUNT_MIN,
        max_sample_count: ROUND_COUNT_MAX,
        timeout_ns: nanoseconds(plan.timeout),
        retry_limit: 0,
        task_timeout_ns: None,
    }
}

/// What a record of this side says of the claim before it has samples.
fn claim_side(claim: &Claim, contender: &Contender, plan: &ClaimPlan) -> ClaimSide {
    let own = claim
        .parts
        .iter()
        .filter(|part| part.more == contender.name);
    let inequalities = own.map(|part| Inequality {
        statement: part.statement.into(),
        quantity: part.quantity,
        less: part.less.into(),
        factor_ratio: part.factor,
        is_aside: part.is_aside,
    });
    ClaimSide {
        id: claim.id.into(),
        statement: claim.statement.into(),
        side: contender.name.into(),
        scale_ratio: plan.scale_ratio,
        inequalities: inequalities.collect(),
        rounds: Vec::new(),
        kept_update_counts: Vec::new(),
        arrivals_ns: Vec::new(),
    }
}

impl OpenSide {
    /// Takes the sample of a round, unless the side has failed.
    fn take_sample(&mut self, round: u64, idle: &mut dyn Idle) {
        let Some(session) = &mut self.session else {
            return;
        };
        // The time limit applies to this sample only.
        session.renew();
        let one = SlicePlan::exactly(1);
        let slice = match self.has_arrivals {
            true => session.slice_with_latencies(one, idle),
            false => session.slice(one, idle),
        };
        match slice {
            Ok(slice) => self.add(round, slice),
            Err(error) => self.fail(error),
        }
    }

    fn add(&mut self, round: u64, slice: Slice) {
        let record = &mut self.record;
        let claim = record
            .claim
            .as_mut()
            .expect("every record has its side of the claim");
        let kept = kept_updates(
            &record.case.parameters,
            record.graph.map(|one| one.task_count),
            &slice,
        );
        claim.rounds.extend(slice.samples.iter().map(|_| round));
        claim.kept_update_counts.extend(kept);
        claim.arrivals_ns.extend(arrival_ns(&slice));
        for (name, count) in slice.findings {
            *record.findings.entry(name).or_default() += count;
        }
        record.samples.extend(slice.samples);
        record.usage.extend(slice.usage);
        record.deaths.extend(slice.deaths);
    }

    /// Ends the process. A case that failed has no valid samples.
    fn fail(&mut self, error: CaseError) {
        self.session = None;
        self.record.samples.clear();
        if let Some(claim) = &mut self.record.claim {
            claim.rounds.clear();
            claim.kept_update_counts.clear();
            claim.arrivals_ns.clear();
        }
        self.record.error = Some(error);
    }

    fn close(mut self, idle: &mut dyn Idle) -> Record {
        if let Some(mut session) = self.session.take() {
            session.renew();
            match session.finish(idle) {
                Ok((finished, end)) => {
                    self.record.peak_memory_bytes = finished.peak_memory_bytes;
                    self.record.remarks.extend(end.remarks());
                }
                Err(error) => self.fail(error),
            }
        }
        if self.record.error.is_none() && self.record.samples.is_empty() {
            self.fail(too_late());
        }
        self.record
    }
}

/// The median time at which a result arrived; `None` if the kernel does not time this.
fn arrival_ns(slice: &Slice) -> Option<u64> {
    slice.latencies.get("median")?.percentile(0.5)
}

/// How many increments of a shared counter a slice of one sample kept; `None` for other kernels.
fn kept_updates(
    parameters: &serde_json::Value,
    task_count: Option<u64>,
    slice: &Slice,
) -> Option<u64> {
    let increments = parameters["kernel"]["increments"].as_u64()?;
    let run_count: u64 = slice.samples.iter().map(|sample| sample.run_count).sum();
    let all = increments
        .checked_mul(task_count?)?
        .checked_mul(run_count)?;
    let lost = slice.findings.get("lost_updates_count").copied();
    all.checked_sub(lost.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::Sample;

    #[test]
    fn a_counter_keeps_what_it_does_not_lose() {
        let counter = json!({ "kernel": { "kind": "counter", "increments": 100 } });
        let slice = |lost: &[u64]| Slice {
            samples: vec![Sample::new(5, 3)],
            findings: lost
                .iter()
                .map(|lost| ("lost_updates_count".into(), *lost))
                .collect(),
            ..Slice::default()
        };
        assert_eq!(kept_updates(&counter, Some(2), &slice(&[])), Some(600));
        assert_eq!(kept_updates(&counter, Some(2), &slice(&[599])), Some(1));
        assert_eq!(kept_updates(&counter, None, &slice(&[])), None);
        let sleep = json!({ "kernel": { "kind": "sleep", "duration_ms": 1 } });
        assert_eq!(kept_updates(&sleep, Some(2), &slice(&[])), None);
    }
}
