use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::wrapper::{Wrapped, Wrapper};
use crate::graph::TaskId;
use crate::kernel::Kernel;
use crate::memory::SharedSlice;

/// `kernel` with a clock around every task. It adds two clock reads per task, so it is used in separate runs that
/// are not the timed ones.
///
/// # Errors
///
/// If the system refuses the shared pages.
pub fn traced(
    kernel: Box<dyn Kernel>,
    task_count: usize,
) -> io::Result<(Box<dyn Kernel>, Arc<TaskTimes>)> {
    let times = Arc::new(TaskTimes {
        origin: Instant::now(),
        starts: SharedSlice::new(task_count)?,
        durations: SharedSlice::new(task_count)?,
    });
    let traced = Wrapped {
        kernel,
        wrapper: Clock(Arc::clone(&times)),
    };
    Ok((Box::new(traced), times))
}

/// How long each task took in its last run, in pages that worker processes share.
pub struct TaskTimes {
    /// The time from which `starts` count. All processes of a machine have the same clock.
    origin: Instant,
    starts: SharedSlice<AtomicU64>,
    durations: SharedSlice<AtomicU64>,
}

impl TaskTimes {
    /// How long each task took in its last run, in nanoseconds; 0 for a task that never ran. Nothing may be running.
    pub fn durations_ns(&self) -> Vec<u64> {
        // Relaxed: the end of the run ordered all stores before this.
        let load = |one: &AtomicU64| one.load(Ordering::Relaxed);
        self.durations.iter().map(load).collect()
    }

    fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    fn start(&self, task: TaskId) {
        // Relaxed: only the worker that runs the task accesses its words. If a task moves between workers, the
        // runtime orders the accesses.
        self.starts[task.index()].store(self.now(), Ordering::Relaxed);
    }

    fn end(&self, task: TaskId) {
        let start = self.starts[task.index()].load(Ordering::Relaxed);
        // Relaxed: as in `start`.
        self.durations[task.index()].store(self.now() - start, Ordering::Relaxed);
    }
}

/// A clock around every task.
struct Clock(Arc<TaskTimes>);

impl Wrapper for Clock {
    fn run(&self, task: TaskId, work: impl FnOnce() -> u64) -> u64 {
        self.0.start(task);
        let output = work();
        self.0.end(task);
        output
    }

    fn begin_wait(&self, task: TaskId) {
        self.0.start(task);
    }

    fn end_wait(&self, task: TaskId) {
        self.0.end(task);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Waits;

    impl Kernel for Waits {
        fn run(&self, _: TaskId, seed: u64) -> u64 {
            std::thread::sleep(Duration::from_millis(2));
            seed
        }

        fn expected(&self, _: TaskId, seed: u64) -> u64 {
            seed
        }

        fn wait(&self, _: TaskId) -> Option<Duration> {
            Some(Duration::from_millis(2))
        }
    }

    #[test]
    fn each_task_is_timed_whether_it_blocks_or_is_awaited() {
        let (kernel, times) = traced(Box::new(Waits), 3).unwrap();
        assert_eq!(kernel.run(TaskId(0), 7), 7);
        let wait = kernel.wait(TaskId(1)).unwrap();
        std::thread::sleep(wait);
        assert_eq!(kernel.expected(TaskId(1), 8), 8);
        let durations = times.durations_ns();
        assert!(durations[0] >= 2_000_000, "{durations:?}");
        assert!(durations[1] >= 2_000_000, "{durations:?}");
        assert_eq!(durations[2], 0);
    }
}
