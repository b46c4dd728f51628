//! The child's side of the protocol: prepares one case and serves slices of samples until it is told to finish.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Write};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Signal, set_parent_process_death_signal};

use super::failed::{failed, protocol_error, set_up_error};
use super::protocol::{
    Chaos, Finished, GreetedBackend, GreetedOption, Greeting, Hello, Hex, Prepare, Prepared, Reply,
    Request, SampleReply, SliceDone, VERSIONS,
};
use crate::backend::{Backend, Continuation, PoolPlan};
use crate::execute::{Job, expected_digest};
use crate::external::{COORDINATION, GRAPH, RECURSION};
use crate::graph::TaskGraph;
use crate::kernel::{Kernel, deadly, traced};
use crate::machine::host::sharpen_timers;
use crate::measure::binding::are_workers_bound;
use crate::measure::schedule::{bound, trace};
use crate::measure::{Meter, Slice};
use crate::parameter::{Parameter, ParameterKind, Parameters};
use crate::record::{Bound, Case, CaseError, ErrorKind, GraphSize, Trace, nanoseconds};
use crate::registry::Registry;
use crate::sync::WaitTable;
use crate::workload::Definition;

/// Reads requests from standard input and writes replies to standard output until it is told to finish.
///
/// Call it before any thread is started.
pub(crate) fn serve(registry: &Registry) -> ExitCode {
    let mut replies = match take_stdout() {
        Ok(replies) => replies,
        Err(error) => {
            eprintln!("taskdyno child: cannot reserve standard output for replies: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = die_with_parent() {
        eprintln!("taskdyno child: cannot ask the kernel to end it with its parent: {error}");
        return ExitCode::FAILURE;
    }
    sharpen_timers();
    match talk(registry, &mut replies) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If this fails too, there is no one to report to.
            let _ = send(&mut replies, &[Reply::Error(error)]);
            ExitCode::FAILURE
        }
    }
}

/// Asks the kernel to kill this process when its parent dies, because the process would not notice it during a slice.
/// If the parent has already gone, standard input ends before a slice is requested.
pub(super) fn die_with_parent() -> rustix::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
}

/// Reserves standard output for the protocol. From here on, the output of kernels goes to standard error.
pub(super) fn take_stdout() -> io::Result<File> {
    let replies: OwnedFd = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(replies))
}

fn talk(registry: &Registry, replies: &mut File) -> Result<(), CaseError> {
    let mut requests = io::stdin().lock();
    let mut next = move || next_request(&mut requests);

    let mut first = next()?;
    let is_judged = matches!(first, Some(Request::Hello(_)));
    if let Some(Request::Hello(hello)) = first {
        let greeting = greeting(registry, &hello)?;
        send(replies, &[Reply::Greeting(greeting)]).map_err(protocol_error)?;
        first = next()?;
    }
    let Some(Request::Prepare(prepare)) = first else {
        let message = "the first request must be `prepare`, or `prepare` must follow `hello`";
        return Err(protocol_error(message));
    };
    let stage = Stage::new(registry, &prepare, is_judged)?;
    let (mut meter, prepared, bound) = stage.set_up()?;
    send(replies, &[Reply::Prepared(prepared)]).map_err(protocol_error)?;

    loop {
        match next()? {
            Some(Request::Slice(request)) => {
                if is_judged {
                    meter.set_nonce(request.nonce.0, request.chained);
                }
                meter.record_latencies(request.latencies);
                let slice = meter.slice(&request.plan).map_err(failed)?;
                send(replies, &slice_lines(slice)).map_err(protocol_error)?;
            }
            Some(Request::Finish {}) => break,
            // Nobody is left who would read a reply.
            None => return Ok(()),
            Some(_) => {
                return Err(protocol_error(
                    "only `slice` and `finish` can follow `prepare`",
                ));
            }
        }
    }
    let peak_memory_bytes = meter.peak_memory_bytes();
    let worker_usage = meter.worker_usage();
    drop(meter);
    let trace = match bound {
        Some(bound) if prepare.trace => Some(stage.trace(&bound)?),
        _ => None,
    };
    let finished = Finished {
        peak_memory_bytes,
        worker_usage,
        trace,
    };
    send(replies, &[Reply::Finished(finished)]).map_err(protocol_error)
}

/// What this build is and has.
fn greeting(registry: &Registry, hello: &Hello) -> Result<Greeting, CaseError> {
    let version = hello.versions.iter().filter(|one| VERSIONS.contains(one));
    let version = *version.max().ok_or_else(|| {
        protocol_error(format!(
            "`hello` names the versions {:?}, but only {VERSIONS:?} are known here",
            hello.versions
        ))
    })?;
    let kernels = registry.kernels.iter().map(|kernel| kernel.name().into());
    Ok(Greeting {
        version,
        language: "rust".into(),
        runtime: "taskdyno".into(),
        runtime_version: env!("CARGO_PKG_VERSION").into(),
        details: BTreeMap::from([("toolchain".into(), env!("TASKDYNO_TOOLCHAIN").into())]),
        backends: registry.backends.iter().map(|one| greeted(*one)).collect(),
        kernels: kernels.collect(),
        kinds: vec![GRAPH.into(), COORDINATION.into(), RECURSION.into()],
        has_payload: true,
        has_latencies: true,
    })
}

fn greeted(backend: &dyn Backend) -> GreetedBackend {
    let option = |option: &Parameter| GreetedOption {
        name: option.name.into(),
        values: match option.kind {
            ParameterKind::Choice(values) => values.iter().map(|one| (*one).into()).collect(),
            _ => Vec::new(),
        },
    };
    GreetedBackend {
        name: backend.name().into(),
        family: backend.family().name().into(),
        why: backend.why().into(),
        options: backend.options().iter().map(option).collect(),
        fixed_worker_count: backend.fixed_worker_count().map(|count| count as u32),
        waits_per_worker: backend.parallelism(1, true).map(|count| count as u32),
        kernels: None,
    }
}

/// The lines that answer the request for a slice.
fn slice_lines(slice: Slice) -> Vec<Reply> {
    let samples = slice.samples.into_iter().zip(slice.digests);
    let line = |(sample, digest)| {
        Reply::Sample(SampleReply {
            sample,
            digest: Some(Hex(digest)),
        })
    };
    let mut lines: Vec<_> = samples.map(line).collect();
    lines.push(Reply::SliceDone(SliceDone {
        findings: slice.findings,
        deaths: slice.deaths,
        latencies: slice.latencies,
    }));
    lines
}

/// The longest request. A case with all its parameters has a few hundred bytes.
const MOST_REQUEST_BYTES: u64 = 1 << 20;

/// Reads the next request and checks its numbers; `None` at the end of the input.
pub(super) fn next_request(requests: &mut impl BufRead) -> Result<Option<Request>, CaseError> {
    let mut line = Vec::new();
    let mut limited = requests.take(MOST_REQUEST_BYTES);
    limited
        .read_until(b'\n', &mut line)
        .map_err(protocol_error)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.len() as u64 == MOST_REQUEST_BYTES {
        return Err(protocol_error(format!(
            "a request is longer than {MOST_REQUEST_BYTES} bytes"
        )));
    }
    let request: Request = serde_json::from_slice(&line).map_err(protocol_error)?;
    request.check().map_err(protocol_error)?;
    Ok(Some(request))
}

/// Everything that a case names, looked up and checked.
struct Stage<'a> {
    prepare: &'a Prepare,
    definition: Definition,
    backend: &'static dyn Backend,
    plan: PoolPlan,
    /// Whether the parent compares the digests. In version 1, the child compares them.
    is_judged: bool,
}

impl<'a> Stage<'a> {
    fn new(registry: &Registry, prepare: &'a Prepare, is_judged: bool) -> Result<Self, CaseError> {
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
    fn set_up(&self) -> Result<(Meter, Prepared, Option<Bound>), CaseError> {
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

    /// Runs the case again on separate workers, and times each task.
    fn trace(&self, bound: &Bound) -> Result<Trace, CaseError> {
        let (graph, kernel) = self.graph_and_kernel()?;
        let (kernel, times) = traced(kernel, graph.task_count()).map_err(set_up_error)?;
        let job = self.job(graph, kernel)?;
        let digest = expected_digest(job.graph(), job.kernel(), 0);
        let start = || self.backend.start(Arc::clone(&job), &self.plan);
        trace(&job, &times, bound.parallelism, start, digest).map_err(failed)
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

pub(super) fn send(replies: &mut File, lines: &[Reply]) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text += &serde_json::to_string(line)?;
        text.push('\n');
    }
    // One write for the whole slice wakes the parent only once, and not during a sample.
    replies.write_all(text.as_bytes())
}
