//! When a worker process dies, or a task panics, for which others wait, the run ends with its name.

use std::collections::BTreeMap;
use std::sync::Arc;

use taskdyno::internal::backend::BACKENDS;
use taskdyno::internal::coordinated::{BARRIER, COORDINATED};
use taskdyno_core::backend::{Backend, PoolPlan};
use taskdyno_core::execute::{Ending, Failure, Job};
use taskdyno_core::graph::TaskId;
use taskdyno_core::kernel::{Kernel, KernelKind, Sharing};
use taskdyno_core::parameter::{Parameters, Value};

use crate::coordinated;
use crate::host::assert_childless;
use crate::independent;
use crate::locks;
use crate::runner::TestCase;

pub(crate) fn cases() -> Vec<TestCase> {
    let backends = BACKENDS.iter().copied();
    let of_processes = backends.filter(|backend| backend.sharing() == Sharing::Processes);
    let cases_of = |backend: &'static dyn Backend| {
        let name = |what: &str| format!("{}::{what}", backend.name());
        [
            TestCase::new(name("a_party_that_dies_is_named"), || every_kind(backend)),
            TestCase::new(name("a_party_that_panics_is_named"), || {
                coordinated::a_party_panics(&BARRIER, backend);
                assert_childless();
            }),
            TestCase::new(name("a_run_that_fails_ends_the_wait_for_a_lock"), || {
                locks::a_lock_is_never_given_back(backend);
                locks::a_party_fails_under_a_lock(backend);
                assert_childless();
            }),
        ]
    };
    of_processes.flat_map(cases_of).collect()
}

/// Two parties take part in every coordination that can do with two.
fn every_kind(backend: &dyn Backend) {
    let mut run_count = 0;
    for kind in COORDINATED {
        let parameters = Parameters::check(kind.parameters(), &BTreeMap::new()).unwrap();
        if kind.fits(&parameters, &backend.venue(2, 2)).is_ok() {
            second_party_dies(backend, *kind, &parameters);
            run_count += 1;
        }
    }
    assert!(run_count > 0);
}

fn second_party_dies(backend: &dyn Backend, kind: &dyn KernelKind, parameters: &Parameters) {
    let graph = independent(2);
    let setting = backend.setting(&graph, 2);
    let kernel = Dying(kind.build(parameters, &setting).unwrap());
    let job = Arc::new(Job::new(graph, Box::new(kernel)).unwrap());
    let mut plan = PoolPlan::plain(backend, 2);
    plan.options = one_thread_per_process(backend);
    let mut pool = backend.start(Arc::clone(&job), &plan).unwrap();
    job.begin_run();
    pool.run().unwrap_err();
    drop(pool);
    let Some(Failure::WorkerDied { task, ending, .. }) = job.failure() else {
        panic!("{}: {:?}", kind.name(), job.failure());
    };
    assert_eq!(
        (task, ending),
        (TaskId(1), Ending::Exit(7)),
        "{}",
        kind.name()
    );
    assert_childless();
}

/// Options with which only one task dies with a process.
fn one_thread_per_process(backend: &dyn Backend) -> Parameters {
    let threads = backend.options().iter().filter(|one| one.name == "threads");
    let given = threads.map(|one| (one.name.to_owned(), Value::Count(1)));
    Parameters::check(backend.options(), &given.collect()).unwrap()
}

/// A kernel whose second party dies instead of taking part.
struct Dying(Box<dyn Kernel>);

impl Kernel for Dying {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        if task == TaskId(1) {
            std::process::exit(7);
        }
        self.0.run(task, seed)
    }

    fn expected(&self, task: TaskId, seed: u64) -> u64 {
        self.0.expected(task, seed)
    }

    fn has_parties(&self) -> bool {
        true
    }

    fn halt(&self) {
        self.0.halt();
    }
}
