//! Going on with a run after workers have died in it.
//!
//! A worker can die between any two steps: before it takes a task, while it runs it, after it stored the
//! output, between counting down one dependent and the next. What it had taken is then lost, and the counts
//! are wrong. The outputs are not: storing one is a single write, so each task either has its output of this
//! run or has not. Everything else follows from that, and is computed anew: how many predecessors each task
//! still waits for, and which tasks are ready.

use crate::graph::{TaskGraph, TaskId};

/// What is left of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remainder {
    /// Tasks that can run now: not done, not given up, and all their predecessors are done.
    pub ready: Vec<TaskId>,
    /// Tasks that will run if nobody dies any more: those that are ready, and those that wait for them alone.
    pub task_count: u64,
    /// Tasks that will not run, since they depend on one that was given up.
    pub skipped_count: u64,
}

/// What one task is to be set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reset {
    pub(super) task: TaskId,
    /// Predecessors that it still waits for; all of them again once it waits for none, as counting down
    /// leaves it.
    pub(super) pending: u32,
}

/// What the count of a task that will not run is too high by, so that counting never takes it to where an idle worker
/// keeps the task: at least one of its predecessors is not counted, and two are waited for then.
const OUT_OF_REACH: u32 = 2;

/// Computes what is left from what is done and which tasks are given up, and calls `reset` for each task.
///
/// One pass in topological order: linear in tasks and edges.
pub(super) fn remainder(
    graph: &TaskGraph,
    is_done: impl Fn(TaskId) -> bool,
    given_up: &[TaskId],
    mut reset: impl FnMut(Reset),
) -> Remainder {
    let mut remainder = Remainder::default();
    // Given up, or behind one that is.
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
mod test;
