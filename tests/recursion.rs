//! Every backend with threads that runs recursive programs must run all of them, with any number of workers, and every
//! tree. `tests/fork` runs the same tests for backends that fork.

use proptest::prelude::*;
use taskdyno::internal::backend::BACKENDS;
use taskdyno_core::backend::Backend;
use taskdyno_core::kernel::Sharing;

use crate::recursive::{AnyTree, conforms, run_tree, tells_a_panic, worker_counts};

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

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
