//! Seeds, digests, and the digest that every run is held against.

use super::slots;
use crate::graph::{TaskGraph, TaskId};
use crate::kernel::Kernel;

/// The digest of a serial run, computed without slots, backends or waiting: the oracle that every run is
/// held against.
pub fn expected_digest(graph: &TaskGraph, kernel: &dyn Kernel) -> u64 {
    let mut values = vec![0u64; graph.task_count()];
    let mut digest = Digest::default();
    for task in graph.tasks() {
        let mut seed = Seed::new(task);
        for predecessor in graph.predecessors(task) {
            seed.fold(values[predecessor.index()]);
        }
        let value = kernel.expected(task, seed.finish()) & slots::VALUE_MASK;
        values[task.index()] = value;
        digest.fold(value);
    }
    digest.finish()
}

/// An odd number near 2^64 divided by the golden ratio, which spreads the bits of what it multiplies
/// (Knuth, The Art of Computer Programming, volume 3, section 6.4).
pub(super) const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Folds inputs, in order, into the seed of a task. Each step waits for the one before it.
pub(super) struct Seed(u64);

impl Seed {
    #[inline]
    pub(super) fn new(task: TaskId) -> Self {
        Self(u64::from(task.0).wrapping_add(1).wrapping_mul(SPREAD))
    }

    #[inline]
    pub(super) fn fold(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(SPREAD);
    }

    /// Brings the high bits, which a product mixes best, down to where values are kept.
    #[inline]
    pub(super) fn finish(self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// Folds output values, in task order, into one word.
#[derive(Default)]
pub(super) struct Digest(u64);

impl Digest {
    pub(super) fn fold(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(SPREAD);
    }

    pub(super) fn finish(self) -> u64 {
        self.0
    }
}
