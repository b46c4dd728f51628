//! Every run must give what a serial run gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use taskdyno::backend::{Backend, Continuation, FORK, PoolPlan};
use taskdyno::execute::{Job, expected_digest};
use taskdyno::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno::kernel::{EMPTY, KERNELS, Kernel, KernelKind, Sharing};
use taskdyno::parameter::{Parameter, ParameterKind, Parameters, Value};
use taskdyno::pattern::{PATTERNS, Pattern};

use crate::runner::Case;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for pattern in PATTERNS {
        for kernel in KERNELS {
            let name = format!("conformance::{}::{}", pattern.name(), kernel.name());
            cases.push(Case::new(name, || every_parameter(*pattern, *kernel)));
        }
    }
    let shapes = [
        ("a_single_task", chains(1, 1)),
        ("an_empty_graph", chains(0, 0)),
        ("width_1", chains(1, 300)),
        ("disconnected_parts", chains(5, 13)),
        ("one_task_frees_many", fan_out_twice(50)),
    ];
    for (name, graph) in shapes {
        cases.push(Case::new(name, move || on_all_plans(name, &graph)));
    }
    cases.push(Case::new("random_graphs", random_graphs));
    cases.push(Case::new("pinned_workers", pinned_workers));
    cases.push(Case::new("many_runs_on_one_pool", many_runs));
    cases
}

/// 1, 2, 3, and more than there are cores.
fn worker_counts() -> [usize; 4] {
    let cores = std::thread::available_parallelism().unwrap().get();
    [1, 2, 3, cores + 2]
}

fn plans() -> impl Iterator<Item = PoolPlan> {
    worker_counts().into_iter().flat_map(|worker_count| {
        [Continuation::Queue, Continuation::Inline].map(|continuation| PoolPlan {
            continuation,
            ..PoolPlan::plain(&FORK, worker_count)
        })
    })
}

fn every_parameter(pattern: &dyn Pattern, kind: &dyn KernelKind) {
    let graph = pattern.build(&small(pattern.parameters())).unwrap();
    for parameters in every_choice(kind.parameters()) {
        for plan in plans() {
            let kernel = kind
                .build(&parameters, Sharing::Processes, plan.worker_count)
                .unwrap();
            verified_runs(kind.name(), graph.clone(), kernel, plan, 4);
        }
    }
}

fn on_all_plans(what: &str, graph: &TaskGraph) {
    for plan in plans() {
        verified_runs(what, graph.clone(), empty(), plan, 10);
    }
}

fn verified_runs(
    what: &str,
    graph: TaskGraph,
    kernel: Box<dyn Kernel>,
    plan: PoolPlan,
    run_count: u64,
) {
    let job = Arc::new(Job::new(graph, kernel).unwrap());
    let expected = expected_digest(job.graph(), job.kernel());
    job.kernel().reset();
    let mut pool = FORK.start(Arc::clone(&job), &plan).unwrap();
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
    }
    job.verify_kernel(run_count).unwrap();
}

fn empty() -> Box<dyn Kernel> {
    EMPTY
        .build(&Parameters::default(), Sharing::Processes, 1)
        .unwrap()
}

/// Values that divide nothing evenly, small enough to try every combination.
fn small(declared: &[Parameter]) -> Parameters {
    every_choice(declared).swap_remove(0)
}

/// All combinations of the choices among `declared`, the rest small.
fn every_choice(declared: &[Parameter]) -> Vec<Parameters> {
    let mut given = vec![BTreeMap::new()];
    for parameter in declared {
        let values: Vec<Value> = match parameter.kind {
            ParameterKind::Count { min, max } => vec![Value::Count(11.clamp(min, max))],
            ParameterKind::Milliseconds => vec![Value::Number(0.01)],
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
    given
        .iter()
        .map(|given| Parameters::check(declared, given).unwrap())
        .collect()
}

/// `count` chains of `length` tasks that have nothing to do with each other.
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

/// One task frees `width` tasks, which together free one, which frees `width` more.
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

fn random_graphs() {
    let plans: Vec<PoolPlan> = plans().collect();
    for seed in 0..400 {
        let plan = plans[seed as usize % plans.len()].clone();
        verified_runs(
            &format!("seed {seed}"),
            random_graph(seed),
            empty(),
            plan,
            5,
        );
    }
}

/// Up to 200 tasks, each with up to 5 predecessors, near ones more often than far ones.
fn random_graph(seed: u64) -> TaskGraph {
    let mut random = Random(seed);
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

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
struct Random(u64);

impl Random {
    /// A number below `limit`; 0 if that is 0.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)).checked_rem(limit).unwrap_or(0)
    }
}

fn pinned_workers() {
    for worker_count in worker_counts() {
        let plan = PoolPlan {
            pin: true,
            ..PoolPlan::plain(&FORK, worker_count)
        };
        verified_runs("pinned", chains(7, 20), empty(), plan, 20);
    }
}

/// More runs than the stamp of an output has values, back to back.
fn many_runs() {
    let plan = PoolPlan::plain(&FORK, 2);
    verified_runs("many runs", chains(3, 2), empty(), plan, 70_000);
}
