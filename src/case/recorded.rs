//! Runs a planned case and returns its record.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use super::child_program::ChildProgram;
use super::latencies::{LatencyTime, latency_plan};
use super::process::Idle;
use super::protocol::{Greeting, Prepare};
use super::session::{ChildPlan, Ready, Session};
use super::trace_file::TraceFolder;
use super::work::Works;
use crate::kernel::Findings;
use crate::machine::load::LoadSampler;
use crate::measure::calibration::calibrate;
use crate::measure::{Slice, SlicePlan};
use crate::record::{
    Calibration, Case, CaseError, Commit, Host, Latencies, Load, LoadSource, Plan, Record, Runtime,
    SCHEMA_VERSION, Sample, SliceUsage, add_latencies, nanoseconds, now,
};
use crate::registry::Registry;

/// The number of times the control loop is timed before the samples, and again after them. There are enough of them
/// that one interruption does not move their median, and they take a few milliseconds per case.
const CALIBRATION_COUNT: usize = 8;

/// The data that all cases of one `run` share.
pub(crate) struct Surroundings<'a> {
    /// All that can run.
    pub registry: &'a Registry,
    /// This program, as a child.
    pub program: ChildProgram,
    /// What the cases must compute.
    pub works: Works,
    /// The machine.
    pub host: Host,
    /// The commit of the folder that `run` was started in.
    pub commit: Option<Commit>,
    /// When `run` began.
    pub run_start: Instant,
    /// Where a traced run of each case is written; `None` for nowhere.
    pub traces: Option<TraceFolder>,
}

impl Surroundings<'_> {
    /// The child that runs `case`, and how its results are judged.
    pub(crate) fn child_plan(&self, case: &Case) -> ChildPlan<'_> {
        ChildPlan {
            program: match self.registry.external(&case.backend) {
                Some(external) => ChildProgram::of_external(external),
                None => self.program.clone(),
            },
            works: Some(&self.works),
            backend: self.registry.backend(&case.backend),
        }
    }

    /// Returns a record of `case` that begins now and has no measurements yet.
    pub(crate) fn blank(&self, case: Case, plan: Plan) -> Record {
        Record {
            schema_version: SCHEMA_VERSION,
            case,
            family: None,
            workload_why: None,
            backend_why: None,
            not_applicable: BTreeMap::new(),
            runtime: None,
            graph: None,
            plan,
            host: self.host.clone(),
            commit: self.commit.clone(),
            started_at: now(),
            since_run_start_ns: nanoseconds(self.run_start.elapsed()),
            digest: None,
            start_ns: None,
            bound: None,
            samples: Vec::new(),
            usage: Vec::new(),
            calibrations: Vec::new(),
            calibration_error: None,
            pace: None,
            is_ranked_by_cpu: false,
            file_system: None,
            trace: None,
            trace_file: None,
            no_trace_file: None,
            peak: None,
            claim: None,
            deaths: Vec::new(),
            peak_memory_bytes: None,
            worker_usage: Vec::new(),
            load: Load {
                source: LoadSource::TooShort,
                interval_ns: 0,
                cores: Vec::new(),
            },
            findings: Findings::new(),
            latencies: Latencies::new(),
            remarks: Vec::new(),
            error: None,
        }
    }
}

/// Runs `case` in a child process and returns its record, even if the case fails. `certified_optimum` is the shortest
/// possible run, if known.
pub(crate) fn record(
    surroundings: &Surroundings<'_>,
    case: Case,
    certified_optimum: Option<Duration>,
    plan: Plan,
    idle: &mut dyn Idle,
) -> Record {
    let mut record = surroundings.blank(case, plan);
    if let Err(error) = fill(&mut record, surroundings, certified_optimum, idle) {
        // A case that failed has no valid samples.
        record.samples.clear();
        record.latencies.clear();
        record.usage.clear();
        record.error = Some(error);
    }
    record
}

/// Runs the case of `record` in as many processes as its plan says, one after the other, and fills in the results.
fn fill(
    record: &mut Record,
    surroundings: &Surroundings<'_>,
    certified_optimum: Option<Duration>,
    idle: &mut dyn Idle,
) -> Result<(), CaseError> {
    for invocation in 0..record.plan.invocation_count {
        invoke(record, invocation, surroundings, certified_optimum, idle)?;
    }
    Ok(())
}

/// Runs the case of `record` in a fresh process, and adds its results to those of the processes before it.
fn invoke(
    record: &mut Record,
    invocation: u32,
    surroundings: &Surroundings<'_>,
    certified_optimum: Option<Duration>,
    idle: &mut dyn Idle,
) -> Result<(), CaseError> {
    let is_first = invocation == 0;
    let child_plan = surroundings.child_plan(&record.case);
    let traces = surroundings.traces.as_ref().filter(|_| is_first);
    let target = traces.map(|traces| traces.file(record));
    let prepare = Prepare {
        warmup_ns: record.plan.warmup_ns,
        warmup_run_count: record.plan.warmup_run_count,
        min_sample_ns: record.plan.min_sample_ns,
        retry_limit: record.plan.retry_limit,
        task_timeout_ns: record.plan.task_timeout_ns,
        certified_optimum_ns: certified_optimum.map(nanoseconds),
        trace: is_first,
        trace_file: target.as_ref().map(|target| target.request(record)),
        ..Prepare::of(record.case.clone())
    };
    let timeout = Duration::from_nanos(record.plan.timeout_ns);
    let (mut session, ready) = Session::start(&child_plan, prepare, timeout, idle)?;
    note(record, &ready);

    calibrate_for(record, calibrate);
    let (slice, load) = watched_slice(&mut session, &record.plan, idle);
    calibrate_for(record, calibrate);
    if is_first {
        record.load = load;
    }
    let slice = slice?;
    let latency_plan = latency_plan(&record.plan, &slice.samples);
    add_slice(record, invocation, slice);
    if ready.latencies == LatencyTime::Afterwards {
        let slice = session.slice_with_latencies(latency_plan, idle)?;
        add_latencies(&mut record.latencies, slice.latencies);
        record.deaths.extend(slice.deaths);
    }

    let (finished, end) = session.finish(idle)?;
    record.remarks.extend(end.remarks());
    record.peak_memory_bytes = record.peak_memory_bytes.max(finished.peak_memory_bytes);
    if is_first {
        record.worker_usage = finished.worker_usage;
        record.trace = finished.trace;
        if let Some(target) = target {
            let is_external = child_plan.program.external().is_some();
            target.note(record, finished.no_trace_file, is_external);
        }
    }
    Ok(())
}

/// Writes into a record what was known before its samples.
pub(crate) fn note(record: &mut Record, ready: &Ready) {
    record.bound = ready.bound;
    record.pace.clone_from(&ready.pace);
    record.is_ranked_by_cpu = ready.is_ranked_by_cpu;
    record.file_system.clone_from(&ready.file_system);
    record.graph = Some(ready.graph);
    record.digest = Some(ready.digest.to_string());
    // A case with several processes keeps the start of the first.
    record.start_ns.get_or_insert(ready.start_ns);
    record.runtime = ready.greeting.as_ref().map(runtime);
}

fn runtime(greeting: &Greeting) -> Runtime {
    Runtime {
        protocol_version: greeting.version,
        language: greeting.language.clone(),
        runtime: greeting.runtime.clone(),
        version: greeting.runtime_version.clone(),
        details: greeting.details.clone(),
    }
}

/// Adds the results of a slice, whose process has the number `invocation`.
pub(crate) fn add_slice(record: &mut Record, invocation: u32, slice: Slice) {
    let samples = slice.samples.into_iter();
    record.samples.extend(samples.map(|sample| Sample {
        invocation,
        ..sample
    }));
    for (name, count) in slice.findings {
        *record.findings.entry(name).or_default() += count;
    }
    add_latencies(&mut record.latencies, slice.latencies);
    record.deaths.extend(slice.deaths);
    let usage = slice.usage.into_iter();
    record.usage.extend(usage.map(|usage| SliceUsage {
        invocation,
        ..usage
    }));
}

/// Times the control loop while the child waits, so that records of separate sessions can be compared.
fn calibrate_for(record: &mut Record, calibrate: impl Fn(u32) -> io::Result<Calibration>) {
    // Threads without a core of their own would measure the scheduler, and threads beyond a limit on CPU time would
    // measure its period.
    let threads = record.case.workers.min(record.host.usable_core_count());
    for _ in 0..CALIBRATION_COUNT {
        match calibrate(threads) {
            Ok(calibration) => record.calibrations.push(calibration),
            Err(error) => record.calibration_error = Some(error.to_string()),
        }
    }
    if record.calibration_error.is_some() {
        // Incomplete times, or times of fewer threads, would be mistaken for the speed of the machine.
        record.calibrations.clear();
    }
}

/// Takes one slice and samples the load of the cores meanwhile.
fn watched_slice(
    session: &mut Session,
    plan: &Plan,
    idle: &mut dyn Idle,
) -> (Result<Slice, CaseError>, Load) {
    let slice = SlicePlan {
        min_time_ns: plan.min_time_ns,
        max_time_ns: plan.max_time_ns,
        min_sample_count: plan.min_sample_count,
        max_sample_count: plan.max_sample_count,
        run_count: None,
    };
    let mut watch = SampledIdle {
        idle,
        sampler: LoadSampler::start(),
    };
    let result = session.slice(slice, &mut watch);
    (result, watch.sampler.finish())
}

/// Samples the load in addition to another idle task.
struct SampledIdle<'a> {
    idle: &'a mut dyn Idle,
    sampler: LoadSampler,
}

impl Idle for SampledIdle<'_> {
    fn idle(&mut self) -> Instant {
        self.sampler.tick();
        self.idle.idle().min(self.sampler.next_due())
    }

    fn is_cancelled(&self) -> bool {
        self.idle.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture;

    #[test]
    fn samples_say_which_process_they_are_from_and_findings_are_summed() {
        let mut record = fixture::case("counter", "rayon", 2).record();
        record.samples.clear();
        let slice = |wall_ns| Slice {
            samples: vec![Sample::new(wall_ns, 1), Sample::new(wall_ns + 1, 1)],
            findings: Findings::from([("lost_updates_count".into(), wall_ns)]),
            ..Slice::default()
        };
        add_slice(&mut record, 0, slice(10));
        add_slice(&mut record, 1, slice(20));
        let samples = record.samples.iter();
        let found: Vec<_> = samples.map(|one| (one.invocation, one.wall_ns)).collect();
        assert_eq!(found, [(0, 10), (0, 11), (1, 20), (1, 21)]);
        assert_eq!(record.findings["lost_updates_count"], 30);
    }

    #[test]
    fn a_record_without_control_loop_says_why_and_keeps_its_samples() {
        let mut record = fixture::case("empty", "rayon", 2).record();
        let before = record.samples.clone();
        let timed = |_| {
            Ok(Calibration {
                single_ns: 5,
                parallel_ns: Some(7),
            })
        };
        calibrate_for(&mut record, timed);
        assert_eq!(record.calibration_error, None);
        assert!(!record.calibrations.is_empty());
        // The system refuses a thread later: the times from before are incomplete.
        calibrate_for(&mut record, |_| Err(io::Error::other("no more threads")));
        assert_eq!(record.calibrations, []);
        assert_eq!(record.calibration_error.as_deref(), Some("no more threads"));
        assert_eq!((record.error, record.samples), (None, before));
    }
}
