//! Where kernels run.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::graph::TaskGraph;
use crate::kernel::Sharing;
use crate::sync::WaitTable;

/// Where the tasks of a kernel are to run, as far as it is known before anything is built.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Venue<'a> {
    /// The name of the backend.
    pub backend: &'a str,
    /// The number of tasks.
    pub task_count: u64,
    /// Whether the workers share one address space.
    pub sharing: Sharing,
    /// Whether a task that waits can be awaited, so that it occupies no worker.
    pub is_async: bool,
    /// The async runtime whose timers and primitives a task can await, if there is one.
    pub runtime: Option<&'a str>,
    /// The number of workers.
    pub worker_count: usize,
    /// How many tasks that wait can be in progress at once; `None` if there is no limit.
    pub parallelism: Option<usize>,
    /// Why tasks that only wait for a time cannot run; `None` if they can.
    pub why_not_wait: Option<&'a str>,
    /// Whether the backend supports only this number of workers.
    pub is_fixed: bool,
    /// Whether another program runs the tasks, with primitives of its own.
    pub is_external: bool,
}

impl<'a> Venue<'a> {
    /// A venue of threads for `task_count` tasks on `worker_count` workers of `backend`, each of which runs one task at a
    /// time.
    pub fn new(backend: &'a str, task_count: u64, worker_count: usize) -> Self {
        Self {
            backend,
            task_count,
            sharing: Sharing::Threads,
            is_async: false,
            runtime: None,
            worker_count,
            parallelism: Some(worker_count),
            why_not_wait: None,
            is_fixed: false,
            is_external: false,
        }
    }

    /// Checks that tasks that only wait for a time can run.
    ///
    /// # Errors
    ///
    /// Why they cannot.
    pub fn lets_wait(&self) -> Result<(), String> {
        match self.why_not_wait {
            Some(reason) => Err(format!("no task can wait on `{}`: {reason}", self.backend)),
            None => Ok(()),
        }
    }

    /// Checks that `party_count` tasks, which wait for each other, can be in progress at once.
    ///
    /// # Errors
    ///
    /// Why they cannot, and what to do about it.
    pub fn holds(&self, party_count: u64) -> Result<(), String> {
        let Some(most) = self.parallelism.filter(|most| (*most as u64) < party_count) else {
            return Ok(());
        };
        let parties = format!("{party_count} tasks wait for each other");
        Err(match (self.is_fixed, self.worker_count) {
            (true, _) => format!("{parties}, and `{}` runs {most} at once", self.backend),
            (false, 1) => format!(
                "{parties}, and one worker runs {most} at once: use --workers {party_count}"
            ),
            (false, workers) => format!(
                "{parties}, and {workers} workers run {most} at once: use --workers {party_count}"
            ),
        })
    }
}

/// Where a kernel will run.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Setting<'a> {
    /// The graph of its tasks.
    pub graph: &'a TaskGraph,
    /// Whether the workers share one address space.
    pub sharing: Sharing,
    /// How many workers there are.
    pub worker_count: usize,
    /// Whether tasks can be awaited: whether the backend calls [`Kernel::awaited`](crate::kernel::Kernel::awaited).
    pub is_async: bool,
    /// The async runtime whose timers and primitives a task can await, if there is one.
    pub runtime: Option<&'a str>,
    /// Where tasks that wait for each other say what they wait for; `None` for a table of the kernel's own.
    pub waits: Option<&'a Arc<WaitTable>>,
    /// The program that a kernel starts if it needs another process: one whose `main` is that of the harness. `None` for
    /// the running program.
    pub helper: Option<&'a Path>,
}

impl<'a> Setting<'a> {
    /// The setting of a kernel for the tasks of `graph`, on `worker_count` workers.
    pub fn new(graph: &'a TaskGraph, sharing: Sharing, worker_count: usize) -> Self {
        Self {
            graph,
            sharing,
            worker_count,
            is_async: false,
            runtime: None,
            waits: None,
            helper: None,
        }
    }

    /// The table in which tasks say what they wait for: the given one, or a new one.
    ///
    /// # Errors
    ///
    /// If the system refuses the pages.
    pub fn wait_table(&self) -> io::Result<Arc<WaitTable>> {
        match self.waits {
            Some(table) => Ok(Arc::clone(table)),
            None => Ok(Arc::new(WaitTable::new(self.graph.task_count())?)),
        }
    }
}
