//! Every backend whose workers are threads must run every graph with every kernel, any number of times,
//! with any number of workers; and the core must catch a backend that does not.
//!
//! Backends whose workers are processes fork, which a process with threads must not do: they are put
//! through the same in a process of their own.

use std::collections::BTreeMap;
use std::io;
use std::process::abort;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use rustix::thread::sched_getaffinity;
use taskdyno::backend::{
    BACKENDS, Backend, Continuation, Pool, PoolPlan, RAYON, pool_fn, verify_runs,
};
use taskdyno::execute::{Failure, Halt, Job, expected_digest};
use taskdyno::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno::kernel::{EMPTY, KERNELS, Kernel, KernelKind, SLEEP, Setting, Sharing};
use taskdyno::matrix::{self, Binding, Selection};
use taskdyno::measure::{Meter, SlicePlan};
use taskdyno::parameter::{Parameter, ParameterKind, Parameters, Value};
use taskdyno::pattern::{FAN_OUT_IN, PATTERNS, Pattern, STENCIL_1D, TRIVIAL};
use taskdyno::registry::Registry;
use taskdyno::workload;

/// Runs of one pool: enough that state left behind by one would show in the next.
const RUN_COUNT: u64 = 3;

#[test]
fn every_backend_runs_every_pattern() {
    watched(|| {
        for pattern in PATTERNS {
            for graph in graphs(*pattern) {
                for (backend, plan) in set_ups(&worker_counts()) {
                    let result = run(backend, &plan, graph.clone(), empty());
                    let pattern = pattern.name();
                    assert_eq!(result, Ok(()), "{} {plan:?} {pattern}", backend.name());
                }
            }
        }
    });
}

/// Two workers that wait for each other at every step, where there is a core for each.
#[test]
fn every_backend_runs_neighbours_in_lockstep() {
    watched(|| {
        for width in [2, 3] {
            for (backend, plan) in set_ups(&[2]) {
                let result = run(backend, &plan, stencil(width, 3000), empty());
                assert_eq!(result, Ok(()), "{} {plan:?} width {width}", backend.name());
            }
        }
    });
}

#[test]
fn every_backend_runs_every_kernel() {
    // A kernel does not see more of the graph than how many inputs a task has.
    let patterns: [&dyn Pattern; 3] = [&TRIVIAL, &FAN_OUT_IN, &STENCIL_1D];
    watched(|| {
        for graph in patterns.into_iter().flat_map(graphs) {
            for (kind, parameters) in kernels() {
                for (backend, plan) in set_ups(&worker_counts()) {
                    let kernel = kind.build(&parameters, &setting(&graph, backend, &plan));
                    let result = run(backend, &plan, graph.clone(), kernel.unwrap());
                    let kernel = format!("{} {:?}", kind.name(), parameters.values());
                    assert_eq!(result, Ok(()), "{} {plan:?} {kernel}", backend.name());
                }
            }
        }
    });
}

#[test]
fn every_backend_hands_on_every_byte() {
    watched(|| {
        for kind in [&EMPTY as &dyn KernelKind, &SLEEP] {
            let given = given(kind.parameters(), &BTreeMap::new());
            let parameters = Parameters::check(kind.parameters(), &given[0]).unwrap();
            for (backend, plan) in set_ups(&worker_counts()) {
                let graph = stencil(7, 5);
                let kernel = kind.build(&parameters, &setting(&graph, backend, &plan));
                let job = Job::new(graph, kernel.unwrap()).unwrap();
                let job = job.with_output_bytes(1003).unwrap();
                let result = verify_runs(backend, &plan, job, RUN_COUNT);
                assert_eq!(result, Ok(()), "{} {plan:?}", backend.name());
            }
        }
    });
}

#[test]
fn every_backend_runs_a_graph_that_falls_apart() {
    watched(|| {
        for (backend, plan) in set_ups(&worker_counts()) {
            let result = run(backend, &plan, disconnected(), empty());
            assert_eq!(result, Ok(()), "{} {plan:?}", backend.name());
        }
    });
}

#[test]
fn every_backend_runs_a_graph_without_tasks() {
    watched(|| {
        for (backend, plan) in set_ups(&worker_counts()) {
            let graph = TaskGraphBuilder::default().finish();
            let result = run(backend, &plan, graph, empty());
            assert_eq!(result, Ok(()), "{} {plan:?}", backend.name());
        }
    });
}

#[test]
fn every_backend_stops_when_a_kernel_panics() {
    /// Panics in one task.
    struct Panics(TaskId);
    impl Kernel for Panics {
        fn run(&self, task: TaskId, seed: u64) -> u64 {
            assert_ne!(task, self.0, "out of cheese");
            seed
        }
    }
    watched(|| {
        for (backend, plan) in set_ups(&worker_counts()) {
            for task in [0, 17, 34].map(TaskId) {
                let job = Arc::new(Job::new(stencil(7, 5), Box::new(Panics(task))).unwrap());
                let mut pool = backend.start(Arc::clone(&job), &plan).unwrap();
                job.begin_run();
                assert_eq!(pool.run(), Err(Halt), "{} {plan:?}", backend.name());
                let failure = job.failure();
                let told = matches!(&failure, Some(Failure::Panicked { task: found, message })
                    if *found == task && message.contains("out of cheese"));
                assert!(told, "{} {plan:?}: {failure:?}", backend.name());
            }
        }
    });
}

#[test]
fn every_pool_can_be_dropped_before_it_has_run() {
    watched(|| {
        for (backend, plan) in set_ups(&worker_counts()) {
            let job = Arc::new(Job::new(stencil(7, 5), empty()).unwrap());
            drop(backend.start(job, &plan).unwrap());
        }
    });
}

#[test]
fn pinned_workers_stay_on_one_core_and_the_caller_is_let_go_after() {
    /// Panics on a thread that may run on several cores.
    struct OneCore;
    impl Kernel for OneCore {
        fn run(&self, _: TaskId, seed: u64) -> u64 {
            assert_eq!(sched_getaffinity(None).unwrap().count(), 1);
            seed
        }
        fn expected(&self, _: TaskId, seed: u64) -> u64 {
            seed
        }
    }
    watched(|| {
        let before = sched_getaffinity(None).unwrap();
        for (backend, mut plan) in set_ups(&worker_counts()) {
            plan.pin = true;
            let result = run(backend, &plan, stencil(7, 5), Box::new(OneCore));
            assert_eq!(result, Ok(()), "{} {plan:?}", backend.name());
            assert_eq!(
                sched_getaffinity(None).unwrap(),
                before,
                "{}",
                backend.name()
            );
        }
    });
}

#[test]
fn who_cannot_bind_its_workers_is_left_alone_unless_it_must() {
    const SILENT: &dyn Backend = &Broken(|_| Ok(()));
    let workloads = workload::builtin(&Registry::default()).unwrap();
    let bound = |pin: Binding| {
        let selection = Selection {
            filter: Some("empty/pattern=chain/".into()),
            exact: false,
            backends: vec![&RAYON, SILENT],
            worker_counts: vec![1],
            continuation: None,
            pin,
            options: BTreeMap::new(),
        };
        let cases = matrix::cases(&workloads, &selection);
        cases
            .iter()
            .map(|planned| planned.case.pin)
            .collect::<Vec<bool>>()
    };
    assert_eq!(bound(Binding::Nobody), [false, false]);
    assert_eq!(bound(Binding::WhoeverCan), [true, false]);
    assert_eq!(bound(Binding::Everybody), [true, true]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_backend_runs_any_graph(graph in any_graph()) {
        watched(move || {
            for (backend, plan) in set_ups(&[1, 2, 5]) {
                let result = run(backend, &plan, graph.clone(), empty());
                assert_eq!(result, Ok(()), "{} {plan:?}", backend.name());
            }
        });
    }
}

#[test]
fn a_backend_that_breaks_the_order_is_caught() {
    let backwards = Broken(|job| job.graph().tasks().rev().try_for_each(|task| job.run(task)));
    let failure = Failure::MissingInput {
        task: TaskId(34),
        predecessor: TaskId(26),
    };
    assert_eq!(run_broken(&backwards), Err(failure));
}

#[test]
fn a_backend_that_garbles_what_is_handed_on_is_caught() {
    let garbles = Broken(|job| {
        job.graph().tasks().try_for_each(|task| {
            job.run(task)?;
            if task == TaskId(4) {
                // Relaxed: there is one thread.
                job.payload(task)[0].fetch_xor(u64::MAX, Ordering::Relaxed);
            }
            Ok(())
        })
    });
    let job = Job::new(stencil(7, 5), empty()).unwrap();
    let job = job.with_output_bytes(8).unwrap();
    let failure = Failure::WrongPayload {
        task: TaskId(10),
        predecessor: TaskId(4),
        byte: 0,
    };
    let plan = PoolPlan::plain(&garbles, 1);
    assert_eq!(verify_runs(&garbles, &plan, job, RUN_COUNT), Err(failure));
}

#[test]
fn a_backend_that_loses_a_task_is_caught() {
    let all_but_one = Broken(|job| {
        let mut tasks = job.graph().tasks().filter(|task| *task != TaskId(30));
        tasks.try_for_each(|task| job.run(task))
    });
    let failure = Failure::Lost { task: TaskId(30) };
    assert_eq!(run_broken(&all_but_one), Err(failure));
}

/// The backend runs the graph once, and never again. The lengths are around the 65,536 numbers that runs have.
#[test]
fn a_backend_that_does_nothing_is_caught_in_a_sample_of_any_length() {
    for run_count in [1, 65_535, 65_536, 131_072] {
        let job = Arc::new(Job::new(stencil(2, 2), empty()).unwrap());
        let expected = expected_digest(job.graph(), job.kernel());
        let mut has_run = false;
        let pool = pool_fn(Arc::clone(&job), move |job| {
            match std::mem::replace(&mut has_run, true) {
                true => Ok(()),
                false => job.graph().tasks().try_for_each(|task| job.run(task)),
            }
        });
        let mut meter = Meter::new(job, pool, 1, expected);
        meter.warm_up(Duration::ZERO, Duration::ZERO).unwrap();
        let plan = SlicePlan {
            min_time_ns: 0,
            max_time_ns: u64::MAX,
            min_sample_count: 1,
            max_sample_count: 1,
            run_count: Some(run_count),
        };
        let lost = Failure::Lost { task: TaskId(0) };
        assert_eq!(meter.slice(&plan), Err(lost), "{run_count} runs");
    }
}

#[test]
fn a_backend_that_runs_a_task_twice_is_caught() {
    let twice = Broken(|job| {
        job.graph().tasks().try_for_each(|task| job.run(task))?;
        job.run(TaskId(3))
    });
    let failure = Failure::NotOnce { task: TaskId(3) };
    assert_eq!(run_broken(&twice), Err(failure));
}

#[test]
fn a_backend_that_counts_a_task_twice_is_caught() {
    let miscounts = Broken(|job| {
        job.graph().tasks().try_for_each(|task| job.run(task))?;
        job.complete(TaskId(3), |_| {});
        Ok(())
    });
    let failure = Failure::Miscounted { task: TaskId(9) };
    assert_eq!(run_broken(&miscounts), Err(failure));
}

/// A backend that calls this in place of running the graph.
struct Broken(fn(&Job) -> Result<(), Halt>);

impl Backend for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn why(&self) -> &'static str {
        "gets it wrong"
    }

    fn start(&self, job: Arc<Job>, _: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let run = self.0;
        Ok(pool_fn(job, move |job| run(job)))
    }
}

fn run_broken(backend: &dyn Backend) -> Result<(), Failure> {
    let plan = PoolPlan::plain(backend, 1);
    run(backend, &plan, stencil(7, 5), empty())
}

/// Runs `graph` some times in one pool, and verifies each run.
fn run(
    backend: &dyn Backend,
    plan: &PoolPlan,
    graph: TaskGraph,
    kernel: Box<dyn Kernel>,
) -> Result<(), Failure> {
    let job = Job::new(graph, kernel).unwrap();
    verify_runs(backend, plan, job, RUN_COUNT)
}

/// Every backend of threads, with each of these numbers of workers and each continuation.
fn set_ups(worker_counts: &[usize]) -> Vec<(&'static dyn Backend, PoolPlan)> {
    let mut all = Vec::new();
    let of_threads = |backend: &&&dyn Backend| backend.sharing() == Sharing::Threads;
    for backend in BACKENDS.iter().filter(of_threads) {
        let fixed = backend.fixed_worker_count().map(|count| vec![count]);
        for worker_count in fixed.unwrap_or_else(|| worker_counts.to_vec()) {
            let mut continuations = backend.continuations();
            if continuations.is_empty() {
                continuations = &[Continuation::Queue];
            }
            for &continuation in continuations {
                let mut plan = PoolPlan::plain(*backend, worker_count);
                plan.continuation = continuation;
                all.push((*backend, plan));
            }
        }
    }
    all
}

fn worker_counts() -> [usize; 4] {
    [1, 2, 3, thread::available_parallelism().unwrap().get() + 2]
}

/// Small graphs of a pattern: a single task where the pattern has such, one that is narrow, and one that
/// no number of workers divides evenly.
fn graphs(pattern: &dyn Pattern) -> Vec<TaskGraph> {
    let sizes = [(1, 1), (1, 5), (7, 5)];
    let build = |(width, steps)| {
        let given = given(
            pattern.parameters(),
            &BTreeMap::from([("width", width), ("steps", steps)]),
        );
        let [given] = &given[..] else {
            panic!("{} has choices: try them all", pattern.name());
        };
        let parameters = Parameters::check(pattern.parameters(), given).unwrap();
        with_durations(pattern.build(&parameters).unwrap())
    };
    sizes.map(build).into()
}

/// `graph` with durations from none to 20 us, for the kernels that go by them.
fn with_durations(graph: TaskGraph) -> TaskGraph {
    let durations_ns = graph.tasks().map(|task| u64::from(task.0 % 3) * 10_000);
    let durations_ns = durations_ns.collect();
    graph.with_durations(durations_ns)
}

/// Every kernel, with every choice it offers and small numbers.
fn kernels() -> Vec<(&'static dyn KernelKind, Parameters)> {
    let of_kind = |kind: &&'static dyn KernelKind| {
        let kind = *kind;
        let given = given(kind.parameters(), &BTreeMap::new());
        let check = move |given| Parameters::check(kind.parameters(), &given).unwrap();
        given.into_iter().map(move |given| (kind, check(given)))
    };
    KERNELS.iter().flat_map(of_kind).collect()
}

/// Values for declared parameters: these counts, a small one for every other, and all choices.
fn given(declared: &[Parameter], counts: &BTreeMap<&str, u64>) -> Vec<BTreeMap<String, Value>> {
    let mut all = vec![BTreeMap::new()];
    for parameter in declared {
        let values = match parameter.kind {
            ParameterKind::Count { min, max } => {
                let count = counts.get(parameter.name).copied();
                vec![Value::Count(count.unwrap_or(3).clamp(min, max))]
            }
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

fn empty() -> Box<dyn Kernel> {
    let setting = Setting {
        graph: &TaskGraph::default(),
        sharing: Sharing::Threads,
        worker_count: 1,
    };
    EMPTY.build(&Parameters::default(), &setting).unwrap()
}

fn setting<'a>(graph: &'a TaskGraph, backend: &dyn Backend, plan: &PoolPlan) -> Setting<'a> {
    Setting {
        graph,
        sharing: backend.sharing(),
        worker_count: plan.worker_count,
    }
}

fn stencil(width: u64, steps: u64) -> TaskGraph {
    let given = [("width", width), ("steps", steps)];
    let given = given.map(|(key, count)| (key.into(), Value::Count(count)));
    let parameters = Parameters::check(STENCIL_1D.parameters(), &BTreeMap::from(given)).unwrap();
    STENCIL_1D.build(&parameters).unwrap()
}

/// Tasks alone, a chain, and a diamond, mixed.
fn disconnected() -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    let predecessors: [&[u32]; 10] = [&[], &[], &[0], &[], &[0], &[1], &[], &[2, 4], &[5], &[]];
    for row in predecessors {
        builder.push(row.iter().copied().map(TaskId)).unwrap();
    }
    builder.finish()
}

/// Any graph of up to 60 tasks with up to 4 inputs each.
fn any_graph() -> impl Strategy<Value = TaskGraph> {
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

/// Does `body`, and aborts the whole process if it hangs, since a thread that hangs cannot be stopped.
fn watched(body: impl FnOnce()) {
    /// Far beyond what the slowest machine needs.
    const LIMIT: Duration = Duration::from_secs(300);
    let (done, is_done) = channel::<()>();
    let name = thread::current().name().unwrap_or("a test").to_owned();
    thread::scope(|scope| {
        scope.spawn(move || {
            if is_done.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{name} hangs");
                abort();
            }
        });
        let done = done;
        body();
        drop(done);
    });
}
