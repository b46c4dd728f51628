//! The levels of a graph, and how workers share them.

use std::ops::Range;

use crate::graph::{TaskGraph, TaskId};

/// The tasks of each level, in ascending order.
pub(in crate::backend) fn by_level(graph: &TaskGraph) -> Vec<Vec<TaskId>> {
    let mut tasks: Vec<Vec<TaskId>> = Vec::new();
    for (task, level) in graph.tasks().zip(graph.levels()) {
        let level = level as usize;
        if tasks.len() <= level {
            // Every level has a task, because a level is one more than that of some predecessor, but a task of a
            // later level may come first.
            tasks.resize_with(level + 1, Vec::new);
        }
        tasks[level].push(task);
    }
    tasks
}

/// The part of `len` tasks that worker `index` owns. Rounded up, so that the first workers get what is too narrow to
/// split: a chain runs on the first worker alone.
pub(in crate::backend) fn block(index: usize, worker_count: usize, len: usize) -> Range<usize> {
    let edge = |index: usize| (index * len).div_ceil(worker_count);
    edge(index)..edge(index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_a_level_once_and_favour_the_first_workers() {
        let blocks = |workers, len| (0..workers).map(move |i| block(i, workers, len));
        assert!(blocks(3, 7).eq([0..3, 3..5, 5..7]));
        assert!(blocks(3, 1).eq([0..1, 1..1, 1..1]));
        assert!(blocks(2, 0).eq([0..0, 0..0]));
    }
}
