//! The test that every backend must pass with every kernel whose tasks coordinate or do IO.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use taskdyno_core::backend::{Backend, Continuation, Family, PoolPlan, verify_runs};
use taskdyno_core::execute::{Failure, Job};
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::kernel::{Awaited, Kernel, KernelKind};
use taskdyno_core::parameter::{Parameter, ParameterKind, Parameters, UNBOUNDED, Value};

/// Runs of each pool. State that one run leaves behind would show in the next.
const RUN_COUNT: u64 = 3;

/// Runs `kind` on `backend` with every combination of its choices: with one party, two, three, and more than there are
/// cores; with one worker, two, as many workers as parties, and one more. What the kernel says does not fit is left out.
///
/// # Panics
///
/// When a run fails, or when nothing fits although the backend has more than one worker and primitives for its tasks.
pub(crate) fn conforms(kind: &dyn KernelKind, backend: &dyn Backend, continuation: Continuation) {
    let mut ran_count = 0;
    let mut refusal = String::new();
    for party_count in [1, 2, 3, most_parties()] {
        for parameters in every_choice(kind.parameters()) {
            for worker_count in worker_counts(backend, party_count) {
                let venue = backend.venue(party_count as u64, worker_count);
                if let Err(reason) = kind.fits(&parameters, &venue) {
                    refusal = reason;
                    continue;
                }
                let mut plan = PoolPlan::plain(backend, worker_count);
                plan.continuation = continuation;
                runs(kind, &parameters, backend, &plan, party_count);
                ran_count += 1;
            }
        }
    }
    let is_alone = backend.fixed_worker_count() == Some(1);
    let is_foreign = backend.family() == Family::Async && backend.runtime().is_none();
    let (kernel, backend) = (kind.name(), backend.name());
    assert!(
        ran_count > 0 || is_alone || is_foreign,
        "{kernel} runs nowhere on {backend}: {refusal}"
    );
    if ran_count == 0 {
        eprintln!("skipped: {kernel} on {backend}: {refusal}");
    }
}

fn worker_counts(backend: &dyn Backend, party_count: usize) -> Vec<usize> {
    match backend.fixed_worker_count() {
        Some(count) => vec![count],
        None => vec![1, 2, party_count, party_count + 1],
    }
}

fn runs(
    kind: &dyn KernelKind,
    parameters: &Parameters,
    backend: &dyn Backend,
    plan: &PoolPlan,
    party_count: usize,
) {
    let graph = independent(party_count);
    let mut setting = backend.setting(&graph, plan.worker_count);
    setting.helper = Some(Path::new(env!("CARGO_BIN_EXE_taskdyno")));
    let kernel = kind.build(parameters, &setting);
    let job = Job::new(graph, kernel.unwrap()).unwrap();
    let what = format!(
        "{} {:?} for {party_count} on {} {plan:?}",
        kind.name(),
        parameters.values(),
        backend.name()
    );
    assert_eq!(verify_runs(backend, plan, job, RUN_COUNT), Ok(()), "{what}");
}

/// More parties than there are cores.
fn most_parties() -> usize {
    thread::available_parallelism().unwrap().get() + 3
}

/// Whether a parameter says how many parties do one of several things. What does not fit the number of all parties is left
/// out.
fn is_party_count(name: &str) -> bool {
    ["producers", "consumers"].contains(&name)
}

/// Tasks that do not depend on each other.
pub(crate) fn independent(task_count: usize) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    for _ in 0..task_count {
        builder.push([]).unwrap();
    }
    builder.finish()
}

/// All combinations of the choices among `declared`, with small values for the rest.
fn every_choice(declared: &[Parameter]) -> Vec<Parameters> {
    let mut given = vec![BTreeMap::new()];
    for parameter in declared {
        let values: Vec<Value> = match parameter.kind {
            ParameterKind::Count { .. } if is_party_count(parameter.name) => {
                [1, 2, most_parties() as u64 - 1].map(Value::Count).into()
            }
            ParameterKind::Count { min, max } => vec![Value::Count(3.clamp(min, max))],
            // 64 KiB of messages fill a power of two of pages, whatever their size: a pipe holds nothing else.
            ParameterKind::Limit { max } => [0, 1, 3, 4096]
                .into_iter()
                .filter(|limit| *limit <= max)
                .map(Value::Count)
                .chain([Value::Text(UNBOUNDED.into())])
                .collect(),
            ParameterKind::Milliseconds => vec![Value::Number(0.1)],
            ParameterKind::Ratio => vec![Value::Number(0.5)],
            ParameterKind::Choice(words) => words
                .iter()
                .map(|word| Value::Text((*word).into()))
                .collect(),
        };
        let with = |given: &BTreeMap<String, Value>| -> Vec<_> {
            let one = |value: &Value| {
                let mut given = given.clone();
                given.insert(parameter.name.into(), value.clone());
                given
            };
            values.iter().map(one).collect()
        };
        given = given.iter().flat_map(with).collect();
    }
    let checked = given.iter().map(|given| Parameters::check(declared, given));
    checked.map(Result::unwrap).collect()
}

/// Runs `kind` for three parties on three workers of `backend`, one of which panics instead of taking part, so the others
/// wait for it in vain. Asserts that the run ends with its message.
pub(crate) fn a_party_panics(kind: &dyn KernelKind, backend: &dyn Backend) {
    let parameters = Parameters::check(kind.parameters(), &BTreeMap::new()).unwrap();
    let worker_count = backend.fixed_worker_count().unwrap_or(3);
    let venue = backend.venue(3, worker_count);
    if kind.fits(&parameters, &venue).is_err() {
        return;
    }
    let graph = independent(3);
    let kernel = kind.build(&parameters, &backend.setting(&graph, worker_count));
    let job = Job::new(graph, Box::new(Panicking(kernel.unwrap()))).unwrap();
    assert_out_of_cheese(backend, job, 3, TaskId(1));
}

/// Runs `job` with this many workers, or the only number that `backend` has, and asserts that the run ends because `task` is
/// out of cheese.
pub(crate) fn assert_out_of_cheese(
    backend: &dyn Backend,
    job: Job,
    worker_count: usize,
    task: TaskId,
) {
    let worker_count = backend.fixed_worker_count().unwrap_or(worker_count);
    let job = Arc::new(job);
    let mut pool = backend
        .start(Arc::clone(&job), &PoolPlan::plain(backend, worker_count))
        .unwrap();
    job.begin_run();
    pool.run().unwrap_err();
    drop(pool);
    let told = matches!(
        job.failure(),
        Some(Failure::Panicked { task: found, message })
            if found == task && message.contains("out of cheese")
    );
    assert!(told, "{}: {:?}", backend.name(), job.failure());
}

/// A kernel whose second party panics instead of taking part.
struct Panicking(Box<dyn Kernel>);

impl Kernel for Panicking {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        assert_ne!(task, TaskId(1), "out of cheese");
        self.0.run(task, seed)
    }

    fn expected(&self, task: TaskId, seed: u64) -> u64 {
        self.0.expected(task, seed)
    }

    fn is_awaited(&self) -> bool {
        self.0.is_awaited()
    }

    fn awaited(&self, task: TaskId, seed: u64) -> Awaited<'_> {
        Box::pin(async move {
            assert_ne!(task, TaskId(1), "out of cheese");
            self.0.awaited(task, seed).await
        })
    }

    fn has_parties(&self) -> bool {
        true
    }

    fn halt(&self) {
        self.0.halt();
    }
}
