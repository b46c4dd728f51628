//! Every run must give the result of a serial run.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustix::thread::sched_getaffinity;
use taskdyno::internal::backend::{BACKENDS, FORK_DISPATCH, FORK_PER_TASK};
use taskdyno::internal::coordinated::COORDINATED;
use taskdyno::internal::loads::LOADS;
use taskdyno_core::backend::{Backend, Continuation, PoolPlan};
use taskdyno_core::execute::{Job, expected_digest};
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::kernel::{EMPTY, KERNELS, Kernel, KernelKind, Setting, Sharing};
use taskdyno_core::parameter::{Parameter, ParameterKind, Parameters, Value};
use taskdyno_core::pattern::{FAN_OUT_IN, PATTERNS, Pattern, STENCIL_1D, TRIVIAL};
use taskdyno_core::random::SplitMix64;

use crate::Does;
use crate::coordinated;
use crate::runner::TestCase;

pub(crate) fn cases() -> Vec<TestCase> {
    process_backends().flat_map(cases_of).collect()
}

fn process_backends() -> impl Iterator<Item = &'static dyn Backend> {
    let all = BACKENDS.iter().copied();
    all.filter(|backend| backend.sharing() == Sharing::Processes)
}

fn cases_of(backend: &'static dyn Backend) -> Vec<TestCase> {
    let mut cases = Vec::new();
    let mut add = |name: String, body: Box<dyn Fn()>| {
        cases.push(TestCase::new(format!("{}::{name}", backend.name()), body));
    };
    // Patterns and kernels are independent, and processes are slow to start. So a few patterns run with every kernel,
    // and the others with one.
    let full = [TRIVIAL.name(), FAN_OUT_IN.name(), STENCIL_1D.name()];
    for pattern in PATTERNS {
        for kernel in KERNELS {
            if !full.contains(&pattern.name()) && kernel.name() != EMPTY.name() {
                continue;
            }
            let name = format!("conformance::{}::{}", pattern.name(), kernel.name());
            let body = || every_parameter(backend, *pattern, *kernel);
            add(name, Box::new(body));
        }
    }
    for kind in COORDINATED.iter().chain(LOADS) {
        let body = || {
            for &continuation in continuations(backend) {
                coordinated::conforms(*kind, backend, continuation);
            }
        };
        add(format!("conformance::{}", kind.name()), Box::new(body));
    }
    let shapes = [
        ("a_single_task", chains(1, 1)),
        ("an_empty_graph", chains(0, 0)),
        ("width_1", chains(1, 300)),
        ("disconnected_parts", chains(5, 13)),
        ("one_task_frees_many", fan_out_twice(50)),
        ("neighbours_in_lockstep", ladder(250)),
    ];
    for (name, graph) in shapes {
        let body = move || on_all_plans(backend, name, &graph);
        add(name.into(), Box::new(body));
    }
    add("random_graphs".into(), Box::new(|| random_graphs(backend)));
    let body = || outputs_of_every_size(backend);
    add("outputs_of_every_size".into(), Box::new(body));
    let body = || pinned_workers(backend);
    add("pinned_workers".into(), Box::new(body));
    let body = || many_runs(backend);
    add("many_runs_on_one_pool".into(), Box::new(body));
    cases
}

/// How much the tests of a backend may cost.
struct Effort {
    run_count: u64,
    random_graph_count: u64,
    many_run_count: u64,
}

/// A process per task costs 250 us per task, and a socket costs a few microseconds. These backends get fewer runs than
/// `fork`, which gets thousands.
fn effort(backend: &dyn Backend) -> Effort {
    let (run_count, random_graph_count, many_run_count) = match backend.name() {
        name if name == FORK_PER_TASK.name() => (2, 20, 200),
        name if name == FORK_DISPATCH.name() => (4, 200, 5_000),
        // More runs than there are run numbers in an output word.
        _ => (10, 400, 70_000),
    };
    Effort {
        run_count,
        random_graph_count,
        many_run_count,
    }
}

/// 1, 2, 3, and more workers than cores.
fn worker_counts() -> [usize; 4] {
    let cores = std::thread::available_parallelism().unwrap().get();
    [1, 2, 3, cores + 2]
}

fn continuations(backend: &dyn Backend) -> &'static [Continuation] {
    match backend.continuations() {
        [] => &[Continuation::Queue],
        some => some,
    }
}

/// Every number of workers with every continuation, and with every option at its bounds.
fn plans(backend: &dyn Backend) -> Vec<PoolPlan> {
    let options = every_bound(backend.options());
    let mut plans = Vec::new();
    for worker_count in worker_counts() {
        for &continuation in continuations(backend) {
            plans.extend(options.iter().map(|options| {
                let mut plan = PoolPlan::plain(backend, worker_count);
                plan.continuation = continuation;
                plan.options = options.clone();
                plan
            }));
        }
    }
    plans
}

/// The defaults of `declared`, and each count at its smallest and its largest.
fn every_bound(declared: &[Parameter]) -> Vec<Parameters> {
    let mut given = vec![BTreeMap::new()];
    for parameter in declared {
        if let ParameterKind::Count { min, max } = parameter.kind {
            let bounds = [min, max].map(Value::Count);
            given.extend(bounds.map(|bound| BTreeMap::from([(parameter.name.into(), bound)])));
        }
    }
    checked(declared, &given)
}

fn checked(declared: &[Parameter], given: &[BTreeMap<String, Value>]) -> Vec<Parameters> {
    let checked = given.iter().map(|given| Parameters::check(declared, given));
    checked.map(Result::unwrap).collect()
}

fn every_parameter(backend: &dyn Backend, pattern: &dyn Pattern, kind: &dyn KernelKind) {
    let graph = pattern.build(&small(pattern.parameters())).unwrap();
    // From 0 to 20 us, for the kernels that use them.
    let durations_ns = graph.tasks().map(|task| u64::from(task.0 % 3) * 10_000);
    let durations_ns = durations_ns.collect();
    let graph = graph.with_durations(durations_ns);
    for parameters in every_choice(kind.parameters()) {
        for plan in plans(backend) {
            let setting = setting(&graph, plan.worker_count);
            let kernel = kind.build(&parameters, &setting).unwrap();
            let run_count = effort(backend).run_count.min(4);
            verified_runs(backend, kind.name(), graph.clone(), kernel, plan, run_count);
        }
    }
}

fn on_all_plans(backend: &dyn Backend, what: &str, graph: &TaskGraph) {
    for plan in plans(backend) {
        let run_count = effort(backend).run_count;
        verified_runs(backend, what, graph.clone(), empty(), plan, run_count);
    }
}

fn verified_runs(
    backend: &dyn Backend,
    what: &str,
    graph: TaskGraph,
    kernel: Box<dyn Kernel>,
    plan: PoolPlan,
    run_count: u64,
) {
    verified_runs_of(
        backend,
        what,
        Job::new(graph, kernel).unwrap(),
        plan,
        run_count,
    );
}

fn verified_runs_of(backend: &dyn Backend, what: &str, job: Job, plan: PoolPlan, run_count: u64) {
    let job = Arc::new(job);
    let expected = expected_digest(job.graph(), job.kernel(), 0);
    job.kernel().reset();
    let mut pool = backend.start(Arc::clone(&job), &plan).unwrap();
    for run in 0..run_count {
        job.begin_run();
        let ran = pool.run();
        assert_eq!(
            ran,
            Ok(()),
            "{what}, {plan:?}, run {run}: {:?}",
            job.failure()
        );
        assert_eq!(job.verify(expected), Ok(()), "{what}, {plan:?}, run {run}");
        assert_eq!(pool.take_deaths(), [], "{what}, {plan:?}, run {run}");
    }
    job.verify_kernel(run_count).unwrap();
}

fn empty() -> Box<dyn Kernel> {
    let graph = TaskGraph::default();
    let setting = setting(&graph, 1);
    EMPTY.build(&Parameters::default(), &setting).unwrap()
}

fn setting(graph: &TaskGraph, worker_count: usize) -> Setting<'_> {
    Setting::new(graph, Sharing::Processes, worker_count)
}

/// Values that divide nothing evenly and are small enough to try every combination.
fn small(declared: &[Parameter]) -> Parameters {
    every_choice(declared).swap_remove(0)
}

/// All combinations of the choices among `declared`, with small values for the rest.
fn every_choice(declared: &[Parameter]) -> Vec<Parameters> {
    let mut given = vec![BTreeMap::new()];
    for parameter in declared {
        let values: Vec<Value> = match parameter.kind {
            // The size of the graph grows with a power of these.
            ParameterKind::Count { .. }
                if ["depth", "fan_out", "tiles"].contains(&parameter.name) =>
            {
                vec![Value::Count(3)]
            }
            ParameterKind::Count { min, max } => vec![Value::Count(11.clamp(min, max))],
            ParameterKind::Limit { max } => vec![Value::Count(11.min(max))],
            ParameterKind::Milliseconds => vec![Value::Number(0.01)],
            ParameterKind::Ratio => vec![Value::Number(0.5)],
            ParameterKind::Choice(words) => {
                words.iter().map(|w| Value::Text((*w).into())).collect()
            }
        };
        given = given
            .into_iter()
            .flat_map(|map: BTreeMap<String, Value>| {
                values.iter().map(move |value| {
                    let mut map = map.clone();
                    map.insert(parameter.name.into(), value.clone());
                    map
                })
            })
            .collect();
    }
    checked(declared, &given)
}

/// `count` independent chains of `length` tasks.
fn chains(count: u32, length: u32) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    for _ in 0..count {
        let mut last = None;
        for _ in 0..length {
            last = Some(builder.push(last).unwrap());
        }
    }
    builder.finish()
}

/// Two tasks per step, each of which waits for both tasks of the previous step, so that each worker waits for the
/// other.
fn ladder(step_count: u32) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    let mut last = [(); 2].map(|()| builder.push([]).unwrap());
    for _ in 1..step_count {
        last = [(); 2].map(|()| builder.push(last).unwrap());
    }
    builder.finish()
}

/// One task makes `width` tasks ready, which together make one task ready, which makes `width` more ready.
fn fan_out_twice(width: u32) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    let top = builder.push([]).unwrap();
    let row: Vec<TaskId> = (0..width).map(|_| builder.push([top]).unwrap()).collect();
    let middle = builder.push(row).unwrap();
    for _ in 0..width {
        builder.push([middle]).unwrap();
    }
    builder.finish()
}

fn random_graphs(backend: &dyn Backend) {
    let plans = plans(backend);
    for seed in 0..effort(backend).random_graph_count {
        let plan = plans[seed as usize % plans.len()].clone();
        let run_count = effort(backend).run_count.min(5);
        let what = format!("seed {seed}");
        let graph = random_graph(seed);
        verified_runs(backend, &what, graph, empty(), plan, run_count);
    }
}

/// Up to 200 tasks, each with up to 5 predecessors, mostly recent ones.
fn random_graph(seed: u64) -> TaskGraph {
    let mut random = SplitMix64::new(seed);
    let mut builder = TaskGraphBuilder::default();
    for task in 0..=random.below(200) {
        let mut predecessors: Vec<TaskId> = (0..random.below(6))
            .map(|_| random.below(task).max(random.below(task)))
            .filter(|predecessor| *predecessor < task)
            .map(|predecessor| TaskId(predecessor as u32))
            .collect();
        predecessors.sort_unstable();
        predecessors.dedup();
        builder.push(predecessors).unwrap();
    }
    builder.finish()
}

fn outputs_of_every_size(backend: &dyn Backend) {
    for output_bytes in [1, 8, 100, 10_000] {
        for plan in plans(backend) {
            let job = Job::new(fan_out_twice(20), empty()).unwrap();
            let job = job.with_output_bytes(output_bytes).unwrap();
            let what = format!("{output_bytes} bytes");
            verified_runs_of(backend, &what, job, plan, effort(backend).run_count);
        }
    }
}

fn pinned_workers(backend: &dyn Backend) {
    let one_core = |_| assert_eq!(sched_getaffinity(None).unwrap().count(), 1);
    for worker_count in worker_counts() {
        let mut plan = PoolPlan::plain(backend, worker_count);
        plan.pin = true;
        let run_count = effort(backend).run_count;
        let kernel = Box::new(Does(one_core));
        verified_runs(backend, "pinned", chains(7, 20), kernel, plan, run_count);
    }
}

/// Many runs without a pause.
fn many_runs(backend: &dyn Backend) {
    let plan = PoolPlan::plain(backend, 2);
    let run_count = effort(backend).many_run_count;
    let graph = chains(3, 2);
    verified_runs(backend, "many runs", graph, empty(), plan, run_count);
}
