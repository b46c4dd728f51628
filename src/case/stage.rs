//! A case as its child prepares it: looked up, checked, set up, and at the end run once more to time its tasks.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::failed::{failed, set_up_error};
use super::protocol::{Chaos, Hex, Prepare, Prepared, TraceTarget};
use crate::backend::{Backend, Continuation, PoolPlan};
use crate::execute::{Job, expected_digest};
use crate::graph::bound::longest_path;
use crate::graph::{TaskGraph, TaskId};
use crate::kernel::{Kernel, TaskClock, deadly, traced};
use crate::measure::Meter;
use crate::measure::binding::are_workers_bound;
use crate::measure::schedule::{LastRun, bound, trace};
use crate::measure::task_clock::{clock_name, own_task_clock};
use crate::parameter::Parameters;
use crate::record::{Bound, Case, CaseError, ErrorKind, GraphSize, Trace, nanoseconds};
use crate::registry::Registry;
use crate::sync::WaitTable;
use crate::timeline::{self, Timeline, TimelineHead, lanes::place};
use crate::workload::Definition;

/// Why a recursive program has no trace.
const RECURSION_IS_ONE_TASK: &str =
    "a recursive program is one task, and the parts that it spawns are not traced";

/// Why a case with unreliable workers has no trace.
const EVERY_RUN_HAD_DEATHS: &str = "worker processes died in every traced run, so the times of tasks that were tried again are unknown";

/// Everything that a case names, looked up and checked.
pub(super) struct Stage<'a> {
    prepare: &'a Prepare,
    definition: Definition,
    backend: &'static dyn Backend,
    plan: PoolPlan,
    /// Whether the parent compares the digests. In version 1, the child compares them.
    is_judged: bool,
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        registry: &Registry,
        prepare: &'a Prepare,
        is_judged: bool,
    ) -> Result<Self, CaseError> {
        let case = &prepare.case;
        let definition = Definition::from_json(&case.parameters, registry).map_err(set_up_error)?;
        let backend = registry
            .backend(&case.backend)
            .ok_or_else(|| set_up_error(format!("there is no backend `{}`", case.backend)))?;
        let mut plan = PoolPlan::plain(backend, case.workers as usize);
        plan.continuation = continuation(backend, case.continuation.as_deref())?;
        plan.pin = case.pin;
        plan.retry_limit = prepare.retry_limit;
        plan.task_timeout = prepare.task_timeout_ns.map(Duration::from_nanos);
        plan.options = options(backend, case)?;
        Ok(Self {
            prepare,
            definition,
            backend,
            plan,
            is_judged,
        })
    }

    /// Builds the graph, starts the workers and warms up.
    pub(super) fn set_up(&self) -> Result<(Meter, Prepared, Option<Bound>), CaseError> {
        let (graph, kernel) = self.graph_and_kernel()?;
        let kernel = match self.prepare.chaos {
            Some(Chaos { kill_ratio, seed }) => deadly(kernel, kill_ratio, seed),
            None => Ok(kernel),
        };
        let job = self.job(graph, kernel.map_err(set_up_error)?)?;
        let expected = (!self.is_judged).then(|| expected_digest(job.graph(), job.kernel(), 0));
        let optimum = self.prepare.certified_optimum_ns;
        let bound =
            bound(&job, self.backend, self.plan.worker_count, optimum).map_err(set_up_error)?;
        let size = GraphSize {
            task_count: job.graph().task_count() as u64,
            edge_count: job.graph().edge_count() as u64,
        };
        let kept = bound.filter(|_| job.kernel().is_duration_kept());
        let file_system = job.kernel().file_system().map(String::from);

        self.check_pin()?;
        let start = Instant::now();
        let pool = self.backend.start(Arc::clone(&job), &self.plan);
        let pool = pool.map_err(set_up_error)?;
        let start_ns = nanoseconds(start.elapsed());

        let mut meter = Meter::new(job, pool, self.plan.worker_count, expected)
            .with_least_wall_ns(kept.map_or(0, |bound| bound.best_ns()))
            .stretch(self.prepare.stretch_ratio);
        if self.is_judged {
            meter.set_nonce(self.prepare.nonce.0, false);
        }
        let warmup = Duration::from_nanos(self.prepare.warmup_ns);
        let min_sample = Duration::from_nanos(self.prepare.min_sample_ns);
        let run_count = self.prepare.warmup_run_count;
        meter
            .warm_up(warmup, run_count, min_sample)
            .map_err(failed)?;
        let Definition {
            kernel,
            kernel_parameters,
            ..
        } = &self.definition;
        let prepared = Prepared {
            start_ns,
            run_count: meter.run_count(),
            file_system,
            digest: Some(Hex(meter.digest())),
            graph: Some(size),
            bound,
            pace: Some(kernel.pace(kernel_parameters).name().into()),
        };
        Ok((meter, prepared, bound))
    }

    /// Fails if workers should be bound and are not, so that records never claim it wrongly.
    fn check_pin(&self) -> Result<(), CaseError> {
        let plan = &self.plan;
        if !plan.pin || are_workers_bound(self.backend, plan).map_err(set_up_error)? {
            return Ok(());
        }
        Err(CaseError::new(
            ErrorKind::NotBound,
            format!(
                "--pin was given, but the workers of `{}` are not bound to cores: leave out --pin, or make \
                 each of its workers call `Placement::enter`",
                self.backend.name()
            ),
        ))
    }

    /// Runs the case again on separate workers, and times each task, if the parent asked for it. Returns how long tasks
    /// took, if a `bound` is known, and why there is no file with the times of each task, if the parent asked for one.
    ///
    /// # Errors
    ///
    /// If a run failed.
    pub(super) fn trace(
        &self,
        bound: Option<&Bound>,
    ) -> Result<(Option<Trace>, Option<String>), CaseError> {
        let bound = bound.filter(|_| self.prepare.trace);
        let is_recursive = self.definition.kernel.is_recursive();
        let file = self.prepare.trace_file.as_ref();
        if bound.is_none() && (file.is_none() || is_recursive) {
            return Ok((None, file.map(|_| RECURSION_IS_ONE_TASK.into())));
        }
        let clock = own_task_clock();
        let (graph, kernel) = self.graph_and_kernel()?;
        let (kernel, times) = traced(kernel, graph.task_count(), clock).map_err(set_up_error)?;
        let job = self.job(graph, kernel)?;
        let digest = expected_digest(job.graph(), job.kernel(), 0);
        let start = || self.backend.start(Arc::clone(&job), &self.plan);
        let traced = trace(&job, &times, bound, start, digest).map_err(failed)?;
        let no_file = match (file, &traced.last) {
            (None, _) => None,
            (Some(_), None) => Some(EVERY_RUN_HAD_DEATHS.into()),
            (Some(file), Some(last)) => self.write_timeline(file, clock, &job, last).err(),
        };
        Ok((traced.trace, no_file))
    }

    /// Writes when each task of `last` ran.
    ///
    /// # Errors
    ///
    /// Why the file could not be written.
    fn write_timeline(
        &self,
        file: &TraceTarget,
        clock: TaskClock,
        job: &Job,
        last: &LastRun,
    ) -> Result<(), String> {
        let placed = place(&last.spans, self.plan.worker_count);
        let durations: Vec<u64> = last.spans.iter().map(|span| span.duration_ns).collect();
        let critical = longest_path(job.graph(), &durations).into_iter();
        let critical: Vec<u32> = critical.map(|TaskId(id)| id).collect();
        let timeline = Timeline {
            head: TimelineHead {
                case: self.prepare.case.id(),
                started_at: file.started_at.clone(),
                clock: clock_name(clock).into(),
                wall_ns: last.wall_ns,
                task_count: placed.tasks.len() as u32,
                critical_count: critical.len() as u32,
                lane_count: placed.lane_count,
                is_lane_worker: placed.is_lane_worker,
            },
            tasks: placed.tasks,
            critical,
        };
        let path = Path::new(&file.path);
        timeline::write(&timeline, path)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    fn graph_and_kernel(&self) -> Result<(TaskGraph, Box<dyn Kernel>), CaseError> {
        let graph = match &self.prepare.graph {
            Some(handed) => handed.read().map_err(set_up_error)?.graph,
            None => self.definition.build_graph().map_err(set_up_error)?,
        };
        let waits = self.wait_table(graph.task_count())?;
        let mut setting = self.backend.setting(&graph, self.plan.worker_count);
        setting.waits = waits.as_ref();
        let kernel = self.definition.build_kernel(&setting);
        Ok((graph, kernel.map_err(set_up_error)?))
    }

    /// The table in which the parent reads what tasks wait for, if it asked for one.
    fn wait_table(&self, party_count: usize) -> Result<Option<Arc<WaitTable>>, CaseError> {
        let Some(path) = &self.prepare.waits else {
            return Ok(None);
        };
        let table = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .and_then(|file| WaitTable::map(&file, party_count));
        let table = table.map_err(|error| {
            set_up_error(format!("cannot use the table of waits {path}: {error}"))
        })?;
        Ok(Some(Arc::new(table)))
    }

    fn job(&self, graph: TaskGraph, kernel: Box<dyn Kernel>) -> Result<Arc<Job>, CaseError> {
        let job = Job::new(graph, kernel)
            .and_then(|job| job.with_output_bytes(self.definition.output_bytes))
            .map_err(set_up_error)?;
        Ok(Arc::new(job))
    }
}

/// Checks the options of `case` against those of `backend`.
fn options(backend: &dyn Backend, case: &Case) -> Result<Parameters, CaseError> {
    let parse = |(name, value): (&String, &serde_json::Value)| {
        let value = serde_json::from_value(value.clone()).map_err(set_up_error)?;
        Ok((name.clone(), value))
    };
    let given = case.options.iter().map(parse).collect::<Result<_, _>>()?;
    Parameters::check(backend.options(), &given).map_err(set_up_error)
}

/// The continuation of this name if `backend` supports it, or the backend's default.
fn continuation(backend: &dyn Backend, name: Option<&str>) -> Result<Continuation, CaseError> {
    let all = backend.continuations();
    let Some(name) = name else {
        return Ok(all.first().copied().unwrap_or(Continuation::Queue));
    };
    let found = all.iter().find(|continuation| continuation.name() == name);
    found.copied().ok_or_else(|| {
        set_up_error(format!(
            "{} does not support the continuation `{name}`",
            backend.name()
        ))
    })
}
