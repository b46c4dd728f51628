//! What a case must compute, from a process of the same build, and never from the child that is measured.
//!
//! A kernel of a user can panic, hang or end its process, so the parent does not run it. The hidden command `expected`
//! computes the digests of one work in a process of its own, once for all backends and all numbers of workers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead};
use std::os::fd::AsRawFd;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitCode};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::child::{die_with_parent, next_request, send, take_stdout};
use super::failed::{protocol_error, set_up_error};
use super::process::{ChildProcess, Idle};
use super::protocol::{Expect, Expected, HandedGraph, Hex, Reply, Request};
use crate::execute::{expected_digest, expected_task_count};
use crate::external::work_kind;
use crate::handover::GraphFile;
use crate::kernel::{Setting, Sharing};
use crate::measure::schedule::KnownDurations;
use crate::random::SplitMix64;
use crate::record::{CaseError, ErrorKind, GraphSize};
use crate::registry::Registry;
use crate::system::Root;
use crate::system::limit::cannot_start;
use crate::workload::Definition;

/// What every run of one work must compute.
#[derive(Debug)]
pub(super) struct Work {
    /// The nonces that slices use in turn.
    pub(super) nonces: [Hex; 2],
    /// One digest per nonce, and that of nonce 0; and the graph, in `file`.
    pub(super) expected: Expected,
    /// Keeps the graph for the children that read it; `None` if it could not be written.
    file: Option<File>,
}

impl Work {
    /// The digest of every run with nonce 0, which records keep: it is the same in every session.
    pub(super) fn digest(&self) -> Hex {
        self.expected.digests[self.nonces.len()]
    }
}

/// When the graphs of all works take more memory than this, the earlier ones are forgotten, and computed again when they
/// are needed.
const MOST_GRAPH_BYTES: u64 = 1 << 28;

/// All works of a session, each computed when it is first needed.
#[derive(Debug)]
pub struct Works {
    program: PathBuf,
    nonces: [Hex; 2],
    known: RefCell<BTreeMap<String, Result<Rc<Work>, CaseError>>>,
}

impl Works {
    /// Works computed by `program`, which must be the build that the children belong to. The nonces of the session are
    /// drawn from `seed`.
    pub fn new(program: &Path, seed: u64) -> Self {
        let mut numbers = SplitMix64::new(seed);
        // 0 stands for no nonce.
        let nonces = [(); 2].map(|()| Hex(numbers.next_u64().max(1)));
        Self {
            program: program.into(),
            nonces,
            known: RefCell::default(),
        }
    }

    /// What the work with these parameters must compute.
    ///
    /// # Errors
    ///
    /// Why it could not be computed. All errors except an interrupt are remembered.
    pub(super) fn of(
        &self,
        parameters: &Value,
        timeout: Duration,
        idle: &mut dyn Idle,
    ) -> Result<Rc<Work>, CaseError> {
        let key = parameters.to_string();
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let work = self.compute(parameters, timeout, idle).map(Rc::new);
        let is_final = !matches!(&work, Err(error) if error.kind == ErrorKind::Cancelled);
        if is_final {
            let mut known = self.known.borrow_mut();
            known.insert(key.clone(), work.clone());
            let works = known.values().flatten();
            if works.map(|work| work.graph_bytes()).sum::<u64>() > MOST_GRAPH_BYTES {
                known.retain(|other, _| *other == key);
            }
        }
        work
    }

    fn compute(
        &self,
        parameters: &Value,
        timeout: Duration,
        idle: &mut dyn Idle,
    ) -> Result<Work, CaseError> {
        let mut command = Command::new(&self.program);
        command.arg("expected");
        let spawned = ChildProcess::spawn(command, timeout, Root::default());
        let mut process = spawned.map_err(|error| {
            let error = cannot_start(self.program.display(), &error);
            CaseError::new(ErrorKind::SetUp, error.to_string())
        })?;
        let mut nonces = self.nonces.to_vec();
        nonces.push(Hex(0));
        let count = nonces.len();
        let request = Request::Expect(Box::new(Expect {
            parameters: parameters.clone(),
            nonces,
        }));
        match process.ask(&request, idle).map_err(of_expected)? {
            Reply::Expected(expected) if expected.digests.len() == count => {
                process.has_finished = true;
                Work::keep(self.nonces, expected)
            }
            other => Err(process.unexpected(&other)),
        }
    }
}

impl Work {
    /// Opens the graph file of a process that is about to end, so that the file outlives it.
    fn keep(nonces: [Hex; 2], mut expected: Expected) -> Result<Self, CaseError> {
        let handed = expected.file.as_mut();
        let file = handed.map(own_file).transpose()?;
        Ok(Self {
            nonces,
            expected,
            file,
        })
    }

    /// The memory that the graph takes.
    fn graph_bytes(&self) -> u64 {
        let file = self.file.as_ref().and_then(|file| file.metadata().ok());
        file.map_or(0, |file| file.len())
    }
}

/// Opens the file of a graph, and makes its path one of this process.
fn own_file(handed: &mut HandedGraph) -> Result<File, CaseError> {
    let path = &handed.path;
    let file = File::open(path).map_err(|error| {
        let message = format!("cannot open the graph {path} that `expected` wrote: {error}");
        CaseError::new(ErrorKind::SetUp, message)
    })?;
    handed.path = format!("/proc/{}/fd/{}", process::id(), file.as_raw_fd());
    Ok(file)
}

/// Says that an error happened before any child was started.
fn of_expected(error: CaseError) -> CaseError {
    match error.kind {
        ErrorKind::Cancelled | ErrorKind::SetUp => error,
        _ => CaseError {
            message: format!("computing the expected digests: {}", error.message),
            ..error
        },
    }
}

/// The command `expected`: reads one request, and answers it.
pub(crate) fn serve_expected(registry: &Registry) -> ExitCode {
    let (mut replies, _) = match take_stdout().and_then(|out| Ok((out, die_with_parent()?))) {
        Ok(taken) => taken,
        Err(error) => {
            eprintln!("taskdyno expected: cannot set up the process: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut requests = io::stdin().lock();
    match answer(registry, &mut requests) {
        Ok((expected, graph)) => {
            if send(&mut replies, &[Reply::Expected(expected)]).is_ok() {
                // The graph exists until the parent has opened it, and closes this input.
                let _ = io::copy(&mut requests, &mut io::sink());
            }
            drop(graph);
            ExitCode::SUCCESS
        }
        Err(error) => {
            // If this fails too, there is no one to report to.
            let _ = send(&mut replies, &[Reply::Error(error)]);
            ExitCode::FAILURE
        }
    }
}

/// Runs `work` on a stack that holds recursive programs which are too deep for those of the backends, so that these fail
/// by themselves. Only the pages that are used take memory.
fn on_deep_stack<T: Send>(work: impl Fn() -> T + Sync) -> T {
    const STACK_BYTES: usize = 1 << 30;
    thread::scope(|scope| {
        let deep = thread::Builder::new().stack_size(STACK_BYTES);
        match deep.spawn_scoped(scope, &work) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // A limit on memory may refuse the stack.
            Err(_) => work(),
        }
    })
}

/// What is expected, and the file with the graph. Without the file, builds of taskdyno can still run the work: they make
/// the graph themselves. A limit on the size of files (`ulimit -f`) applies to it too.
fn answer(
    registry: &Registry,
    requests: &mut impl BufRead,
) -> Result<(Expected, Option<GraphFile>), CaseError> {
    let Some(Request::Expect(request)) = next_request(requests)? else {
        return Err(protocol_error("the request must be `expect`"));
    };
    let definition = Definition::from_json(&request.parameters, registry).map_err(set_up_error)?;
    let graph = definition.build_graph().map_err(set_up_error)?;
    // What a kernel returns depends neither on the workers nor on what they share.
    let setting = Setting::new(&graph, Sharing::Threads, 1);
    let kernel = definition.build_kernel(&setting).map_err(set_up_error)?;
    let digest = |nonce: &Hex| Hex(expected_digest(&graph, kernel.as_ref(), nonce.0));
    let (digests, spawned_count) = on_deep_stack(|| {
        let digests = request.nonces.iter().map(digest).collect();
        (digests, expected_task_count(&graph, kernel.as_ref()))
    });
    let latencies = definition.kernel.latencies();
    let pace = definition.kernel.pace(&definition.kernel_parameters);
    let (task_count, edge_count) = (graph.task_count() as u64, graph.edge_count() as u64);
    let written = GraphFile::write(&graph, definition.output_bytes);
    let no_file = written.as_ref().err().map(io::Error::to_string);
    let file = written.ok();
    let expected = Expected {
        graph: GraphSize {
            task_count: spawned_count,
            edge_count,
        },
        file: file.as_ref().map(|file| HandedGraph {
            path: file.path().display().to_string(),
            crc32: format!("{:08x}", file.crc32()),
            task_count,
            edge_count,
        }),
        no_file,
        digests,
        pace: pace.name().into(),
        kind: work_kind(definition.kernel).into(),
        has_parties: kernel.has_parties(),
        durations: KnownDurations::of(&graph, kernel.as_ref()),
        latencies: latencies.iter().map(|name| (*name).into()).collect(),
        is_timing_the_work: definition.kernel.is_timing_the_work(),
        is_ranked_by_cpu: definition.kernel.is_ranked_by_cpu(),
    };
    Ok((expected, file))
}
