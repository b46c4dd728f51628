//! The child's side of the protocol: prepares one case and serves slices of samples until it is told to finish.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::OwnedFd;
use std::process::ExitCode;

use rustix::process::{Signal, set_parent_process_death_signal};

use super::failed::{failed, protocol_error};
use super::protocol::{
    Finished, GreetedBackend, GreetedOption, Greeting, Hello, Hex, Reply, Request, SampleReply,
    SliceDone, VERSIONS,
};
use super::stage::Stage;
use crate::backend::Backend;
use crate::external::{COORDINATION, GRAPH, RECURSION};
use crate::machine::host::sharpen_timers;
use crate::measure::Slice;
use crate::parameter::{Parameter, ParameterKind};
use crate::record::CaseError;
use crate::registry::Registry;

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
    let (trace, no_trace_file) = stage.trace(bound.as_ref())?;
    let finished = Finished {
        peak_memory_bytes,
        worker_usage,
        trace,
        no_trace_file,
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

pub(super) fn send(replies: &mut File, lines: &[Reply]) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text += &serde_json::to_string(line)?;
        text.push('\n');
    }
    // One write for the whole slice wakes the parent only once, and not during a sample.
    replies.write_all(text.as_bytes())
}
