//! A kernel around another one. The methods of [`Kernel`] are forwarded here and nowhere else.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::graph::TaskId;
use crate::kernel::{Awaited, Findings, Kernel};
use crate::latency::Histogram;
use crate::recursion::RecursiveProgram;

/// What is done before and after the tasks of another kernel.
pub(super) trait Wrapper: Send + Sync {
    /// Runs `task`, whose work is `work`, and returns its output.
    fn run(&self, task: TaskId, work: impl FnOnce() -> u64) -> u64;

    /// Begins a task whose waiting may be awaited.
    fn begin_wait(&self, task: TaskId) {
        let _ = task;
    }

    /// Ends a task whose waiting was awaited.
    fn end_wait(&self, task: TaskId) {
        let _ = task;
    }
}

/// `kernel` with `wrapper` around its tasks.
pub(super) struct Wrapped<W> {
    pub(super) kernel: Box<dyn Kernel>,
    pub(super) wrapper: W,
}

// A method that is not forwarded would silently use its default, so the compiler refuses to leave one out.
#[deny(clippy::missing_trait_methods)]
impl<W: Wrapper> Kernel for Wrapped<W> {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        self.wrapper.run(task, || self.kernel.run(task, seed))
    }

    /// Async backends call this right after the waiting that they awaited.
    fn expected(&self, task: TaskId, seed: u64) -> u64 {
        self.wrapper.end_wait(task);
        self.kernel.expected(task, seed)
    }

    fn wait(&self, task: TaskId) -> Option<Duration> {
        let wait = self.kernel.wait(task);
        if wait.is_some() || self.kernel.is_awaited() {
            self.wrapper.begin_wait(task);
        }
        wait
    }

    fn is_awaited(&self) -> bool {
        self.kernel.is_awaited()
    }

    fn awaited(&self, task: TaskId, seed: u64) -> Awaited<'_> {
        // `wait` has begun the wait.
        let work = self.kernel.awaited(task, seed);
        Box::pin(async move {
            let value = work.await;
            self.wrapper.end_wait(task);
            value
        })
    }

    fn awaits_descriptors(&self) -> bool {
        self.kernel.awaits_descriptors()
    }

    fn has_parties(&self) -> bool {
        self.kernel.has_parties()
    }

    fn recursion(&self) -> Option<&RecursiveProgram> {
        self.kernel.recursion()
    }

    fn halt(&self) {
        self.kernel.halt();
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

    fn file_system(&self) -> Option<&str> {
        self.kernel.file_system()
    }

    fn record_latencies(&self, on: bool) {
        self.kernel.record_latencies(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        self.kernel.take_latencies()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;
    use crate::recursion::TreeSum;
    use crate::sync::at_once;

    /// Does nothing around a task.
    struct Nothing;

    impl Wrapper for Nothing {
        fn run(&self, _: TaskId, work: impl FnOnce() -> u64) -> u64 {
            work()
        }
    }

    static PROGRAM: RecursiveProgram = RecursiveProgram::TreeSum(TreeSum { levels: 1 });

    /// Answers every question differently from its default.
    #[derive(Default)]
    struct Unusual {
        reset_count: AtomicU64,
        is_recording: AtomicBool,
    }

    #[deny(clippy::missing_trait_methods)]
    impl Kernel for Unusual {
        fn run(&self, task: TaskId, seed: u64) -> u64 {
            u64::from(task.0) + seed
        }

        fn expected(&self, task: TaskId, seed: u64) -> u64 {
            u64::from(task.0) * seed
        }

        fn wait(&self, task: TaskId) -> Option<Duration> {
            Some(Duration::from_secs(task.0.into()))
        }

        fn is_awaited(&self) -> bool {
            true
        }

        fn awaited(&self, task: TaskId, seed: u64) -> Awaited<'_> {
            Box::pin(std::future::ready(u64::from(task.0) + 2 * seed))
        }

        fn awaits_descriptors(&self) -> bool {
            true
        }

        fn has_parties(&self) -> bool {
            true
        }

        fn recursion(&self) -> Option<&RecursiveProgram> {
            Some(&PROGRAM)
        }

        fn halt(&self) {
            self.reset();
        }

        fn duration(&self, task: TaskId) -> Option<Duration> {
            Some(Duration::from_millis(task.0.into()))
        }

        fn is_duration_kept(&self) -> bool {
            false
        }

        fn reset(&self) {
            // Relaxed: one thread counts and reads.
            self.reset_count.fetch_add(1, Ordering::Relaxed);
        }

        fn verify(&self, task_run_count: u64) -> Result<Findings, String> {
            // Relaxed: as in `reset`.
            let reset_count = self.reset_count.load(Ordering::Relaxed);
            Err(format!("{task_run_count} task runs, {reset_count} resets"))
        }

        fn file_system(&self) -> Option<&str> {
            Some("any")
        }

        fn record_latencies(&self, on: bool) {
            // Relaxed: as in `reset`.
            self.is_recording.store(on, Ordering::Relaxed);
        }

        fn take_latencies(&self) -> BTreeMap<String, Histogram> {
            // Relaxed: as in `reset`.
            let is_recording = self.is_recording.load(Ordering::Relaxed);
            BTreeMap::from([(format!("recording: {is_recording}"), Histogram::default())])
        }
    }

    #[test]
    fn a_wrapped_kernel_answers_as_the_kernel_does() {
        let wrapped = Wrapped {
            kernel: Box::<Unusual>::default(),
            wrapper: Nothing,
        };
        let task = TaskId(3);
        assert_eq!(wrapped.run(task, 7), 10);
        assert_eq!(wrapped.expected(task, 7), 21);
        assert_eq!(wrapped.wait(task), Some(Duration::from_secs(3)));
        assert_eq!(wrapped.duration(task), Some(Duration::from_millis(3)));
        assert!(!wrapped.is_duration_kept());
        assert!(wrapped.is_awaited());
        assert_eq!(at_once(wrapped.awaited(task, 7)), 17);
        assert!(wrapped.awaits_descriptors());
        assert!(wrapped.has_parties());
        assert!(wrapped.recursion().is_some());
        wrapped.reset();
        wrapped.halt();
        let verdict = wrapped.verify(5);
        assert_eq!(verdict, Err("5 task runs, 2 resets".into()));
        assert_eq!(wrapped.file_system(), Some("any"));
        wrapped.record_latencies(true);
        assert!(wrapped.take_latencies().contains_key("recording: true"));
    }
}
