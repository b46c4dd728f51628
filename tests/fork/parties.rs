//! When a worker process dies whose task others wait for, the run ends with its name.

use std::collections::BTreeMap;
use std::sync::Arc;

use taskdyno::internal::backend::BACKENDS;
use taskdyno::internal::coordinated::COORDINATED;
use taskdyno_core::backend::{Backend, PoolPlan};
use taskdyno_core::execute::{Ending, Failure, Job};
use taskdyno_core::graph::TaskId;
use taskdyno_core::kernel::{Kernel, KernelKind, Sharing};
use taskdyno_core::parameter::Parameters;

use crate::host::assert_childless;
use crate::independent;
use crate::runner::TestCase;

pub(crate) fn cases() -> Vec<TestCase> {
    let backends = BACKENDS.iter().copied();
    let of_processes = backends.filter(|backend| backend.sharing() == Sharing::Processes);
    let case = |backend: &'static dyn Backend| {
        let name = format!("{}::a_party_that_dies_is_named", backend.name());
        TestCase::new(name, || every_kind(backend))
    };
    of_processes.map(case).collect()
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
    let plan = PoolPlan::plain(backend, 2);
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
