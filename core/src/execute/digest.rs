//! Seeds, digests, and the expected digest that every run is compared with.

use crate::graph::{TaskGraph, TaskId};
use crate::kernel::Kernel;
use crate::random::{GAMMA, fold};

/// The number of bits of an output word that hold the value.
pub(super) const VALUE_BITS: u32 = 48;
/// The bits of an output word that hold the value.
pub const VALUE_MASK: u64 = (1 << VALUE_BITS) - 1;

/// The digest of a serial run with this nonce, computed without slots, backends or waiting. Every run is compared with
/// it. The digest of an empty graph is a constant.
pub fn expected_digest(graph: &TaskGraph, kernel: &dyn Kernel, nonce: u64) -> u64 {
    let mut values = vec![0u64; graph.task_count()];
    let mut digest = Digest::default();
    for task in graph.tasks() {
        let mut seed = Seed::new(task, nonce);
        for predecessor in graph.predecessors(task) {
            seed.fold(values[predecessor.index()]);
        }
        let value = kernel.expected(task, seed.finish()) & VALUE_MASK;
        values[task.index()] = value;
        digest.fold(value);
    }
    digest.finish()
}

/// The number of tasks of a serial run with nonce 0: of those that a recursive program spawns, or of the graph.
pub fn expected_task_count(graph: &TaskGraph, kernel: &dyn Kernel) -> u64 {
    let is_one_task = graph.task_count() == 1;
    let spawned = kernel.recursion().filter(|_| is_one_task).map(|program| {
        let known = program.known().task_count;
        known.unwrap_or_else(|| {
            let seed = Seed::new(TaskId(0), 0).finish();
            program.run_sequentially(seed).task_count
        })
    });
    spawned.unwrap_or(graph.task_count() as u64)
}

/// Folds inputs, in order, into the seed of a task. Each step depends on the step before it. A backend that keeps outputs
/// of its own, because its workers share no memory, computes seeds with it.
#[derive(Debug)]
pub struct Seed(u64);

impl Seed {
    /// The seed of a task without inputs, in runs with this nonce.
    #[inline]
    pub fn new(task: TaskId, nonce: u64) -> Self {
        Self(u64::from(task.0).wrapping_add(1).wrapping_mul(GAMMA) ^ nonce)
    }

    /// Folds in the value of the next predecessor.
    #[inline]
    pub fn fold(&mut self, value: u64) {
        self.0 = fold(self.0, value);
    }

    /// The seed. Moves the high bits, which a product mixes best, down to the bits that hold values.
    #[inline]
    pub fn finish(self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// Folds output values, in task order, into one word. That of no values is 0.
#[derive(Debug, Default)]
pub struct Digest(u64);

impl Digest {
    /// Folds in the value of the next task.
    pub fn fold(&mut self, value: u64) {
        self.0 = fold(self.0, value);
    }

    /// The digest.
    pub fn finish(self) -> u64 {
        self.0
    }
}
