//! Every backend with threads that runs recursive programs must run all of them, with any number of workers, and every
//! tree. `tests/fork` runs the same tests for backends that fork.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::prelude::*;
use taskdyno::internal::backend::BACKENDS;
use taskdyno_core::backend::{Backend, PoolPlan, verify_runs};
use taskdyno_core::execute::fold;
use taskdyno_core::kernel::Sharing;
use taskdyno_core::recursion::{
    Folded, Recursion, RecursiveProgram, Run, Sequential, Splitting, Words, walk,
};

use crate::recursive::{
    AnyTree, Programmed, conforms, job, run_tree, tells_a_panic, worker_counts,
};

#[path = "common/recursive.rs"]
mod recursive;

fn backends() -> impl Iterator<Item = &'static dyn Backend> {
    let all = BACKENDS.iter().copied().filter(|one| one.runs_recursion());
    all.filter(|one| one.sharing() == Sharing::Threads)
}

#[test]
fn every_backend_runs_every_recursive_program() {
    backends().for_each(conforms);
    assert!(backends().count() >= 2, "serial and at least one runtime");
}

#[test]
fn every_backend_tells_a_panic() {
    // With rayon and chili the panic passes through their join, with the others through our own.
    backends().for_each(tells_a_panic);
}

/// A binary tree whose leaves count how many of them run at once.
struct AtOnce {
    now: AtomicUsize,
    most: Arc<AtomicUsize>,
}

impl Recursion for AtOnce {
    type State = Words;

    fn root(&self, _: u64) -> Words {
        [1, 0, 0, 0]
    }

    fn split(&self, [node, ..]: &mut Words) -> Splitting {
        if *node < 256 {
            return Splitting::Children(2);
        }
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        // Others get a chance to run.
        thread::yield_now();
        self.now.fetch_sub(1, Ordering::SeqCst);
        Splitting::Leaf(*node)
    }

    fn child(&self, [node, ..]: &Words, index: u32) -> Words {
        [2 * node + u64::from(index), 0, 0, 0]
    }
}

#[test]
fn no_more_tasks_run_at_once_than_there_are_workers() {
    for backend in backends() {
        for worker_count in worker_counts(backend) {
            let most = Arc::new(AtomicUsize::new(0));
            let program = RecursiveProgram::Other(Box::new(AtOnce {
                now: AtomicUsize::new(0),
                most: Arc::clone(&most),
            }));
            let plan = PoolPlan::plain(backend, worker_count);
            let ran = verify_runs(backend, &plan, job(Box::new(Programmed(program))), 3);
            assert_eq!(ran, Ok(()), "{} {worker_count}", backend.name());
            let most = most.load(Ordering::SeqCst);
            let is_right = (1..=worker_count).contains(&most);
            assert!(is_right, "{} {worker_count}: {most}", backend.name());
        }
    }
}

/// The result of a node and all below it, child by child.
fn by_hand(tree: &AnyTree, seed: u64, node: u64) -> Folded {
    let mut state = [node, 0, 0, 0];
    let count = match tree.split(&mut state) {
        Splitting::Leaf(value) => {
            return Folded {
                value,
                digest: fold(seed, value),
                task_count: 1,
            };
        }
        Splitting::Children(count) => count,
    };
    let (mut value, mut digest, mut task_count) = (node + 1, 0u64, 1);
    for index in 0..count {
        let child = by_hand(tree, seed, tree.child(&state, index)[0]);
        value += child.value;
        digest = digest.wrapping_add(child.digest.wrapping_mul(2 * u64::from(index) + 1));
        task_count += child.task_count;
    }
    Folded {
        value,
        digest: fold(digest, value ^ seed),
        task_count,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_is_folded_as_by_hand(
        child_counts in proptest::collection::vec(0u32..5, 0..60),
        seed: u64,
    ) {
        let tree = AnyTree::new(child_counts);
        let expected = by_hand(&tree, seed, 0);
        let run = Run::new(&tree, seed);
        prop_assert_eq!(walk::<Sequential, _>(run, run.root(), &mut ()), expected);
        let program = RecursiveProgram::Other(Box::new(tree));
        prop_assert_eq!(program.run_sequentially(seed), expected);
    }

    #[test]
    fn every_backend_runs_any_tree(child_counts in proptest::collection::vec(0u32..6, 0..300)) {
        let tree = AnyTree::new(child_counts);
        for backend in backends() {
            for worker_count in worker_counts(backend) {
                let ran = run_tree(backend, worker_count, tree.clone());
                prop_assert_eq!(ran, Ok(()), "{} {}", backend.name(), worker_count);
            }
        }
    }
}
