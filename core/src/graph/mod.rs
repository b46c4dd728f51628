//! The task graph: an immutable directed acyclic graph in compressed sparse rows.
//!
//! **Invariant.** Every predecessor of a task has a smaller id than the task. Going through the ids upward is
//! therefore a topological order, and a cycle cannot be expressed. [`TaskGraphBuilder`] and [`TaskGraph::from_rows`] are
//! the only ways to make a graph, and both check this for every edge.
//!
//! A radix-3 stencil takes 32 bytes per task: two offsets and three ids in each direction, 4 bytes each.

use std::fmt;

pub mod bound;
mod rows;
mod union;

pub use rows::Rows;
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
        /// The predecessor that it named.
        predecessor: u32,
    },
    /// A task named the same predecessor twice.
    #[error("task {task} depends on task {predecessor} twice")]
    Repeated {
        /// The task that was added.
        task: u32,
        /// The predecessor that it named twice.
        predecessor: u32,
    },
    /// The offset of a row lies before the offset of the row before it, or the first is not 0, or the last is not the
    /// number of ids.
    #[error(
        "the offsets of rows go from 0 up to the number of ids, {id_count}; offset {index} is {offset}"
    )]
    Offset {
        /// The number of the wrong offset, from 0.
        index: usize,
        /// The wrong offset.
        offset: u32,
        /// The number of ids in all rows.
        id_count: usize,
    },
    /// The row of successors of a task does not hold exactly the tasks that name it as a predecessor.
    #[error(
        "the successors of task {task} are not the tasks that depend on it, in ascending order"
    )]
    NotMirrored {
        /// The task whose successors are wrong.
        task: u32,
    },
    /// The graph has more tasks or edges than 32-bit ids can number.
    #[error("a graph holds at most {} tasks and as many edges", u32::MAX)]
    TooLarge,
}

/// An immutable task graph. The module's documentation states its invariant.
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
    /// The graph with these rows, one per task in both directions. Nothing is trusted: both are checked in linear time,
    /// if the predecessors of each task ascend.
    ///
    /// # Errors
    ///
    /// If a predecessor does not come before its task or is named twice, or if the successors of a task are not exactly
    /// the tasks that depend on it, in ascending order.
    pub fn from_rows(predecessors: Rows, successors: Rows) -> Result<Self, GraphError> {
        rows::check(&predecessors, &successors)?;
        Ok(Self::from_checked(predecessors, successors))
    }

    fn from_checked(predecessors: Rows, successors: Rows) -> Self {
        let sources = (0..predecessors.len() as u32)
            .map(TaskId)
            .filter(|task| predecessors.row(*task).is_empty())
            .collect();
        Self {
            predecessors,
            successors,
            sources,
            durations_ns: None,
        }
    }

    /// The same graph, with the nominal duration of each task in nanoseconds.
    ///
    /// # Panics
    ///
    /// If the number of durations is not the number of tasks.
    pub fn with_durations(self, durations_ns: Box<[u64]>) -> Self {
        assert_eq!(
            durations_ns.len(),
            self.task_count(),
            "one duration per task"
        );
        Self {
            durations_ns: Some(durations_ns),
            ..self
        }
    }

    /// The nominal duration of each task in nanoseconds; `None` if the graph states none.
    pub fn durations_ns(&self) -> Option<&[u64]> {
        self.durations_ns.as_deref()
    }

    /// The number of tasks.
    #[inline]
    pub fn task_count(&self) -> usize {
        self.predecessors.len()
    }

    /// The number of dependences.
    pub fn edge_count(&self) -> usize {
        self.predecessors.id_count()
    }

    /// The tasks whose outputs `task` reads, in the order in which they were given.
    #[inline]
    pub fn predecessors(&self, task: TaskId) -> &[TaskId] {
        self.predecessors.row(task)
    }

    /// The tasks that read the output of `task`, in ascending order.
    #[inline]
    pub fn successors(&self, task: TaskId) -> &[TaskId] {
        self.successors.row(task)
    }

    /// The predecessors of all tasks, one row per task.
    pub fn predecessor_rows(&self) -> &Rows {
        &self.predecessors
    }

    /// The successors of all tasks, one row per task.
    pub fn successor_rows(&self) -> &Rows {
        &self.successors
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

    /// The same tasks, numbered from the last to the first, with every edge reversed. The result states no
    /// durations.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let last = self.task_count().saturating_sub(1) as u32;
        let mut builder = TaskGraphBuilder::with_capacity(self.task_count(), self.edge_count());
        for task in self.tasks().rev() {
            let successors = self.successors(task).iter().rev();
            let row = successors.map(|successor| TaskId(last - successor.0));
            builder
                .push(row)
                .expect("the successors of a task now come before it");
        }
        builder.finish()
    }

    /// The bytes that a graph of this size takes, without the list of its sources.
    pub fn byte_len(task_count: u64, edge_count: u64) -> u64 {
        8u64.saturating_mul(task_count.saturating_add(edge_count))
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
    /// A builder with capacity for this many tasks and edges.
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
    /// If a predecessor is not an earlier task or is named twice, or if the graph has too many tasks or edges for
    /// 32-bit ids.
    pub fn push(
        &mut self,
        predecessors: impl IntoIterator<Item = TaskId>,
    ) -> Result<TaskId, GraphError> {
        let start = self.ids.len();
        let added = self.append(predecessors, start);
        if added.is_err() {
            // The edges of a refused task must not become edges of the next task.
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
        self.ids.extend(predecessors);
        rows::check_predecessors(task, &self.ids[start..])?;
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
        TaskGraph::from_checked(predecessors, successors)
    }
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
