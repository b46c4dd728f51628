use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Findings, Kernel};
use crate::graph::TaskId;
use crate::memory::SharedSlice;

/// `kernel` with a clock around every task. It costs two clock reads a task: for runs of their own, which
/// are not the timed ones.
///
/// # Errors
///
/// When the system refuses the shared pages.
pub fn traced(
    kernel: Box<dyn Kernel>,
    task_count: usize,
) -> io::Result<(Box<dyn Kernel>, Arc<TaskTimes>)> {
    let times = Arc::new(TaskTimes {
        origin: Instant::now(),
        starts: SharedSlice::new(task_count)?,
        durations: SharedSlice::new(task_count)?,
    });
    let traced = Traced {
        kernel,
        times: Arc::clone(&times),
    };
    Ok((Box::new(traced), times))
}

/// How long each task took when it last ran, in pages that worker processes share.
pub struct TaskTimes {
    /// What `starts` count from. The clock is the same in all processes of a machine.
    origin: Instant,
    starts: SharedSlice<AtomicU64>,
    durations: SharedSlice<AtomicU64>,
}

impl TaskTimes {
    /// How long each task took when it last ran, in nanoseconds; 0 for one that never has. Nothing may be
    /// running.
    pub fn durations_ns(&self) -> Vec<u64> {
        // Relaxed: the end of the run ordered all of them before this.
        let load = |one: &AtomicU64| one.load(Ordering::Relaxed);
        self.durations.iter().map(load).collect()
    }

    fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    fn start(&self, task: TaskId) {
        // Relaxed: only the worker that runs the task, or those it is handed to, touch its words.
        self.starts[task.index()].store(self.now(), Ordering::Relaxed);
    }

    fn end(&self, task: TaskId) {
        let start = self.starts[task.index()].load(Ordering::Relaxed);
        // Relaxed: as in `start`.
        self.durations[task.index()].store(self.now() - start, Ordering::Relaxed);
    }
}

struct Traced {
    kernel: Box<dyn Kernel>,
    times: Arc<TaskTimes>,
}

impl Kernel for Traced {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        self.times.start(task);
        let output = self.kernel.run(task, seed);
        self.times.end(task);
        output
    }

    /// Ends a task whose waiting was awaited: async backends call this right after it.
    fn expected(&self, task: TaskId, seed: u64) -> u64 {
        self.times.end(task);
        self.kernel.expected(task, seed)
    }

    /// Begins a task whose waiting is going to be awaited.
    fn wait(&self, task: TaskId) -> Option<Duration> {
        self.times.start(task);
        self.kernel.wait(task)
    }

    fn duration(&self, task: TaskId) -> Option<Duration> {
        self.kernel.duration(task)
    }

    fn is_duration_kept(&self) -> bool {
        self.kernel.is_duration_kept()
    }

    fn reset(&self) {
        self.kernel.reset();
    }

    fn verify(&self, task_run_count: u64) -> Result<Findings, String> {
        self.kernel.verify(task_run_count)
    }
}

#[cfg(test)]
mod tests {
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
