//! Recursive programs of all shapes, and how a backend is tested with them.

use std::sync::Arc;

use taskdyno_core::backend::{Backend, PoolPlan, verify_runs};
use taskdyno_core::execute::{Failure, Job};
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::kernel::{Kernel, KernelKind, RECURSIVE, Setting};
use taskdyno_core::parameter::{Parameters, Value};
use taskdyno_core::recursion::{MOST_WORDS, Recursion, RecursiveProgram, Splitting, Words};

/// Runs of each pool. State that one run leaves behind shows in the next.
const RUN_COUNT: u64 = 5;

/// The numbers of workers of the tests; a backend that has only one number runs with that.
pub(crate) fn worker_counts(backend: &dyn Backend) -> Vec<usize> {
    backend
        .fixed_worker_count()
        .map_or(vec![1, 2, 3, 8], |count| vec![count])
}

/// Values that make programs small, but not so small that nothing is spawned.
const SMALL: [&[(&str, u64)]; 3] = [
    &[],
    &[
        ("n", 12),
        ("cut_off", 3),
        ("rows", 2),
        ("levels", 4),
        ("len", 3000),
    ],
    // Nothing is spawned.
    &[
        ("n", 5),
        ("cut_off", 80),
        ("rows", 0),
        ("depth", 1),
        ("levels", 1),
        ("len", 50),
    ],
];

const SHAPES: [&str; 2] = ["geometric", "binomial"];

/// A small binomial tree.
const BINOMIAL: [(&str, u64); 2] = [("root_branching", 20), ("millionths", 100_000)];

/// Every recursive kernel in several sizes, without repeats.
fn programs() -> Vec<(&'static dyn KernelKind, Parameters)> {
    let mut all: Vec<(&'static dyn KernelKind, Parameters)> = Vec::new();
    for kind in RECURSIVE {
        for (small, shape) in SMALL
            .iter()
            .flat_map(|small| SHAPES.map(|shape| (small, shape)))
        {
            let counts = small.iter().chain(&BINOMIAL);
            let counts = counts.map(|(name, count)| (*name, Value::Count(*count)));
            let values = counts.chain([("shape", Value::Text(shape.into()))]);
            let declared = kind.parameters();
            let values = values.filter(|(name, _)| declared.iter().any(|one| one.name == *name));
            let given = values
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            let parameters = Parameters::check(declared, &given).unwrap();
            let mut known = all.iter();
            if !known.any(|(other, known)| other.name() == kind.name() && *known == parameters) {
                all.push((*kind, parameters));
            }
        }
    }
    all
}

fn one_task() -> TaskGraph {
    let mut graph = TaskGraphBuilder::default();
    graph.push([]).unwrap();
    graph.finish()
}

/// A job of one task with this kernel.
pub(crate) fn job(kernel: Box<dyn Kernel>) -> Job {
    Job::new(one_task(), kernel).unwrap()
}

/// Runs every program on `backend`, with every number of workers.
pub(crate) fn conforms(backend: &dyn Backend) {
    for (kind, parameters) in programs() {
        for worker_count in worker_counts(backend) {
            let graph = one_task();
            let setting = Setting::new(&graph, backend.sharing(), worker_count);
            let kernel = kind.build(&parameters, &setting).unwrap();
            let plan = PoolPlan::plain(backend, worker_count);
            let ran = verify_runs(backend, &plan, job(kernel), RUN_COUNT);
            let (name, kind) = (backend.name(), kind.name());
            assert_eq!(ran, Ok(()), "{name} {worker_count} {kind} {parameters:?}");
        }
    }
}

/// A program as a kernel.
pub(crate) struct Programmed(pub(crate) RecursiveProgram);

impl Kernel for Programmed {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        self.0.run_sequentially(seed).word()
    }

    fn recursion(&self) -> Option<&RecursiveProgram> {
        Some(&self.0)
    }
}

/// Any tree: how many children each node has, breadth first. Nodes behind the list have none.
#[derive(Clone, Debug)]
pub(crate) struct AnyTree {
    child_counts: Vec<u32>,
    /// The number of the first child of each node.
    first_children: Vec<u64>,
}

impl AnyTree {
    pub(crate) fn new(child_counts: Vec<u32>) -> Self {
        let mut next = 1;
        let first = |count: &u32| {
            next += u64::from(*count);
            next - u64::from(*count)
        };
        let first_children = child_counts.iter().map(first).collect();
        Self {
            child_counts,
            first_children,
        }
    }
}

impl Recursion for AnyTree {
    type State = Words;

    fn root(&self, _: u64) -> Words {
        [0; MOST_WORDS]
    }

    fn split(&self, [node, ..]: &mut Words) -> Splitting {
        match self.child_counts.get(*node as usize) {
            None => Splitting::Leaf(*node + 1),
            Some(count) => Splitting::Children(*count),
        }
    }

    fn child(&self, [node, ..]: &Words, index: u32) -> Words {
        let first = self.first_children[*node as usize];
        [first + u64::from(index), 0, 0, 0]
    }

    fn combine(&self, [node, ..]: &Words, sum: u64) -> u64 {
        (node + 1).wrapping_add(sum)
    }
}

/// Runs `tree` on `backend`.
pub(crate) fn run_tree(
    backend: &dyn Backend,
    worker_count: usize,
    tree: AnyTree,
) -> Result<(), Failure> {
    let program = RecursiveProgram::Other(Box::new(tree));
    let plan = PoolPlan::plain(backend, worker_count);
    verify_runs(backend, &plan, job(Box::new(Programmed(program))), 3)
}

/// A binary tree one of whose 4096 leaves panics.
pub(crate) struct Panics;

impl Recursion for Panics {
    type State = Words;

    fn root(&self, _: u64) -> Words {
        [1, 0, 0, 0]
    }

    fn split(&self, [node, ..]: &mut Words) -> Splitting {
        assert!(*node != 7000, "the leaf is reached");
        match *node < 4096 {
            true => Splitting::Children(2),
            false => Splitting::Leaf(*node),
        }
    }

    fn child(&self, [node, ..]: &Words, index: u32) -> Words {
        [2 * node + u64::from(index), 0, 0, 0]
    }
}

/// A panic in a task is the failure of the run, on whatever worker it happens, and all workers end.
pub(crate) fn tells_a_panic(backend: &dyn Backend) {
    for worker_count in worker_counts(backend) {
        let job = Arc::new(job(Box::new(Programmed(RecursiveProgram::Other(
            Box::new(Panics),
        )))));
        let plan = PoolPlan::plain(backend, worker_count);
        let mut pool = backend.start(Arc::clone(&job), &plan).unwrap();
        job.begin_run();
        assert!(pool.run().is_err(), "{} {worker_count}", backend.name());
        let why = job.why_halted().to_string();
        assert!(
            why.contains("the leaf is reached"),
            "{}: {why}",
            backend.name()
        );
    }
}
