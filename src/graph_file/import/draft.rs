//! The tasks of a file in the order they stand there: to a graph in topological order, or to the circle in them.

use super::refusal::{Refusal, quoted};
use super::{Imported, Unit};
use crate::graph::{Rows, TaskGraph, TaskGraphBuilder, TaskId};

/// What a file says. Tasks are numbered from 0 in the order of the file.
pub(super) struct Draft {
    /// The name of each task, each once.
    pub(super) names: Vec<String>,
    /// The byte of the file at which each task stands, if it is known.
    pub(super) starts: Vec<Option<u32>>,
    /// Each dependence as the predecessor and the task; one that is repeated counts once.
    pub(super) dependences: Vec<(u32, u32)>,
    /// The duration of each task in billionths of the unit.
    pub(super) durations: Option<Vec<u64>>,
    pub(super) unit: Unit,
    /// What was read in another way than the file says; see [`Imported::notes`].
    pub(super) notes: Vec<String>,
    /// See [`Imported::depends_on_sign`].
    pub(super) depends_on_sign: Option<String>,
}

/// The most tasks that ids can number.
pub(super) const MOST_TASKS: usize = u32::MAX as usize;

impl Draft {
    /// The graph.
    ///
    /// # Errors
    ///
    /// When there is a circle; the message shows it.
    pub(super) fn finish(self) -> Result<Imported, Refusal> {
        let task_count = self.names.len();
        if task_count >= MOST_TASKS || self.dependences.len() > MOST_TASKS {
            return Err(too_large());
        }
        let predecessors = Rows::from_edges(task_count, &self.dependences);
        let is_ordered = self.dependences.iter().all(|(before, task)| before < task);
        if is_ordered {
            return Ok(Imported {
                graph: build(&predecessors, None)?,
                names: self.names,
                durations: self.durations,
                unit: self.unit,
                notes: self.notes,
                depends_on_sign: self.depends_on_sign,
            });
        }
        let order = topological_order(&predecessors);
        if order.len() < task_count {
            return Err(self.circle(&predecessors, &order));
        }
        let mut names = self.names;
        Ok(Imported {
            graph: build(&predecessors, Some(&order))?,
            names: order
                .iter()
                .map(|task| std::mem::take(&mut names[task.index()]))
                .collect(),
            durations: self
                .durations
                .map(|durations| order.iter().map(|task| durations[task.index()]).collect()),
            unit: self.unit,
            notes: self.notes,
            depends_on_sign: self.depends_on_sign,
        })
    }

    /// The refusal that shows a circle among the tasks that are not in `order`.
    fn circle(&self, predecessors: &Rows, order: &[TaskId]) -> Refusal {
        let circle = circle(predecessors, order);
        let text = circle_text(&circle, &self.names);
        let refusal = Refusal::new(
            format!("tasks wait for each other in a circle: {text}"),
            "take one of these dependences out: a task graph has no cycle",
        );
        let start = circle.first().and_then(|task| self.starts[task.index()]);
        match start {
            Some(start) => refusal.at_byte(start as usize),
            None => refusal,
        }
    }
}

fn too_large() -> Refusal {
    Refusal::new(
        "the graph is too large",
        format!("a graph has fewer than {MOST_TASKS} tasks, and at most as many dependences"),
    )
}

/// Tasks, each behind all its predecessors, as far as that goes: sources first, in their order, then each task when
/// the last of its predecessors has come (Kahn, "Topological sorting of large networks", 1962).
fn topological_order(predecessors: &Rows) -> Vec<TaskId> {
    let successors = predecessors.reversed();
    let tasks = (0..predecessors.len() as u32).map(TaskId);
    let mut pending: Vec<_> = tasks
        .clone()
        .map(|task| predecessors.row(task).len())
        .collect();
    let mut order: Vec<_> = tasks.filter(|task| pending[task.index()] == 0).collect();
    let mut seen = 0;
    while let Some(task) = order.get(seen).copied() {
        seen += 1;
        for successor in successors.row(task) {
            let pending = &mut pending[successor.index()];
            *pending -= 1;
            if *pending == 0 {
                order.push(*successor);
            }
        }
    }
    order
}

/// The graph with its tasks in this order, or as they are.
fn build(predecessors: &Rows, order: Option<&[TaskId]>) -> Result<TaskGraph, Refusal> {
    let task_count = predecessors.len();
    let numbers = order.map(|order| {
        let mut numbers = vec![TaskId(0); task_count];
        for (number, task) in order.iter().enumerate() {
            numbers[task.index()] = TaskId(number as u32);
        }
        numbers
    });
    let mut builder = TaskGraphBuilder::with_capacity(task_count, predecessors.id_count());
    let mut row = Vec::new();
    for index in 0..task_count {
        let task = order.map_or(TaskId(index as u32), |order| order[index]);
        row.clear();
        row.extend_from_slice(predecessors.row(task));
        if let Some(numbers) = &numbers {
            row.iter_mut().for_each(|id| *id = numbers[id.index()]);
        }
        row.sort_unstable();
        row.dedup();
        // The order is topological and the row has no doubles, so only the size can be refused.
        builder.push(row.iter().copied()).map_err(|_| too_large())?;
    }
    Ok(builder.finish())
}

/// A circle among the tasks that are not in `order`, beginning with the one that comes first in the file.
fn circle(predecessors: &Rows, order: &[TaskId]) -> Vec<TaskId> {
    let mut is_ordered = vec![false; predecessors.len()];
    for task in order {
        is_ordered[task.index()] = true;
    }
    let left_out = |task: &TaskId| !is_ordered[task.index()];
    // A task that has no place in the order waits for another one that has none either. So this walk against
    // the dependences does not end, and comes back to where it was.
    let mut visited_at = vec![usize::MAX; predecessors.len()];
    let mut walk = Vec::new();
    let mut here = (0..predecessors.len() as u32).map(TaskId).find(left_out);
    while let Some(task) = here.filter(|task| visited_at[task.index()] == usize::MAX) {
        visited_at[task.index()] = walk.len();
        walk.push(task);
        here = predecessors.row(task).iter().copied().find(left_out);
    }
    let start = here.map_or(0, |task| visited_at[task.index()]);
    let mut circle = walk.split_off(start);
    circle.reverse();
    let first = circle.iter().enumerate().min_by_key(|(_, task)| **task);
    let first = first.map_or(0, |(index, _)| index);
    circle.rotate_left(first);
    circle
}

/// "a -> b -> a", without the middle of a long circle.
fn circle_text(circle: &[TaskId], names: &[String]) -> String {
    const SHOWN_MAX: usize = 20;
    let name = |task: &TaskId| quoted(&names[task.index()]);
    let mut shown: Vec<_> = circle.iter().take(SHOWN_MAX).map(name).collect();
    if circle.len() > SHOWN_MAX {
        shown.push(format!("... {} more ...", circle.len() - SHOWN_MAX));
    }
    shown.extend(circle.first().map(name));
    shown.join(" -> ")
}
