//! Graphs for tests.

use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::random::SplitMix64;

fn build(rows: impl Iterator<Item = Vec<u32>>) -> TaskGraph {
    let mut builder = TaskGraphBuilder::with_capacity(0, 0);
    for row in rows {
        builder.push(row.into_iter().map(TaskId)).expect("a row");
    }
    builder.finish()
}

/// A grid in which each task waits for these columns of the row before.
pub fn grid(width: u32, height: u32, predecessors: impl Fn(u32) -> Vec<u32>) -> TaskGraph {
    build((0..width * height).map(|task| {
        let (row, column) = (task / width, task % width);
        match row {
            0 => Vec::new(),
            _ => predecessors(column)
                .iter()
                .map(|other| (row - 1) * width + other)
                .collect(),
        }
    }))
}

/// A random graph in which each task has at most three predecessors, most of them near.
pub fn random(task_count: u32, seed: u64) -> TaskGraph {
    let mut numbers = SplitMix64::new(seed);
    build((0..task_count).map(|task| {
        let count = numbers.below(4);
        let mut row: Vec<u32> = (0..count)
            .filter(|_| task > 0)
            .map(|_| task - 1 - numbers.below(u64::from(task.min(20))) as u32)
            .collect();
        row.sort_unstable_by_key(|id| id.reverse_bits());
        row.dedup();
        row
    }))
}
