//! Backends, graphs and kernels in all the forms that the tests try.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::thread;

use proptest::prelude::*;
use taskdyno::internal::backend::{BACKENDS, FEATURES};
use taskdyno_core::backend::{Backend, Continuation, PoolPlan};
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::kernel::{EMPTY, KERNELS, Kernel, KernelKind, Setting, Sharing};
use taskdyno_core::parameter::{Parameter, ParameterKind, Parameters, Value};
use taskdyno_core::pattern::{Pattern, STENCIL_1D};

use crate::global;

/// Every backend with threads, with each of these numbers of workers and each continuation. What this system cannot run is
/// named and left out. In a process for one backend, only that one, with its number of workers.
pub(crate) fn set_ups(worker_counts: &[usize]) -> Vec<(&'static dyn Backend, PoolPlan)> {
    let backends = match global::alone() {
        Some(alone) => vec![alone],
        None => backends(),
    };
    let mut all = Vec::new();
    for backend in backends.into_iter().filter(|backend| backend.runs_graphs()) {
        let fixed = backend.fixed_worker_count().map(|count| vec![count]);
        for worker_count in fixed.unwrap_or_else(|| worker_counts.to_vec()) {
            let mut continuations = backend.continuations();
            if continuations.is_empty() {
                continuations = &[Continuation::Queue];
            }
            for &continuation in continuations {
                let mut plan = PoolPlan::plain(backend, worker_count);
                plan.continuation = continuation;
                all.push((backend, plan));
            }
        }
    }
    all
}

/// [`set_ups`] with several numbers of workers. What the kernel says does not fit is named and left out.
pub(crate) fn fitting(
    kind: &dyn KernelKind,
    parameters: &Parameters,
    graph: &TaskGraph,
) -> Vec<(&'static dyn Backend, PoolPlan)> {
    let mut all = set_ups(&worker_counts());
    all.retain(|(backend, plan)| {
        let venue = backend.venue(graph.task_count() as u64, plan.worker_count);
        let fits = kind.fits(parameters, &venue);
        let skipped = |reason| skipped(&format!("{}: {reason}", kind.name()));
        fits.map_err(skipped).is_ok()
    });
    all
}

/// The backends with threads that can start any number of workers in one process, and run on this system.
fn backends() -> Vec<&'static dyn Backend> {
    let of_threads = |backend: &&&dyn Backend| {
        backend.sharing() == Sharing::Threads && !global::NAMES.contains(&backend.name())
    };
    for (name, feature) in FEATURES {
        if BACKENDS.iter().all(|backend| backend.name() != *name) {
            skipped(&format!(
                "`{name}`: this build lacks the feature `{feature}`"
            ));
        }
    }
    let is_allowed = |backend: &&dyn Backend| {
        let allowed = backend.check_system();
        allowed.map_err(|refusal| skipped(&refusal)).is_ok()
    };
    let all = BACKENDS.iter().filter(of_threads).copied();
    all.filter(is_allowed).collect()
}

/// Says what is not tested and why, once.
fn skipped(what: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().expect("nothing panics under the mutex");
    if said.insert(what.to_owned()) {
        eprintln!("skipped: {what}");
    }
}

/// One, two, three, and more than there are cores.
pub(crate) fn worker_counts() -> [usize; 4] {
    let core_count = thread::available_parallelism().unwrap().get();
    [1, 2, 3, (core_count + 2).max(8)]
}

/// Small graphs of a pattern: a single task if the pattern has such a graph, a narrow graph, and a graph that no number
/// of workers divides evenly.
pub(crate) fn graphs(pattern: &dyn Pattern) -> Vec<TaskGraph> {
    let sizes = [(1, 1), (1, 5), (7, 5)];
    let build = |(width, steps)| {
        let given = given(
            pattern.parameters(),
            &BTreeMap::from([("width", width), ("steps", steps)]),
        );
        let [given] = &given[..] else {
            panic!("{} has choices, which this test must try", pattern.name());
        };
        let parameters = Parameters::check(pattern.parameters(), given).unwrap();
        with_durations(pattern.build(&parameters).unwrap())
    };
    sizes.map(build).into()
}

/// `graph` with durations from 0 to 20 us, for the kernels that use them.
pub(crate) fn with_durations(graph: TaskGraph) -> TaskGraph {
    let durations_ns = graph.tasks().map(|task| u64::from(task.0 % 3) * 10_000);
    let durations_ns = durations_ns.collect();
    graph.with_durations(durations_ns)
}

/// Every kernel, with each of its choices and small numbers.
pub(crate) fn kernels() -> Vec<(&'static dyn KernelKind, Parameters)> {
    let of_kind = |kind: &&'static dyn KernelKind| {
        let kind = *kind;
        let given = given(kind.parameters(), &BTreeMap::new());
        let check = move |given| Parameters::check(kind.parameters(), &given).unwrap();
        given.into_iter().map(move |given| (kind, check(given)))
    };
    KERNELS.iter().flat_map(of_kind).collect()
}

/// Values for declared parameters: these counts, a small value for every other parameter, and all choices.
pub(crate) fn given(
    declared: &[Parameter],
    counts: &BTreeMap<&str, u64>,
) -> Vec<BTreeMap<String, Value>> {
    let mut all = vec![BTreeMap::new()];
    for parameter in declared {
        let values = match parameter.kind {
            ParameterKind::Count { min, max } => {
                let count = counts.get(parameter.name).copied();
                vec![Value::Count(count.unwrap_or(3).clamp(min, max))]
            }
            ParameterKind::Limit { max } => vec![Value::Count(3.min(max))],
            ParameterKind::Milliseconds => vec![Value::Number(0.01)],
            ParameterKind::Ratio => vec![Value::Number(0.5)],
            ParameterKind::Choice(words) => words
                .iter()
                .map(|word| Value::Text((*word).into()))
                .collect(),
        };
        let with = |given: &BTreeMap<String, Value>, value: &Value| {
            let mut given = given.clone();
            given.insert(parameter.name.into(), value.clone());
            given
        };
        let longer = all
            .iter()
            .flat_map(|given| values.iter().map(move |value| with(given, value)));
        all = longer.collect();
    }
    all
}

pub(crate) fn empty() -> Box<dyn Kernel> {
    let graph = TaskGraph::default();
    let setting = Setting::new(&graph, Sharing::Threads, 1);
    EMPTY.build(&Parameters::default(), &setting).unwrap()
}

pub(crate) fn setting<'a>(
    graph: &'a TaskGraph,
    backend: &dyn Backend,
    plan: &PoolPlan,
) -> Setting<'a> {
    backend.setting(graph, plan.worker_count)
}

pub(crate) fn stencil(width: u64, steps: u64) -> TaskGraph {
    let given = [("width", width), ("steps", steps)];
    let given = given.map(|(key, count)| (key.into(), Value::Count(count)));
    let parameters = Parameters::check(STENCIL_1D.parameters(), &BTreeMap::from(given)).unwrap();
    STENCIL_1D.build(&parameters).unwrap()
}

/// Single tasks, a chain and a diamond.
pub(crate) fn disconnected() -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    let predecessors: [&[u32]; 10] = [&[], &[], &[0], &[], &[0], &[1], &[], &[2, 4], &[5], &[]];
    for row in predecessors {
        builder.push(row.iter().copied().map(TaskId)).unwrap();
    }
    builder.finish()
}

/// Any graph of up to 60 tasks with up to 4 inputs each.
pub(crate) fn any_graph() -> impl Strategy<Value = TaskGraph> {
    let inputs = prop::collection::vec(any::<prop::sample::Index>(), 0..=4);
    prop::collection::vec(inputs, 0..60).prop_map(|rows| {
        let mut builder = TaskGraphBuilder::default();
        for (task, inputs) in rows.into_iter().enumerate() {
            let mut row: Vec<usize> = Vec::new();
            if task > 0 {
                row.extend(inputs.iter().map(|input| input.index(task)));
            }
            row.sort_unstable();
            row.dedup();
            let ids = row.into_iter().map(|input| TaskId(input as u32));
            builder.push(ids).unwrap();
        }
        builder.finish()
    })
}
