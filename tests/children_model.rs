//! Checks how children of recursive programs are handed over and joined. Loom tries every order of the steps of the owner
//! of a place and of a worker that takes the child.
//!
//! The test compiles the file of the backends itself, with loom's atomics. The queue is a word that one exchange empties;
//! the deques have models of their own.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use taskdyno_core::recursion::Folded;

use crate::children::Places;

mod atomic {
    pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}

#[path = "../backends/src/backend/support/children.rs"]
#[allow(dead_code, reason = "the model needs only some of it")]
mod children;

/// What the file imports from its crate.
mod memory {
    pub(crate) use modelled::*;

    mod modelled {
        use std::io;
        use std::ops::Deref;

        /// Memory that threads share is enough for the model.
        ///
        /// # Safety
        ///
        /// As for the trait of this name.
        pub(crate) unsafe trait Shareable {}

        pub(crate) struct SharedSlice<T>(Vec<T>);

        impl<T: Default> SharedSlice<T> {
            pub(crate) fn new(len: usize) -> io::Result<Self> {
                Ok(Self((0..len).map(|_| T::default()).collect()))
            }
        }

        impl<T> Deref for SharedSlice<T> {
            type Target = [T];

            fn deref(&self) -> &[T] {
                &self.0
            }
        }
    }
}

mod recursion {
    pub(crate) use taskdyno_core::recursion::{Folded, MOST_WORDS, Words};
}

/// A queue that has one place.
struct Queue(AtomicUsize);

const EMPTY: usize = usize::MAX;

impl Queue {
    fn push(&self, place: usize) {
        self.0.store(place, Ordering::Release);
    }

    fn take(&self) -> Option<usize> {
        let taken = self.0.swap(EMPTY, Ordering::AcqRel);
        (taken != EMPTY).then_some(taken)
    }
}

fn result_of(state: [u64; 4]) -> Folded {
    Folded {
        value: state[0],
        digest: state[1],
        task_count: state[2],
    }
}

/// The owner of a place spawns a child there twice, one after the other, and joins it. Whoever gets it, the owner sees the
/// result of this child and never that of the one before.
#[test]
fn a_child_is_run_once_and_its_result_is_seen() {
    loom::model(|| {
        let places = Arc::new(Places::with_places(1, 1).unwrap());
        let queue = Arc::new(Queue(AtomicUsize::new(EMPTY)));
        let thief = {
            let (places, queue) = (Arc::clone(&places), Arc::clone(&queue));
            thread::spawn(move || {
                if let Some(place) = queue.take() {
                    assert!(places.finish(place, result_of(places.state(place))));
                }
            })
        };
        for round in 1..=2 {
            let state = [round, round + 10, round + 20, 0];
            places.put(0, state);
            queue.push(0);
            let result = match queue.take() {
                Some(_) => result_of(state),
                None if places.is_done(0) => places.result(0),
                // The owner would wait. It must not use the place again, and there is nothing to see.
                None => break,
            };
            assert_eq!(result, result_of(state));
        }
        thief.join().unwrap();
    });
}

#[test]
fn a_child_that_is_finished_twice_is_told() {
    loom::model(|| {
        let places = Arc::new(Places::with_places(1, 1).unwrap());
        places.put(0, [1, 2, 3, 4]);
        let finish = |places: &Places| places.finish(0, result_of([1, 2, 3, 4]));
        let other = {
            let places = Arc::clone(&places);
            thread::spawn(move || finish(&places))
        };
        let ours = finish(&places);
        assert_ne!(ours, other.join().unwrap(), "one of both is the second");
    });
}
