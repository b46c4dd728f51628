//! Recursive programs on workers that are processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use taskdyno::internal::backend::{BACKENDS, FORK};
use taskdyno_core::backend::{Backend, PoolPlan};
use taskdyno_core::execute::{Ending, Failure, expected_digest};
use taskdyno_core::graph::TaskId;
use taskdyno_core::kernel::Sharing;
use taskdyno_core::memory::SharedSlice;
use taskdyno_core::recursion::{MOST_WORDS, Recursion, RecursiveProgram, Splitting, Words};

use crate::recursive::{
    AnyTree, Programmed, conforms, job, run_tree, tells_a_panic, worker_counts,
};
use crate::runner::TestCase;

pub(crate) fn cases() -> Vec<TestCase> {
    let mut cases = Vec::new();
    let of_processes =
        |one: &&dyn Backend| one.runs_recursion() && one.sharing() == Sharing::Processes;
    for backend in BACKENDS.iter().copied().filter(of_processes) {
        let mut add = |name: &str, body: fn(&dyn Backend)| {
            let name = format!("{}::recursion::{name}", backend.name());
            cases.push(TestCase::new(name, move || body(backend)));
        };
        add("runs_every_program", conforms);
        add("runs_any_tree", runs_any_tree);
        add("tells_a_panic", tells_a_panic);
    }
    let death = "fork::recursion::starts_again_after_a_death";
    cases.push(TestCase::new(death, starts_again_after_a_death));
    let given_up = "fork::recursion::gives_up_after_too_many_deaths";
    cases.push(TestCase::new(given_up, gives_up_after_too_many_deaths));
    cases
}

fn runs_any_tree(backend: &dyn Backend) {
    let trees = proptest::collection::vec(0u32..6, 0..300);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(16));
    let ran = runner.run(&trees, |child_counts| {
        let tree = AnyTree::new(child_counts);
        for worker_count in worker_counts(backend) {
            let ran = run_tree(backend, worker_count, tree.clone());
            prop_assert_eq!(ran, Ok(()), "{} {}", backend.name(), worker_count);
        }
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
}

/// A binary tree one of whose leaves kills its process, as often as the counter says.
struct Deadly {
    deaths_left: SharedSlice<AtomicU64>,
}

impl Deadly {
    fn new(death_count: u64) -> Self {
        let deaths_left = SharedSlice::<AtomicU64>::new(1).unwrap();
        deaths_left[0].store(death_count, Ordering::Relaxed);
        Self { deaths_left }
    }
}

impl Recursion for Deadly {
    type State = Words;

    fn root(&self, _: u64) -> Words {
        [1, 0, 0, 0]
    }

    fn split(&self, [node, ..]: &mut Words) -> Splitting {
        if *node < 512 {
            return Splitting::Children(2);
        }
        let take = |left: u64| left.checked_sub(1);
        let must_die = *node == 700
            && self.deaths_left[0]
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok();
        if must_die {
            // SAFETY: it ends the process.
            unsafe { libc::raise(libc::SIGKILL) };
        }
        Splitting::Leaf(*node)
    }

    fn child(&self, [node, ..]: &Words, index: u32) -> Words {
        let mut state = [0; MOST_WORDS];
        state[0] = 2 * node + u64::from(index);
        state
    }
}

/// A run on two workers with two retries, in which this many processes die.
fn run(death_count: u64) -> Result<u64, Failure> {
    let program = RecursiveProgram::Other(Box::new(Deadly::new(death_count)));
    let job = Arc::new(job(Box::new(Programmed(program))));
    let mut plan = PoolPlan::plain(&FORK, 2);
    plan.retry_limit = 2;
    let mut pool = FORK.start(Arc::clone(&job), &plan).unwrap();
    job.begin_run();
    pool.run().map_err(|_| job.why_halted())?;
    let digest = job.digest()?;
    let deaths = pool.take_deaths();
    assert_eq!(deaths.len() as u64, death_count);
    assert!(deaths.iter().all(|death| death.task == Some(TaskId(0))));
    // No process dies any more, so this one may compute it.
    assert_eq!(digest, expected_digest(job.graph(), job.kernel(), 0));
    Ok(digest)
}

fn starts_again_after_a_death() {
    let without = run(0);
    assert!(without.is_ok());
    assert_eq!(run(1), without);
    assert_eq!(run(2), without);
}

fn gives_up_after_too_many_deaths() {
    let Err(Failure::WorkerDied {
        task,
        ending,
        attempt_count,
        ..
    }) = run(3)
    else {
        panic!("the third death must be the end");
    };
    assert_eq!(
        (task, ending, attempt_count),
        (TaskId(0), Ending::Signal(libc::SIGKILL), 3)
    );
}
