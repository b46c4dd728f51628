//! Rows of ids, and what two sets of rows must satisfy to be a graph.

use super::{GraphError, TaskId};

/// Rows of ids in compressed form: row `i` is `ids[offsets[i]..offsets[i + 1]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    pub(super) offsets: Box<[u32]>,
    pub(super) ids: Box<[TaskId]>,
}

impl Rows {
    /// The rows with these `offsets`, of which there is one more than there are rows.
    ///
    /// # Errors
    ///
    /// If an offset is below the offset before it, the first is not 0, or the last is not the number of `ids`.
    ///
    /// # Panics
    ///
    /// If there are no offsets.
    pub fn new(offsets: Box<[u32]>, ids: Box<[TaskId]>) -> Result<Self, GraphError> {
        let last = offsets.len().checked_sub(1).expect("there is an offset");
        let wrong = if offsets[0] != 0 {
            Some(0)
        } else if let Some(row) = offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            Some(row + 1)
        } else {
            (offsets[last] as usize != ids.len()).then_some(last)
        };
        match wrong {
            None => Ok(Self { offsets, ids }),
            Some(index) => Err(GraphError::Offset {
                index,
                offset: offsets[index],
                id_count: ids.len(),
            }),
        }
    }

    /// The predecessors of each of `task_count` tasks, from edges `(predecessor, task)` in any order. Each row keeps the
    /// order of its edges. A counting sort: linear time.
    ///
    /// # Panics
    ///
    /// If an edge leads to a task that is not below `task_count`, or there are more than `u32::MAX` edges.
    pub fn from_edges(task_count: usize, edges: &[(u32, u32)]) -> Self {
        u32::try_from(edges.len()).expect("at most u32::MAX edges");
        let mut offsets = vec![0u32; task_count + 1];
        for (_, task) in edges {
            offsets[*task as usize + 1] += 1;
        }
        for index in 0..task_count {
            offsets[index + 1] += offsets[index];
        }
        let mut next = offsets.clone();
        let mut ids = vec![TaskId(0); edges.len()];
        for (predecessor, task) in edges {
            let place = &mut next[*task as usize];
            ids[*place as usize] = TaskId(*predecessor);
            *place += 1;
        }
        Self {
            offsets: offsets.into(),
            ids: ids.into(),
        }
    }

    /// How many rows there are.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "no caller needs it")]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many ids there are in all rows.
    #[inline]
    pub fn id_count(&self) -> usize {
        self.ids.len()
    }

    /// Where each row starts among [`ids`](Self::ids), and at the end where the last row ends.
    pub fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// The ids of all rows, row after row.
    pub fn ids(&self) -> &[TaskId] {
        &self.ids
    }

    /// The ids in the row of `task`.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    #[inline]
    pub fn row(&self, task: TaskId) -> &[TaskId] {
        let index = task.index();
        &self.ids[self.offsets[index] as usize..self.offsets[index + 1] as usize]
    }

    /// The same edges reversed, with each row in ascending order. A counting sort in linear time.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut offsets = vec![0u32; self.offsets.len()];
        for id in &self.ids {
            offsets[id.index() + 1] += 1;
        }
        for index in 1..offsets.len() {
            offsets[index] += offsets[index - 1];
        }
        let mut next = offsets.clone();
        let mut ids = vec![TaskId(0); self.ids.len()];
        for from in 0..self.len() as u32 {
            for to in self.row(TaskId(from)) {
                let place = &mut next[to.index()];
                ids[*place as usize] = TaskId(from);
                *place += 1;
            }
        }
        Self {
            offsets: offsets.into(),
            ids: ids.into(),
        }
    }
}

/// Checks that these rows are a graph: predecessors come before their tasks, and successors mirror predecessors.
pub(super) fn check(predecessors: &Rows, successors: &Rows) -> Result<(), GraphError> {
    let task_count = predecessors.len();
    u32::try_from(task_count).map_err(|_| GraphError::TooLarge)?;
    if successors.len() != task_count {
        return Err(GraphError::NotMirrored {
            task: task_count.min(successors.len()) as u32,
        });
    }
    // Tasks are visited in ascending order. Each must be the next successor of each of its predecessors.
    let mut next = successors.offsets[..task_count].to_vec();
    for task in (0..task_count as u32).map(TaskId) {
        let row = predecessors.row(task);
        check_predecessors(task, row)?;
        for predecessor in row {
            let place = &mut next[predecessor.index()];
            if successors.ids.get(*place as usize) != Some(&task) {
                return Err(GraphError::NotMirrored {
                    task: predecessor.0,
                });
            }
            *place += 1;
        }
    }
    // A row that is not used up has a successor too many. A row that was left has taken ids of the row behind it.
    match next
        .iter()
        .zip(&successors.offsets[1..])
        .position(|(next, end)| next != end)
    {
        None => Ok(()),
        Some(task) => Err(GraphError::NotMirrored { task: task as u32 }),
    }
}

/// Checks that the predecessors of `task` come before it and that none is repeated.
pub(super) fn check_predecessors(task: TaskId, row: &[TaskId]) -> Result<(), GraphError> {
    // Patterns give ascending rows, whose last id is the largest. One pass without sorting is enough for them.
    if row.windows(2).all(|pair| pair[0] < pair[1]) && row.last().is_none_or(|last| *last < task) {
        return Ok(());
    }
    if let Some(predecessor) = row.iter().find(|one| **one >= task) {
        return Err(GraphError::NotBefore {
            task: task.0,
            predecessor: predecessor.0,
        });
    }
    match repeated(row) {
        None => Ok(()),
        Some(predecessor) => Err(GraphError::Repeated {
            task: task.0,
            predecessor: predecessor.0,
        }),
    }
}

/// An id that occurs twice in `ids`, if there is one.
fn repeated(ids: &[TaskId]) -> Option<TaskId> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    let mut pairs = sorted.windows(2);
    pairs.find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskGraph;

    fn rows(offsets: &[u32], ids: &[u32]) -> Result<Rows, GraphError> {
        Rows::new(offsets.into(), ids.iter().copied().map(TaskId).collect())
    }

    /// Offsets and ids.
    type Parts = (&'static [u32], &'static [u32]);

    /// A graph from its predecessors and successors.
    fn graph(predecessors: Parts, successors: Parts) -> Result<TaskGraph, GraphError> {
        let predecessors = rows(predecessors.0, predecessors.1)?;
        TaskGraph::from_rows(predecessors, rows(successors.0, successors.1)?)
    }

    /// Task 2 depends on task 1 and then on task 0.
    const JOIN: Parts = (&[0, 0, 0, 2], &[1, 0]);

    #[test]
    fn a_graph_is_made_from_rows_and_keeps_the_order_of_predecessors() {
        let graph = graph(JOIN, (&[0, 1, 2, 2], &[2, 2])).unwrap();
        assert_eq!(graph.predecessors(TaskId(2)), [TaskId(1), TaskId(0)]);
        assert_eq!(graph.successors(TaskId(0)), [TaskId(2)]);
        assert_eq!(graph.sources(), [TaskId(0), TaskId(1)]);
        let again = TaskGraph::from_rows(
            graph.predecessor_rows().clone(),
            graph.successor_rows().clone(),
        );
        assert_eq!(again, Ok(graph));
    }

    #[test]
    fn offsets_go_from_0_upward_to_the_number_of_ids() {
        for (offsets, index) in [([1, 1, 1], 0), ([0, 2, 1], 2), ([0, 0, 2], 2)] {
            let expected = GraphError::Offset {
                index,
                offset: offsets[index],
                id_count: 1,
            };
            assert_eq!(rows(&offsets, &[0]), Err(expected));
        }
    }

    #[test]
    fn predecessors_come_before_their_task_and_are_not_repeated() {
        let ahead = graph((&[0, 1, 1], &[1]), (&[0, 0, 1], &[0]));
        let expected = GraphError::NotBefore {
            task: 0,
            predecessor: 1,
        };
        assert_eq!(ahead, Err(expected));
        let twice = graph((&[0, 0, 2], &[0, 0]), (&[0, 2, 2], &[1, 1]));
        let expected = GraphError::Repeated {
            task: 1,
            predecessor: 0,
        };
        assert_eq!(twice, Err(expected));
    }

    #[test]
    fn successors_mirror_predecessors() {
        let wrong: [(Parts, u32); 6] = [
            // Not the task that depends on it.
            ((&[0, 1, 2, 2], &[1, 2]), 0),
            // Too few rows, and too many.
            ((&[0, 1, 2], &[2, 2]), 2),
            ((&[0, 1, 2, 2, 2], &[2, 2]), 3),
            // Too few successors, and too many.
            ((&[0, 0, 1, 1], &[2]), 0),
            ((&[0, 2, 3, 3], &[2, 2, 2]), 0),
            // All successors, but in the row of another task.
            ((&[0, 0, 1, 2], &[2, 2]), 0),
        ];
        for (successors, task) in wrong {
            let expected = GraphError::NotMirrored { task };
            assert_eq!(graph(JOIN, successors), Err(expected), "{successors:?}");
        }
        // Ascending, and not in another order.
        let fork = (&[0, 0, 1, 2][..], &[0, 0][..]);
        assert!(graph(fork, (&[0, 2, 2, 2], &[1, 2])).is_ok());
        let expected = GraphError::NotMirrored { task: 0 };
        assert_eq!(graph(fork, (&[0, 2, 2, 2], &[2, 1])), Err(expected));
    }
}
