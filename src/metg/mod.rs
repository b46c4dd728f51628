//! Sweeps over task sizes, for the minimum effective task granularity.
//!
//! Each size is a separate case in its own child process. All children of a sweep exist at once, and all but one are
//! blocked. Just before each sample, the sweep takes a *probe*: the same kernel in independent chains of large tasks,
//! on the backend that shows the practical limit, or on the plain loop of another language. Efficiency is relative to this probe, so a changing peak rate does
//! not change the result. On a shared machine the peak rate changes by a factor of 1.8. Tasks that last for a known
//! time need no probe.

use std::time::{Duration, Instant};

use crate::case::protocol::Prepare;
use crate::case::{Idle, Ready, Session, Surroundings, add_slice, note};
use crate::measure::SlicePlan;
use crate::random;
use crate::record::{Case, CaseError, ErrorKind, Peak, Plan, Record, Sample, nanoseconds};
use crate::units;

mod cut_off;
mod ruler;
mod search;
mod sweepable;

use ruler::Ruler;

pub(crate) use sweepable::Sweepable;

/// The backend of the probes of our own kernels.
const PROBE_BACKEND: &str = "static";
/// Tasks in each chain of a probe. There are enough of them to make the cost of starting and ending a run negligible.
const PROBE_TASKS: u64 = 50;
/// A sample contains enough runs to last this long.
const SAMPLE: Duration = Duration::from_millis(2);
/// How long each size warms up before its first sample.
const WARMUP: Duration = Duration::from_millis(2);

/// The settings of a sweep.
#[derive(Debug, Clone)]
pub(crate) struct SweepPlan {
    /// The efficiency to find, between 0 and 1.
    pub efficiency_ratio: f64,
    /// The number of rounds. Each round measures every size once.
    pub sweep_count: u64,
    /// No round begins after this time.
    pub max_time: Duration,
    /// A child that does not reply for this long is killed.
    pub timeout: Duration,
    /// The seed of the order of the sizes.
    pub seed: u64,
}

/// Runs sweeps, one after the other.
pub(crate) struct Sweeper<'a> {
    surroundings: &'a Surroundings<'a>,
    plan: &'a SweepPlan,
    /// The ruler of the previous sweep, which the next sweep may reuse.
    ruler: Option<(Ruler, String)>,
    /// The number of sweeps so far.
    count: u64,
}

/// A size of a sweep whose child is running.
struct OpenSize {
    session: Session,
    record: Record,
}

impl<'a> Sweeper<'a> {
    /// Creates a sweeper that has not run any sweep.
    pub(crate) fn new(surroundings: &'a Surroundings<'a>, plan: &'a SweepPlan) -> Self {
        Self {
            surroundings,
            plan,
            ruler: None,
            count: 0,
        }
    }

    /// Runs one sweep and returns its records, one per size. The record of a size that failed has the error.
    ///
    /// # Errors
    ///
    /// Why the sweep could not find sizes to measure.
    pub(crate) fn sweep(
        &mut self,
        sweepable: &Sweepable,
        idle: &mut dyn Idle,
    ) -> Result<Vec<Record>, CaseError> {
        let began = Instant::now();
        let mut ruler = self.ruler(sweepable, idle)?;
        let mut ready = Vec::new();
        let mut failed = Vec::new();
        let sizes = self.sizes(sweepable, &mut ruler, idle)?;
        self.check_memory(sweepable, sizes.len())?;
        for size in sizes {
            match self.open(sweepable, size, &ruler, idle) {
                Ok(open) => ready.push(open),
                Err((record, error)) => failed.push(with_error(*record, error)),
            }
        }
        let mut order: Vec<usize> = (0..ready.len()).collect();
        for round in 0..self.plan.sweep_count {
            if round > 0 && began.elapsed() >= self.plan.max_time {
                break;
            }
            random::shuffle(
                &mut order,
                random::mix(self.plan.seed ^ (self.count << 32) ^ round),
            );
            for index in &order {
                pair(&mut ready[*index], &mut ruler, idle)?;
            }
        }
        self.count += 1;
        self.ruler = Some((ruler, sweepable.probe_key()));
        let mut records = failed;
        for OpenSize {
            mut session,
            record,
        } in ready
        {
            session.renew();
            records.push(close(session, record, idle));
        }
        let size = |record: &Record| record.peak.as_ref().map_or(0.0, |peak| peak.size);
        records.sort_by(|a, b| size(a).total_cmp(&size(b)));
        Ok(records)
    }

    /// Checks that the graphs of all sizes fit into memory at once.
    fn check_memory(&self, sweepable: &Sweepable, size_count: usize) -> Result<(), CaseError> {
        let needed = sweepable.byte_len.saturating_mul(size_count as u64);
        let there = self.surroundings.host.usable_memory_bytes();
        if needed <= there {
            return Ok(());
        }
        let [needed, there] = [needed, there].map(units::size);
        Err(CaseError::new(
            ErrorKind::Memory,
            format!(
                "{size_count} sizes at once need {needed}, but only {there} are available: use a \
                 smaller graph or kernel"
            ),
        ))
    }

    /// Returns the record of a sweep that failed.
    pub(crate) fn failed(&self, sweepable: &Sweepable, error: CaseError) -> Record {
        let case = sweepable.planned.case.clone();
        let record = self.surroundings.blank(case, self.record_plan(sweepable));
        with_error(record, error)
    }

    fn open(
        &self,
        sweepable: &Sweepable,
        size: f64,
        ruler: &Ruler,
        idle: &mut dyn Idle,
    ) -> Result<OpenSize, (Box<Record>, CaseError)> {
        let mut record = self
            .surroundings
            .blank(sweepable.case(Some(size)), self.record_plan(sweepable));
        sweepable.planned.describe(&mut record);
        record.peak = Some(Peak {
            variant: sweepable.variant.clone(),
            size_parameter: sweepable.size_parameter.into(),
            size,
            task_ns: sweepable.timed.map(|timed| timed.unit_ns * size),
            least_task_count: sweepable.least_task_count,
            efficiency_ratio: self.plan.efficiency_ratio,
            probe_size: ruler.probe_size(),
            probe_task_count: ruler.probe_task_count(),
            probes: Vec::new(),
        });
        let prepare = self.prepare(sweepable, sweepable.case(Some(size)));
        let child_plan = self.surroundings.child_plan(&prepare.case);
        let started = Session::start(&child_plan, prepare, self.plan.timeout, idle);
        match started {
            Ok((session, ready)) => {
                note(&mut record, &ready);
                let peak = record.peak.as_mut().expect("it was just set");
                sweepable.divide(peak, ready.graph.task_count);
                Ok(OpenSize { session, record })
            }
            Err(error) => Err((Box::new(record), error)),
        }
    }

    fn start(
        &self,
        sweepable: &Sweepable,
        case: Case,
        idle: &mut dyn Idle,
    ) -> Result<(Session, Ready), CaseError> {
        let prepare = self.prepare(sweepable, case);
        let child_plan = self.surroundings.child_plan(&prepare.case);
        Session::start(&child_plan, prepare, self.plan.timeout, idle)
    }

    fn prepare(&self, sweepable: &Sweepable, case: Case) -> Prepare {
        Prepare {
            certified_optimum_ns: sweepable.optimum(&case).map(nanoseconds),
            warmup_ns: nanoseconds(WARMUP),
            min_sample_ns: nanoseconds(SAMPLE),
            retry_limit: sweepable.planned.retry_limit,
            task_timeout_ns: sweepable.planned.task_timeout.map(nanoseconds),
            ..Prepare::of(case)
        }
    }

    fn record_plan(&self, sweepable: &Sweepable) -> Plan {
        Plan {
            seed: self.plan.seed,
            order_index: self.count,
            warmup_ns: nanoseconds(WARMUP),
            warmup_run_count: 0,
            min_sample_ns: nanoseconds(SAMPLE),
            invocation_count: 1,
            min_time_ns: 0,
            max_time_ns: nanoseconds(self.plan.max_time),
            min_sample_count: 1,
            max_sample_count: self.plan.sweep_count,
            timeout_ns: nanoseconds(self.plan.timeout),
            retry_limit: sweepable.planned.retry_limit,
            task_timeout_ns: sweepable.planned.task_timeout.map(nanoseconds),
        }
    }
}

/// The median wall time of a run, from three samples.
fn median_wall_ns(session: &mut Session, idle: &mut dyn Idle) -> Result<f64, CaseError> {
    session.renew();
    let slice = session.slice(SlicePlan::exactly(3), idle)?;
    let mut walls: Vec<f64> = slice.samples.iter().map(Sample::run_wall_ns).collect();
    walls.sort_by(f64::total_cmp);
    Ok(walls[walls.len() / 2])
}

/// Takes a probe, if the ruler needs one, and then a sample. Does nothing for a size that has failed.
fn pair(open: &mut OpenSize, ruler: &mut Ruler, idle: &mut dyn Idle) -> Result<(), CaseError> {
    if open.record.error.is_some() {
        return Ok(());
    }
    // The lifetime of a child depends on how many others there are, so only the time of each reply is limited.
    open.session.renew();
    let probe = ruler.probe(idle)?;
    match open.session.slice(SlicePlan::exactly(1), idle) {
        Ok(slice) => {
            let record = &mut open.record;
            add_slice(record, 0, slice);
            let told = record.peak.as_mut().expect("every size has a peak");
            told.probes.extend(probe);
        }
        Err(error) if error.kind == ErrorKind::Cancelled => return Err(error),
        Err(error) => open.record.error = Some(error),
    }
    Ok(())
}

fn close(session: Session, mut record: Record, idle: &mut dyn Idle) -> Record {
    match session.finish(idle) {
        Ok((finished, end)) => {
            record.peak_memory_bytes = finished.peak_memory_bytes;
            record.remarks = end.remarks();
        }
        Err(error) => record.error = record.error.or(Some(error)),
    }
    match record.error.take() {
        Some(error) => with_error(record, error),
        None => record,
    }
}

/// Turns a record into that of a failed size, without samples.
fn with_error(mut record: Record, error: CaseError) -> Record {
    record.samples.clear();
    record.latencies.clear();
    record.usage.clear();
    if let Some(peak) = &mut record.peak {
        peak.probes.clear();
    }
    record.error = Some(error);
    record
}
