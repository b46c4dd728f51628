//! Sweeps over task sizes, for the minimum effective task granularity.
//!
//! Each size is a case of its own in a child of its own. All children of a sweep are up at once, blocked but for
//! the one whose turn it is, and just before each sample a *probe* is taken: the same kernel in independent chains
//! of large tasks, on the backend that shows the practical limit. Efficiency is told against that probe, so
//! that a machine whose peak moves (on a shared one it does, by 1.8 times) does not move the result.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::case::protocol::Prepare;
use crate::case::{Idle, Session, Surroundings};
use crate::matrix::PlannedCase;
use crate::measure::SlicePlan;
use crate::parameter::ParameterKind;
use crate::random;
use crate::record::{Case, CaseError, Peak, Plan, Probe, Record, Sample};
use crate::registry::Registry;
use crate::workload::Definition;

/// The backend of the probes.
const PROBE_BACKEND: &str = "static";
/// Tasks in each chain of a probe: enough that starting and ending the run are no part of it.
const PROBE_TASKS: u64 = 50;
/// A task of a probe lasts at least this long, so that what it costs to start one is no part of it.
const PROBE_TASK_NS: f64 = 20_000.0;
/// Runs are put together until a sample is this long.
const SAMPLE: Duration = Duration::from_millis(2);
/// How long a size is run before its first sample.
const WARMUP: Duration = Duration::from_millis(2);
/// The size at which the search begins: most runtimes cross below it.
const FIRST_TASK_NS: f64 = 8_000.0;
/// No task is made longer than this, and no run longer than the second of the two.
const LONGEST_TASK_NS: f64 = 50e6;
const LONGEST_RUN_NS: f64 = 2e9;
/// Sizes a sweep.
const SIZES: std::ops::RangeInclusive<usize> = 5..=17;

/// How a sweep is to be made.
#[derive(Debug, Clone)]
pub struct SweepPlan {
    /// The efficiency that is looked for, between 0 and 1.
    pub efficiency_ratio: f64,
    /// How often all sizes are gone through.
    pub sweep_count: u64,
    /// No further round is begun after this time.
    pub max_time: Duration,
    /// A child that does not answer for this long is killed.
    pub timeout: Duration,
    /// Draws the order of the sizes.
    pub seed: u64,
}

/// A case whose task size can be swept.
#[derive(Debug, Clone)]
pub struct Sweepable {
    planned: PlannedCase,
    /// The variant without the size.
    variant: String,
    size_parameter: &'static str,
    /// The sizes that the kernel takes.
    bounds: (u64, u64),
    least_task_count: u64,
}

impl Sweepable {
    /// `planned` as a case to sweep; `None` if its kernel has no size.
    ///
    /// # Errors
    ///
    /// When the case does not fit `registry`, in a sentence.
    pub fn new(planned: &PlannedCase, registry: &Registry) -> Result<Option<Self>, String> {
        let case = &planned.case;
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let definition =
            Definition::from_json(&case.parameters, registry).map_err(|error| text(&error))?;
        let Some(size_parameter) = definition.kernel.size_parameter() else {
            return Ok(None);
        };
        let declared = definition.kernel.parameters().iter();
        let bounds = declared
            .filter(|one| one.name == size_parameter)
            .find_map(|one| match one.kind {
                ParameterKind::Count { min, max } => Some((min.max(1), max)),
                _ => None,
            });
        let Some(bounds) = bounds else {
            return Ok(None);
        };
        let backend = registry
            .backend(&case.backend)
            .ok_or_else(|| format!("there is no backend `{}`", case.backend))?;
        let graph = definition.build_graph().map_err(|error| text(&error))?;
        let task_count = graph.task_count() as u64;
        let depth = graph.levels().into_iter().max().map_or(0, |last| last + 1);
        let parallelism = backend.parallelism(case.workers as usize, false);
        let share = parallelism.map_or(0, |workers| task_count.div_ceil(workers.max(1) as u64));
        Ok(Some(Self {
            variant: without(&case.variant, size_parameter),
            planned: planned.clone(),
            size_parameter,
            bounds,
            least_task_count: share.max(u64::from(depth)),
        }))
    }

    /// What tells it from others: two cases that differ in nothing but the size are one.
    pub fn id(&self) -> String {
        self.case(None).id()
    }

    /// The workload, the number of workers and the kernel but for its size: cases that agree in these share
    /// a probe.
    fn probe_key(&self) -> (Json, u32, bool) {
        let case = self.case(None);
        (case.parameters["kernel"].clone(), case.workers, case.pin)
    }

    /// The case at this size, or without one.
    fn case(&self, size: Option<u64>) -> Case {
        let mut case = self.planned.case.clone();
        case.parameters["kernel"][self.size_parameter] = json!(size);
        case.variant = self.variant.clone();
        if let Some(size) = size {
            let separator = if case.variant.is_empty() { "" } else { "," };
            case.variant += &format!("{separator}{}={size}", self.size_parameter);
        }
        case
    }

    /// As many chains as there are workers, of tasks of this size.
    fn probe_case(&self, size: u64) -> Case {
        let mut case = self.case(Some(size));
        case.backend = PROBE_BACKEND.into();
        case.continuation = None;
        case.options.clear();
        let kernel = case.parameters["kernel"].take();
        let pattern = json!({"kind": "no-comm", "width": case.workers, "steps": PROBE_TASKS});
        case.parameters = json!({"pattern": pattern, "kernel": kernel});
        case
    }
}

/// A variant's label without the entry of one parameter.
fn without(variant: &str, parameter: &str) -> String {
    let entries = variant.split(',');
    let entries = entries.filter(|entry| entry.split('=').next() != Some(parameter));
    entries.collect::<Vec<_>>().join(",")
}

/// Makes sweeps, one after the other.
pub struct Sweeper<'a> {
    surroundings: &'a Surroundings<'a>,
    plan: &'a SweepPlan,
    /// The probe of the sweep before, which the next one may share.
    probe: Option<(OpenProbe, (Json, u32, bool))>,
    /// Sweeps made so far.
    count: u64,
}

/// A probe that is up.
struct OpenProbe {
    session: Session,
    size: u64,
    /// What a task takes for each unit of size, when it was last looked at.
    unit_ns: f64,
}

/// A size of a sweep that is up.
struct OpenSize {
    session: Session,
    record: Record,
}

impl<'a> Sweeper<'a> {
    /// A sweeper that has made none.
    pub fn new(surroundings: &'a Surroundings<'a>, plan: &'a SweepPlan) -> Self {
        Self {
            surroundings,
            plan,
            probe: None,
            count: 0,
        }
    }

    /// The records of one sweep, one a size; those of sizes that failed hold the error.
    ///
    /// # Errors
    ///
    /// What kept the sweep from finding sizes to go through.
    pub fn sweep(
        &mut self,
        sweepable: &Sweepable,
        idle: &mut dyn Idle,
    ) -> Result<Vec<Record>, CaseError> {
        let began = Instant::now();
        let mut probe = self.probe(sweepable, idle)?;
        let mut ready = Vec::new();
        let mut failed = Vec::new();
        for size in self.sizes(sweepable, &mut probe, idle)? {
            match self.open(sweepable, size, &probe, idle) {
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
                pair(&mut ready[*index], &mut probe, idle)?;
            }
        }
        self.count += 1;
        self.probe = Some((probe, sweepable.probe_key()));
        let mut records = failed;
        for OpenSize { session, record } in ready {
            records.push(close(session, record, idle));
        }
        records.sort_by_key(|record| record.peak.as_ref().map(|peak| peak.size));
        Ok(records)
    }

    /// The probe of the sweep before if it will do, or a new one: its size grows until its tasks are long.
    fn probe(
        &mut self,
        sweepable: &Sweepable,
        idle: &mut dyn Idle,
    ) -> Result<OpenProbe, CaseError> {
        if let Some((probe, key)) = self.probe.take()
            && key == sweepable.probe_key()
        {
            return Ok(probe);
        }
        let (least, most) = sweepable.bounds;
        let mut size = least;
        loop {
            let mut session = self.start(sweepable, sweepable.probe_case(size), idle)?;
            let wall_ns = median_wall_ns(&mut session, idle)?;
            let task_ns = wall_ns / PROBE_TASKS as f64;
            if task_ns >= PROBE_TASK_NS || size >= most {
                return Ok(OpenProbe {
                    session,
                    size,
                    unit_ns: task_ns / size as f64,
                });
            }
            // Two steps at most beyond what is needed, however the first, which is mostly overhead, came out.
            let factor = (1.2 * PROBE_TASK_NS / task_ns).ceil().clamp(2.0, 64.0) as u64;
            size = size.saturating_mul(factor).min(most);
        }
    }

    /// Sizes from well below the crossing to well above it, as far as there are any, smallest first.
    fn sizes(
        &self,
        sweepable: &Sweepable,
        probe: &mut OpenProbe,
        idle: &mut dyn Idle,
    ) -> Result<Vec<u64>, CaseError> {
        let target = self.plan.efficiency_ratio;
        let (enough, little) = (target + 0.7 * (1.0 - target), 0.4 * target);
        let unit_ns = probe.unit_ns;
        let size_of = |task_ns: f64| {
            let (least, most) = sweepable.bounds;
            ((task_ns / unit_ns) as u64).clamp(least, most)
        };
        let longest_ns =
            (LONGEST_RUN_NS / sweepable.least_task_count.max(1) as f64).min(LONGEST_TASK_NS);

        let mut high_ns = FIRST_TASK_NS.min(longest_ns);
        let mut efficiency = self.glance(sweepable, size_of(high_ns), probe, idle)?;
        let mut low_ns = high_ns;
        let is_below = efficiency < enough;
        while efficiency < enough && high_ns < longest_ns {
            if efficiency <= little {
                low_ns = high_ns;
            }
            high_ns = (high_ns * 6.0).min(longest_ns);
            efficiency = self.glance(sweepable, size_of(high_ns), probe, idle)?;
        }
        let mut efficiency = if is_below {
            self.glance(sweepable, size_of(low_ns), probe, idle)?
        } else {
            efficiency
        };
        while efficiency > little && size_of(low_ns) > sweepable.bounds.0 {
            low_ns /= 4.0;
            efficiency = self.glance(sweepable, size_of(low_ns), probe, idle)?;
            if efficiency >= enough {
                high_ns = low_ns;
            }
        }
        let octaves = (high_ns / low_ns).log2().max(0.0);
        let count = ((2.0 * octaves).ceil() as usize + 1).clamp(*SIZES.start(), *SIZES.end());
        let step = (high_ns / low_ns).powf(1.0 / (count - 1) as f64);
        let mut sizes: Vec<u64> = (0..count)
            .map(|index| size_of(low_ns * step.powi(index as i32)))
            .collect();
        sizes.dedup();
        Ok(sizes)
    }

    /// The efficiency at a size, as far as three samples tell.
    fn glance(
        &self,
        sweepable: &Sweepable,
        size: u64,
        probe: &mut OpenProbe,
        idle: &mut dyn Idle,
    ) -> Result<f64, CaseError> {
        let mut session = self.start(sweepable, sweepable.case(Some(size)), idle)?;
        let peak_ns = median_wall_ns(&mut probe.session, idle)?;
        probe.unit_ns = peak_ns / (PROBE_TASKS * probe.size) as f64;
        let wall_ns = median_wall_ns(&mut session, idle)?;
        let ideal_ns = sweepable.least_task_count as f64 * size as f64 * probe.unit_ns;
        Ok(ideal_ns / wall_ns)
    }

    fn open(
        &self,
        sweepable: &Sweepable,
        size: u64,
        probe: &OpenProbe,
        idle: &mut dyn Idle,
    ) -> Result<OpenSize, (Box<Record>, CaseError)> {
        let mut record = self
            .surroundings
            .blank(sweepable.case(Some(size)), self.record_plan(sweepable));
        record.peak = Some(Peak {
            variant: sweepable.variant.clone(),
            size_parameter: sweepable.size_parameter.into(),
            size,
            least_task_count: sweepable.least_task_count,
            efficiency_ratio: self.plan.efficiency_ratio,
            probe_size: probe.size,
            probe_task_count: PROBE_TASKS,
            probes: Vec::new(),
        });
        let prepare = self.prepare(sweepable, sweepable.case(Some(size)));
        let started = Session::start(self.surroundings.program, prepare, self.plan.timeout, idle);
        match started {
            Ok((session, prepared)) => {
                record.graph = Some(prepared.graph);
                record.digest = Some(prepared.digest);
                record.start_ns = Some(prepared.start_ns);
                record.bound = prepared.bound;
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
    ) -> Result<Session, CaseError> {
        let prepare = self.prepare(sweepable, case);
        let program: &Path = self.surroundings.program;
        Session::start(program, prepare, self.plan.timeout, idle).map(|(session, _)| session)
    }

    fn prepare(&self, sweepable: &Sweepable, case: Case) -> Prepare {
        Prepare {
            case,
            warmup_ns: WARMUP.as_nanos() as u64,
            min_sample_ns: SAMPLE.as_nanos() as u64,
            retry_limit: sweepable.planned.retry_limit,
            task_timeout_ns: sweepable.planned.task_timeout.map(nanoseconds),
            certified_optimum_ns: None,
            trace: false,
            chaos: None,
            stretch_ratio: None,
        }
    }

    fn record_plan(&self, sweepable: &Sweepable) -> Plan {
        Plan {
            seed: self.plan.seed,
            order_index: self.count,
            warmup_ns: nanoseconds(WARMUP),
            min_sample_ns: nanoseconds(SAMPLE),
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

/// The median wall time of a run over three samples.
fn median_wall_ns(session: &mut Session, idle: &mut dyn Idle) -> Result<f64, CaseError> {
    let slice = session.slice(samples(3), idle)?;
    let mut walls: Vec<f64> = slice.samples.iter().map(wall_ns).collect();
    walls.sort_by(f64::total_cmp);
    Ok(walls[walls.len() / 2])
}

/// A probe and, straight after it, a sample. A size that has failed is left alone.
fn pair(open: &mut OpenSize, probe: &mut OpenProbe, idle: &mut dyn Idle) -> Result<(), CaseError> {
    if open.record.error.is_some() {
        return Ok(());
    }
    let peak = probe.session.slice(samples(1), idle)?;
    match open.session.slice(samples(1), idle) {
        Ok(slice) => {
            let probes = peak.samples.iter().map(|sample| Probe {
                wall_ns: sample.wall_ns,
                run_count: sample.run_count,
            });
            let record = &mut open.record;
            record.samples.extend(slice.samples);
            record.deaths.extend(slice.deaths);
            for (name, count) in slice.findings {
                *record.findings.entry(name).or_default() += count;
            }
            let told = record.peak.as_mut().expect("every size has a peak");
            told.probes.extend(probes);
        }
        Err(error) if error.kind == "cancelled" => return Err(error),
        Err(error) => open.record.error = Some(error),
    }
    Ok(())
}

fn close(session: Session, mut record: Record, idle: &mut dyn Idle) -> Record {
    match session.finish(idle) {
        Ok(finished) => record.peak_memory_bytes = finished.peak_memory_bytes,
        Err(error) => record.error = record.error.or(Some(error)),
    }
    match record.error.take() {
        Some(error) => with_error(record, error),
        None => record,
    }
}

/// A record of a size that failed: without samples.
fn with_error(mut record: Record, error: CaseError) -> Record {
    record.samples.clear();
    if let Some(peak) = &mut record.peak {
        peak.probes.clear();
    }
    record.error = Some(error);
    record
}

fn samples(count: u64) -> SlicePlan {
    SlicePlan {
        min_time_ns: 0,
        max_time_ns: u64::MAX,
        min_sample_count: count,
        max_sample_count: count,
        run_count: None,
    }
}

fn wall_ns(sample: &Sample) -> f64 {
    sample.wall_ns as f64 / sample.run_count as f64
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_leaves_the_variant_and_nothing_else_does() {
        assert_eq!(without("", "times"), "");
        assert_eq!(without("times=3", "times"), "");
        assert_eq!(
            without("width=2,times=3,steps=4", "times"),
            "width=2,steps=4"
        );
        assert_eq!(without("sometimes=3", "times"), "sometimes=3");
    }
}
