//! Continuing a run after workers have died in it.
//!
//! A worker can die between any two steps: before it takes a task, while it runs it, after it stored the output,
//! between counting down one dependent and the next. The task that it had taken is then lost, and the counts are
//! wrong. The outputs are correct: storing one is a single write, so each task either has its output of this run or
//! has not. Everything else follows from the outputs and is computed again: how many predecessors each task still
//! waits for, and which tasks are ready.

use crate::graph::{TaskGraph, TaskId};

/// The remaining work of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remainder {
    /// Tasks that can run now: not done, not given up, and all predecessors done.
    pub ready: Vec<TaskId>,
    /// The number of tasks that will run if no more workers die: the ready tasks, and the tasks that wait only for
    /// these.
    pub task_count: u64,
    /// The number of tasks that will not run because they depend on a task that was given up.
    pub skipped_count: u64,
}

/// The new count of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reset {
    pub(super) task: TaskId,
    /// The predecessors that it still waits for. If it waits for none, the full number, as counting down leaves it.
    pub(super) pending: u32,
}

/// How much the count of a task that will not run is increased, so that counting never lowers it to the value at
/// which an idle worker reserves the task. At least one of its predecessors is never counted, and then two are
/// missing.
const OUT_OF_REACH: u32 = 2;

/// Computes the remaining work from the finished tasks and the tasks that are given up, and calls `reset` for each
/// task.
///
/// One pass in topological order: linear in tasks and edges.
pub(super) fn remainder(
    graph: &TaskGraph,
    is_done: impl Fn(TaskId) -> bool,
    given_up: &[TaskId],
    mut reset: impl FnMut(Reset),
) -> Remainder {
    let mut remainder = Remainder::default();
    // Given up, or dependent on a task that is.
    let mut lost = vec![false; graph.task_count()];
    for task in given_up {
        lost[task.index()] = true;
    }
    for task in graph.tasks() {
        let predecessors = graph.predecessors(task);
        let waits_for = predecessors.iter().filter(|one| !is_done(**one)).count() as u32;
        let all = predecessors.len() as u32;
        let is_skipped = predecessors.iter().any(|one| lost[one.index()]);
        let pending = match waits_for {
            0 => all,
            _ if is_skipped => waits_for + OUT_OF_REACH,
            _ => waits_for,
        };
        reset(Reset { task, pending });

        if is_done(task) || given_up.contains(&task) {
            continue;
        }
        if is_skipped {
            lost[task.index()] = true;
            remainder.skipped_count += 1;
            continue;
        }
        remainder.task_count += 1;
        if waits_for == 0 {
            remainder.ready.push(task);
        }
    }
    remainder
}

#[cfg(test)]
mod tests;
