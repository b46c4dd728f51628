//! A loop over a primitive beside a loop over the bare one, by one worker or by two at once.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use taskdyno_core::graph::TaskId;
use tokio::runtime::{Builder, Runtime};

use crate::channels::row;
use crate::table::{Effort, Row, nanoseconds, rounds};

/// How often each worker uses the primitive.
const TURNS: u64 = 200_000;

/// How many workers use a primitive, and how often.
#[derive(Clone, Copy)]
pub(crate) struct Contest {
    pub(crate) worker_count: u32,
    /// By each worker.
    pub(crate) turns: u64,
    effort: Effort,
}

/// What an async task does.
pub(crate) type Task = Pin<Box<dyn Future<Output = u64> + Send>>;

impl Contest {
    pub(crate) fn new(worker_count: u32, effort: Effort) -> Self {
        Self {
            worker_count,
            turns: TURNS / effort.shrink,
            effort,
        }
    }

    /// Both loops on threads, per turn.
    pub(crate) fn on_threads(
        self,
        primitive: &str,
        what_is_bare: &str,
        ours: impl Fn(TaskId) + Sync,
        bare: impl Fn(TaskId) + Sync,
    ) -> Row {
        let count = self.worker_count;
        let workers = match count {
            1 => "one thread",
            _ => "two threads",
        };
        self.compared(
            format!("{primitive}, {workers}, over {what_is_bare}"),
            || by_threads(count, &ours),
            || by_threads(count, &bare),
        )
    }

    /// Both loops as tasks of tokio, on as many workers, per turn.
    pub(crate) fn on_tokio(
        self,
        primitive: &str,
        what_is_bare: &str,
        ours: impl Fn(TaskId) -> Task,
        bare: impl Fn(TaskId) -> Task,
    ) -> Row {
        let count = self.worker_count;
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(count as usize).build();
        let runtime = runtime.expect("the system has what it needs");
        let workers = match count {
            1 => "one task",
            _ => "two tasks",
        };
        self.compared(
            format!("{primitive}, {workers}, over {what_is_bare}"),
            || by_tasks(&runtime, count, &ours),
            || by_tasks(&runtime, count, &bare),
        )
    }

    fn compared(self, what: String, ours: impl Fn(), bare: impl Fn()) -> Row {
        let all = (self.turns * u64::from(self.worker_count)) as f64;
        let rounds = rounds(
            self.effort,
            || nanoseconds(&ours) / all,
            || nanoseconds(&bare) / all,
        );
        row(what, &rounds)
    }
}

/// Runs `body` on this thread, and on others if there are to be more.
fn by_threads(thread_count: u32, body: &(impl Fn(TaskId) + Sync)) {
    thread::scope(|scope| {
        for index in 1..thread_count {
            scope.spawn(move || body(TaskId(index)));
        }
        body(TaskId(0));
    });
}

fn by_tasks(runtime: &Runtime, task_count: u32, body: &impl Fn(TaskId) -> Task) {
    runtime.block_on(async {
        let tasks = (0..task_count).map(|index| tokio::spawn(body(TaskId(index))));
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("nothing panics");
        }
    });
}

/// What is done under a lock or with a permit. Relaxed: the lock orders it.
pub(crate) fn increment(value: &AtomicU64) {
    let found = value.load(Ordering::Relaxed);
    value.store(found + 1, Ordering::Relaxed);
}
