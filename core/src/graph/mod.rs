//! The task graph: an immutable directed acyclic graph in compressed sparse rows.
//!
//! **Invariant.** Every predecessor of a task has a smaller id than the task. Walking the ids upward
//! is therefore a topological order, and a cycle cannot be expressed. [`TaskGraphBuilder`] is the only
//! way to make a graph, and it checks this for every edge.
//!
//! A radix-3 stencil takes 32 bytes a task here: two offsets and three ids in each direction, 4 bytes
//! each.

use std::fmt;

pub mod bound;
mod union;

pub use union::side_by_side;

/// The number of a task, counted from 0 in topological order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct TaskId(pub u32);

impl TaskId {
    /// The id as an index.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a graph could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// A task named a predecessor that does not come before it.
    #[error("task {task} depends on task {predecessor}, which does not come before it")]
    NotBefore {
        /// The task that was added.
        task: u32,
        /// The predecessor it named.
        predecessor: u32,
    },
    /// A task named the same predecessor twice.
    #[error("task {task} depends on task {predecessor} twice")]
    Repeated {
        /// The task that was added.
        task: u32,
        /// The predecessor it named twice.
        predecessor: u32,
    },
    /// More tasks or edges than 32-bit ids can number.
    #[error("a graph holds at most {} tasks and as many edges", u32::MAX)]
    TooLarge,
}

/// An immutable task graph. See the module for its invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskGraph {
    predecessors: Rows,
    successors: Rows,
    sources: Box<[TaskId]>,
    durations_ns: Option<Box<[u64]>>,
}

impl Default for TaskGraph {
    /// The graph without tasks.
    fn default() -> Self {
        TaskGraphBuilder::default().finish()
    }
}

impl TaskGraph {
    /// The same graph, with the nominal duration of each task in nanoseconds.
    ///
    /// # Panics
    ///
    /// When there are more or fewer durations than tasks.
    pub fn with_durations(self, durations_ns: Box<[u64]>) -> Self {
        assert_eq!(
            durations_ns.len(),
            self.task_count(),
            "one duration for each task"
        );
        Self {
            durations_ns: Some(durations_ns),
            ..self
        }
    }

    /// The nominal duration of each task in nanoseconds, if the graph states any.
    pub fn durations_ns(&self) -> Option<&[u64]> {
        self.durations_ns.as_deref()
    }

    /// How many tasks there are.
    #[inline]
    pub fn task_count(&self) -> usize {
        self.predecessors.len()
    }

    /// How many dependences there are.
    pub fn edge_count(&self) -> usize {
        self.predecessors.ids.len()
    }

    /// The tasks whose outputs `task` reads, in the order they were given.
    #[inline]
    pub fn predecessors(&self, task: TaskId) -> &[TaskId] {
        self.predecessors.row(task)
    }

    /// The tasks that read the output of `task`, in ascending order.
    #[inline]
    pub fn successors(&self, task: TaskId) -> &[TaskId] {
        self.successors.row(task)
    }

    /// The tasks that depend on nothing, in ascending order.
    pub fn sources(&self) -> &[TaskId] {
        &self.sources
    }

    /// All tasks in a topological order.
    pub fn tasks(&self) -> impl DoubleEndedIterator<Item = TaskId> + ExactSizeIterator + use<> {
        // The builder admits at most `u32::MAX` tasks.
        (0..self.task_count() as u32).map(TaskId)
    }

    /// For each task, the number of tasks on the longest path that ends just before it; 0 for sources.
    pub fn levels(&self) -> Vec<u32> {
        let mut levels = vec![0u32; self.task_count()];
        for task in self.tasks() {
            let before = self.predecessors(task).iter();
            levels[task.index()] = before.map(|p| levels[p.index()] + 1).max().unwrap_or(0);
        }
        levels
    }

    /// The same tasks, numbered from the last to the first, with each edge the other way round. It states no durations.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let last = self.task_count().saturating_sub(1) as u32;
        let mut builder = TaskGraphBuilder::with_capacity(self.task_count(), self.edge_count());
        for task in self.tasks().rev() {
            let successors = self.successors(task).iter().rev();
            let row = successors.map(|successor| TaskId(last - successor.0));
            builder
                .push(row)
                .expect("what came behind a task comes before it now");
        }
        builder.finish()
    }

    /// The bytes a graph of this size takes, without its sources.
    pub fn byte_len(task_count: u64, edge_count: u64) -> u64 {
        8u64.saturating_mul(task_count.saturating_add(edge_count))
    }
}

/// Rows of ids in compressed form: row `i` is `ids[offsets[i]..offsets[i + 1]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    offsets: Box<[u32]>,
    ids: Box<[TaskId]>,
}

impl Rows {
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
    #[expect(clippy::len_without_is_empty, reason = "nobody asks for no rows")]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many ids there are in all rows.
    #[inline]
    pub fn id_count(&self) -> usize {
        self.ids.len()
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

    /// The same edges the other way round, each row in ascending order. A counting sort: linear time.
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

/// Builds a [`TaskGraph`] one task at a time, in topological order.
///
/// ```
/// use taskdyno_core::graph::{TaskGraphBuilder, TaskId};
///
/// let mut builder = TaskGraphBuilder::default();
/// let a = builder.push([])?;
/// let b = builder.push([a])?;
/// let graph = builder.finish();
/// assert_eq!(graph.successors(a), [b]);
/// # Ok::<(), taskdyno_core::graph::GraphError>(())
/// ```
#[derive(Debug)]
pub struct TaskGraphBuilder {
    offsets: Vec<u32>,
    ids: Vec<TaskId>,
}

impl Default for TaskGraphBuilder {
    fn default() -> Self {
        Self::with_capacity(0, 0)
    }
}

impl TaskGraphBuilder {
    /// A builder with room for this many tasks and edges.
    pub fn with_capacity(task_count: usize, edge_count: usize) -> Self {
        let mut offsets = Vec::with_capacity(task_count + 1);
        offsets.push(0);
        Self {
            offsets,
            ids: Vec::with_capacity(edge_count),
        }
    }

    /// Adds a task that reads the outputs of `predecessors`, and returns its id.
    ///
    /// # Errors
    ///
    /// When a predecessor is not an earlier task, is named twice, or the graph grows past 32 bits.
    pub fn push(
        &mut self,
        predecessors: impl IntoIterator<Item = TaskId>,
    ) -> Result<TaskId, GraphError> {
        let start = self.ids.len();
        let added = self.append(predecessors, start);
        if added.is_err() {
            // The edges of a task that was refused must not become those of the next.
            self.ids.truncate(start);
        }
        added
    }

    fn append(
        &mut self,
        predecessors: impl IntoIterator<Item = TaskId>,
        start: usize,
    ) -> Result<TaskId, GraphError> {
        let task = TaskId(u32::try_from(self.offsets.len() - 1).map_err(|_| GraphError::TooLarge)?);
        for predecessor in predecessors {
            if predecessor >= task {
                return Err(GraphError::NotBefore {
                    task: task.0,
                    predecessor: predecessor.0,
                });
            }
            self.ids.push(predecessor);
        }
        if let Some(predecessor) = repeated(&self.ids[start..]) {
            return Err(GraphError::Repeated {
                task: task.0,
                predecessor: predecessor.0,
            });
        }
        let end = u32::try_from(self.ids.len()).map_err(|_| GraphError::TooLarge)?;
        if task.0 == u32::MAX {
            return Err(GraphError::TooLarge);
        }
        self.offsets.push(end);
        Ok(task)
    }

    /// The finished graph.
    pub fn finish(self) -> TaskGraph {
        let predecessors = Rows {
            offsets: self.offsets.into(),
            ids: self.ids.into(),
        };
        let successors = predecessors.reversed();
        let sources = (0..predecessors.len() as u32)
            .map(TaskId)
            .filter(|task| predecessors.row(*task).is_empty())
            .collect();
        TaskGraph {
            predecessors,
            successors,
            sources,
            durations_ns: None,
        }
    }
}

/// An id that stands twice in `ids`, if there is one.
fn repeated(ids: &[TaskId]) -> Option<TaskId> {
    // Patterns give ascending rows, which one pass settles without sorting.
    if ids.windows(2).all(|pair| pair[0] < pair[1]) {
        return None;
    }
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted
        .windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diamond() -> TaskGraph {
        let mut builder = TaskGraphBuilder::default();
        let top = builder.push([]).unwrap();
        let left = builder.push([top]).unwrap();
        let right = builder.push([top]).unwrap();
        builder.push([left, right]).unwrap();
        builder.finish()
    }

    #[test]
    fn knows_both_directions() {
        let graph = diamond();
        assert_eq!((graph.task_count(), graph.edge_count()), (4, 4));
        assert_eq!(graph.predecessors(TaskId(3)), [TaskId(1), TaskId(2)]);
        assert_eq!(graph.successors(TaskId(0)), [TaskId(1), TaskId(2)]);
        assert_eq!(graph.sources(), [TaskId(0)]);
        assert_eq!(graph.levels(), [0, 1, 1, 2]);
    }

    #[test]
    fn may_be_empty() {
        let graph = TaskGraphBuilder::default().finish();
        assert_eq!((graph.task_count(), graph.edge_count()), (0, 0));
        assert!(graph.sources().is_empty());
    }

    #[test]
    fn refuses_an_edge_that_does_not_point_back() {
        let mut builder = TaskGraphBuilder::default();
        let error = builder.push([TaskId(0)]).unwrap_err();
        let expected = GraphError::NotBefore {
            task: 0,
            predecessor: 0,
        };
        assert_eq!(error, expected);
    }

    #[test]
    fn refuses_an_edge_given_twice() {
        let mut builder = TaskGraphBuilder::default();
        let a = builder.push([]).unwrap();
        let b = builder.push([]).unwrap();
        let expected = GraphError::Repeated {
            task: 2,
            predecessor: 0,
        };
        assert_eq!(builder.push([a, b, a]).unwrap_err(), expected);
    }

    #[test]
    fn a_task_that_was_refused_leaves_no_edges() {
        let mut builder = TaskGraphBuilder::default();
        let a = builder.push([]).unwrap();
        builder.push([a, TaskId(9)]).unwrap_err();
        let b = builder.push([]).unwrap();
        let graph = builder.finish();
        assert_eq!((graph.task_count(), graph.edge_count()), (2, 0));
        assert!(graph.predecessors(b).is_empty());
    }
}
