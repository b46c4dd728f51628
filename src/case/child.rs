//! The child's side of the protocol: prepares one case and serves slices of samples until it is told to finish.

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Signal, set_parent_process_death_signal};

use super::protocol::{Chaos, Finished, Prepare, Prepared, Reply, Request, SliceDone};
use crate::backend::{Backend, Continuation, Death, PoolPlan};
use crate::execute::{Failure, Job, expected_digest};
use crate::graph::TaskGraph;
use crate::kernel::{Kernel, Setting, deadly, traced};
use crate::machine::host::sharpen_timers;
use crate::measure::binding::are_workers_bound;
use crate::measure::schedule::{bound, trace};
use crate::measure::{self, Meter};
use crate::parameter::Parameters;
use crate::record::{Bound, Case, CaseError, ErrorKind, GraphSize, Trace, nanoseconds};
use crate::registry::Registry;
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
fn die_with_parent() -> rustix::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
}

/// Reserves standard output for the protocol. From here on, the output of kernels goes to standard error.
fn take_stdout() -> io::Result<File> {
    let replies: OwnedFd = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(replies))
}

fn talk(registry: &Registry, replies: &mut File) -> Result<(), CaseError> {
    let mut requests = io::stdin().lock();
    let mut next = move || next_request(&mut requests);

    let Some(Request::Prepare(prepare)) = next()? else {
        return Err(protocol_error("the first request must be `prepare`"));
    };
    let stage = Stage::new(registry, &prepare)?;
    let (mut meter, prepared) = stage.set_up()?;
    let bound = prepared.bound;
    send(replies, &[Reply::Prepared(prepared)]).map_err(protocol_error)?;

    while let Some(request) = next()? {
        match request {
            Request::Slice(plan) => {
                let slice = meter.slice(&plan).map_err(failed)?;
                let mut lines: Vec<_> = slice.samples.into_iter().map(Reply::Sample).collect();
                lines.push(Reply::SliceDone(SliceDone {
                    findings: slice.findings,
                    deaths: slice.deaths,
                }));
                send(replies, &lines).map_err(protocol_error)?;
            }
            Request::Finish {} => break,
            Request::Prepare(_) => return Err(protocol_error("`prepare` must not be repeated")),
        }
    }
    let peak_memory_bytes = meter.peak_memory_bytes();
    drop(meter);
    let trace = match bound {
        Some(bound) if prepare.trace => Some(stage.trace(&bound)?),
        _ => None,
    };
    let finished = Finished {
        peak_memory_bytes,
        trace,
    };
    send(replies, &[Reply::Finished(finished)]).map_err(protocol_error)
}

/// The longest request. A case with all its parameters has a few hundred bytes.
const MOST_REQUEST_BYTES: u64 = 1 << 20;

/// Reads the next request and checks its numbers; `None` at the end of the input.
fn next_request(requests: &mut impl BufRead) -> Result<Option<Request>, CaseError> {
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
}

impl<'a> Stage<'a> {
    fn new(registry: &Registry, prepare: &'a Prepare) -> Result<Self, CaseError> {
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
        })
    }

    /// Builds the graph, starts the workers and warms up.
    fn set_up(&self) -> Result<(Meter, Prepared), CaseError> {
        let (graph, kernel) = self.graph_and_kernel()?;
        let kernel = match self.prepare.chaos {
            Some(Chaos { kill_ratio, seed }) => deadly(kernel, kill_ratio, seed),
            None => Ok(kernel),
        };
        let (job, digest) = self.job(graph, kernel.map_err(set_up_error)?)?;
        let optimum = self.prepare.certified_optimum_ns;
        let bound =
            bound(&job, self.backend, self.plan.worker_count, optimum).map_err(set_up_error)?;
        let size = GraphSize {
            task_count: job.graph().task_count() as u64,
            edge_count: job.graph().edge_count() as u64,
        };
        let kept = bound.filter(|_| job.kernel().is_duration_kept());

        self.check_pin()?;
        let start = Instant::now();
        let pool = self.backend.start(Arc::clone(&job), &self.plan);
        let pool = pool.map_err(set_up_error)?;
        let start_ns = nanoseconds(start.elapsed());

        let mut meter = Meter::new(job, pool, self.plan.worker_count, digest)
            .with_least_wall_ns(kept.map_or(0, |bound| bound.best_ns()))
            .stretch(self.prepare.stretch_ratio);
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
            graph: size,
            bound,
            pace: Some(kernel.pace(kernel_parameters).name().into()),
            digest: format!("{digest:016x}"),
            start_ns,
            run_count: meter.run_count(),
        };
        Ok((meter, prepared))
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
        let (job, digest) = self.job(graph, kernel)?;
        let start = || self.backend.start(Arc::clone(&job), &self.plan);
        trace(&job, &times, bound.parallelism, start, digest).map_err(failed)
    }

    fn graph_and_kernel(&self) -> Result<(TaskGraph, Box<dyn Kernel>), CaseError> {
        let graph = self.definition.build_graph().map_err(set_up_error)?;
        let setting = Setting::new(&graph, self.backend.sharing(), self.plan.worker_count);
        let kernel = self.definition.build_kernel(&setting);
        Ok((graph, kernel.map_err(set_up_error)?))
    }

    /// The job, and the digest that its runs must produce.
    fn job(&self, graph: TaskGraph, kernel: Box<dyn Kernel>) -> Result<(Arc<Job>, u64), CaseError> {
        let digest = expected_digest(&graph, kernel.as_ref());
        let job = Job::new(graph, kernel)
            .and_then(|job| job.with_output_bytes(self.definition.output_bytes))
            .map_err(set_up_error)?;
        Ok((Arc::new(job), digest))
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

fn send(replies: &mut File, lines: &[Reply]) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text += &serde_json::to_string(line)?;
        text.push('\n');
    }
    // One write for the whole slice wakes the parent only once, and not during a sample.
    replies.write_all(text.as_bytes())
}

fn failed(failure: Failure) -> CaseError {
    let death = match &failure {
        Failure::WorkerDied {
            task,
            worker,
            ending,
            attempt_count,
        } => Some(Death {
            worker: *worker,
            ending: *ending,
            task: Some(*task),
            attempt_count: *attempt_count,
        }),
        _ => None,
    };
    CaseError {
        task: failure.task().map(|task| u64::from(task.0)),
        death: death.map(measure::recorded_death),
        ..CaseError::new(failure.kind().into(), failure.to_string())
    }
}

fn set_up_error(error: impl ToString) -> CaseError {
    CaseError::new(ErrorKind::SetUp, error.to_string())
}

fn protocol_error(error: impl ToString) -> CaseError {
    CaseError::new(ErrorKind::Protocol, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::Ending;
    use crate::graph::TaskId;

    #[test]
    fn records_know_the_kind_of_every_failure() {
        let (task, predecessor) = (TaskId(1), TaskId(0));
        let message = || String::from("out of cheese");
        let failures = [
            Failure::MissingInput { task, predecessor },
            Failure::NotOnce { task },
            Failure::Lost { task },
            Failure::Miscounted { task },
            Failure::WrongPayload {
                task,
                predecessor,
                byte: 0,
            },
            Failure::Panicked {
                task,
                message: message(),
            },
            Failure::WrongDigest {
                found: 0,
                expected: 1,
            },
            Failure::Kernel { message: message() },
            Failure::BeatBound {
                wall_ns: 1,
                bound_ns: 2,
            },
            Failure::WorkerDied {
                task,
                worker: 0,
                ending: Ending::Signal(libc::SIGKILL),
                attempt_count: 1,
            },
            Failure::Backend { message: message() },
        ];
        for failure in failures {
            let error = failed(failure);
            assert!(!matches!(error.kind, ErrorKind::Other(_)), "{error:?}");
        }
    }
}
