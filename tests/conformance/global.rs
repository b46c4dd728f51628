//! Backends whose workers belong to the process, so that a process can have only one number of them. For each number, the
//! tests of all backends run in a process of their own, with this backend alone.

use std::env;
use std::io;
use std::process::Command;
use std::sync::Arc;

use taskdyno::internal::backend::BACKENDS;
use taskdyno_core::backend::{Backend, Continuation, Family, Pool, PoolPlan};
use taskdyno_core::execute::Job;

/// The names of these backends.
pub(crate) const NAMES: &[&str] = &["may", "smol"];

/// What a process for one backend is told: its name and its number of workers, with a `/` between them.
const ALONE: &str = "TASKDYNO_TEST_ALONE";

/// The only backend that this process tests, if there is one.
pub(crate) fn alone() -> Option<&'static dyn Backend> {
    let alone = env::var(ALONE).ok()?;
    let (name, worker_count) = alone.split_once('/').expect("a name and a number");
    let backend = BACKENDS.iter().find(|one| one.name() == name);
    Some(Box::leak(Box::new(Fixed {
        backend: *backend.expect("this build has it"),
        worker_count: worker_count.parse().expect("a number"),
    })))
}

/// A backend with one number of workers.
struct Fixed {
    backend: &'static dyn Backend,
    worker_count: usize,
}

impl Backend for Fixed {
    fn name(&self) -> &'static str {
        self.backend.name()
    }

    fn why(&self) -> &'static str {
        self.backend.why()
    }

    fn family(&self) -> Family {
        self.backend.family()
    }

    fn runtime(&self) -> Option<&'static str> {
        self.backend.runtime()
    }

    fn fixed_worker_count(&self) -> Option<usize> {
        Some(self.worker_count)
    }

    fn parallelism(&self, worker_count: usize, waits: bool) -> Option<usize> {
        self.backend.parallelism(worker_count, waits)
    }

    fn why_not_wait(&self) -> Option<&'static str> {
        self.backend.why_not_wait()
    }

    fn continuations(&self) -> &'static [Continuation] {
        self.backend.continuations()
    }

    fn can_pin(&self) -> bool {
        self.backend.can_pin()
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        self.backend.start(job, plan)
    }
}

/// Runs the tests whose names contain one of `tests` in processes for `name` alone.
fn conforms(name: &str, tests: &[&str]) {
    for worker_count in [1, 2, 3, 8] {
        let this = env::current_exe().expect("a test runs from a file");
        let output = Command::new(this)
            .args(tests)
            .env(ALONE, format!("{name}/{worker_count}"))
            .output()
            .expect("it can be started again");
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let has_run = !stdout.contains("running 0 tests");
        assert!(
            output.status.success() && has_run,
            "{name} with {worker_count} workers: {}\n{stdout}\n{stderr}",
            output.status
        );
    }
}

/// The tests that run every backend, except those that need an own process beside these.
const OF_ALL: &[&str] = &["every_backend", "every_pool", "a_party"];

/// Alone, because a test that starts a thread at the same moment would add to the threads that a runtime starts.
const NOTED: &[&str] = &["all_noted_workers_run_tasks_and_nobody_else"];

#[cfg(feature = "smol")]
#[test]
fn smol_conforms() {
    conforms("smol", OF_ALL);
    conforms("smol", NOTED);
}

#[cfg(feature = "may")]
#[test]
fn may_conforms() {
    conforms("may", OF_ALL);
    conforms("may", NOTED);
    conforms("may", &["pinned_workers"]);
}
