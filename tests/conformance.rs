//! Every backend whose workers are threads must run every graph with every kernel, any number of times, with any number
//! of workers. The core must detect a backend that does not.
//!
//! Backends whose workers are processes fork, which a process with threads must not do. `tests/fork` runs the same
//! tests for them in a process without threads.

use std::collections::BTreeMap;
use std::io;
use std::process::abort;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use rustix::thread::sched_getaffinity;
use taskdyno::internal::backend::RAYON;
use taskdyno::internal::coordinated::{BARRIER, COORDINATED};
use taskdyno::internal::loads::LOADS;
use taskdyno::internal::matrix::{Binding, CaseFilter, Selection, WorkerChoice};
use taskdyno::internal::registry::Registry;
use taskdyno::internal::{matrix, workload};
use taskdyno_core::backend::{Backend, Pool, PoolPlan, verify_runs};
use taskdyno_core::execute::{Failure, Halt, Job};
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::kernel::{EMPTY, Kernel, KernelKind, SLEEP};
use taskdyno_core::parameter::Parameters;
use taskdyno_core::pattern::{FAN_OUT_IN, PATTERNS, Pattern, STENCIL_1D, TRIVIAL};

use crate::broken::broken;
use crate::variety::{
    any_graph, disconnected, empty, fitting, given, graphs, kernels, set_ups, setting, stencil,
    worker_counts,
};

#[path = "conformance/broken.rs"]
mod broken;
#[path = "common/coordinated.rs"]
mod coordinated;
#[path = "conformance/global.rs"]
mod global;
#[path = "common/locks.rs"]
mod locks;
#[path = "conformance/variety.rs"]
mod variety;
#[path = "conformance/workers.rs"]
mod workers;

/// Runs of each pool. State that one run leaves behind would show in the next.
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

/// Two workers that wait for each other at every step, with a core for each.
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
    // A kernel sees only how many inputs a task has.
    let patterns: [&dyn Pattern; 3] = [&TRIVIAL, &FAN_OUT_IN, &STENCIL_1D];
    watched(|| {
        for graph in patterns.into_iter().flat_map(graphs) {
            for (kind, parameters) in kernels() {
                for (backend, plan) in fitting(kind, &parameters, &graph) {
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
fn every_backend_runs_every_coordinated_kernel_and_every_load() {
    watched(|| {
        for kind in COORDINATED.iter().chain(LOADS) {
            for (backend, plan) in set_ups(&[1]) {
                coordinated::conforms(*kind, backend, plan.continuation);
            }
        }
    });
}

#[test]
fn a_party_that_panics_ends_the_run_of_all_that_wait_for_it() {
    watched(|| {
        for (backend, _) in set_ups(&[3]) {
            coordinated::a_party_panics(&BARRIER, backend);
        }
    });
}

#[test]
fn a_run_that_fails_ends_the_wait_for_a_lock() {
    watched(|| {
        for (backend, _) in set_ups(&[2]) {
            locks::a_lock_is_never_given_back(backend);
            locks::a_party_fails_under_a_lock(backend);
        }
    });
}

#[test]
fn every_backend_hands_on_every_byte() {
    watched(|| {
        for kind in [&EMPTY as &dyn KernelKind, &SLEEP] {
            let given = given(kind.parameters(), &BTreeMap::new());
            let parameters = Parameters::check(kind.parameters(), &given[0]).unwrap();
            let graph = stencil(7, 5);
            for (backend, plan) in fitting(kind, &parameters, &graph) {
                let graph = graph.clone();
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
fn every_backend_runs_a_disconnected_graph() {
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
fn pinned_workers_stay_on_one_core_and_the_caller_is_unpinned_after() {
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
        let set_ups = set_ups(&worker_counts());
        for (backend, mut plan) in set_ups.into_iter().filter(|(one, _)| one.can_pin()) {
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
fn a_backend_that_cannot_pin_fails_only_if_pinning_is_required() {
    let silent: &'static dyn Backend = Box::leak(Box::new(broken(|_| Ok(()))));
    let workloads = workload::builtin(&Registry::default()).unwrap();
    let bound = |pin: Binding| {
        let selection = Selection {
            filter: CaseFilter::of("empty/pattern=chain/"),
            backends: vec![&RAYON, silent],
            externals: Vec::new(),
            is_named: true,
            worker_counts: WorkerChoice::Given(vec![1]),
            continuation: None,
            pin,
            options: BTreeMap::new(),
        };
        let cases = matrix::cases(&workloads, &selection);
        cases
            .planned
            .iter()
            .map(|planned| planned.case.pin)
            .collect::<Vec<bool>>()
    };
    assert_eq!(bound(Binding::Nobody), [false, false]);
    assert_eq!(bound(Binding::WhoeverCan), [true, false]);
    assert_eq!(bound(Binding::Everybody), [true, true]);
}

/// A backend whose system refuses what it needs.
struct Refused;

impl Backend for Refused {
    fn name(&self) -> &'static str {
        "refused"
    }

    fn why(&self) -> &'static str {
        "needs what this system refuses"
    }

    fn check_system(&self) -> Result<(), String> {
        Err("`refused` needs what this system refuses".into())
    }

    fn start(&self, _: Arc<Job>, _: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        unreachable!("it is not applicable")
    }
}

#[test]
fn a_backend_that_the_system_refuses_is_not_applicable() {
    let workloads = workload::builtin(&Registry::default()).unwrap();
    let selection = Selection {
        filter: CaseFilter::of("empty/pattern=chain/"),
        backends: vec![&Refused],
        externals: Vec::new(),
        is_named: true,
        worker_counts: WorkerChoice::Given(vec![1, 2]),
        continuation: None,
        pin: Binding::Nobody,
        options: BTreeMap::new(),
    };
    let cases = matrix::cases(&workloads, &selection);
    assert!(cases.planned.is_empty());
    let reason = "`refused` needs what this system refuses".to_owned();
    assert_eq!(cases.not_applicable, BTreeMap::from([(reason, 2)]));
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

/// Runs `graph` several times in one pool, and verifies each run.
fn run(
    backend: &dyn Backend,
    plan: &PoolPlan,
    graph: TaskGraph,
    kernel: Box<dyn Kernel>,
) -> Result<(), Failure> {
    let job = Job::new(graph, kernel).unwrap();
    verify_runs(backend, plan, job, RUN_COUNT)
}

/// Runs `body` and aborts the whole process if it hangs, because a thread that hangs cannot be stopped.
fn watched(body: impl FnOnce()) {
    /// Much longer than the slowest machine needs.
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
