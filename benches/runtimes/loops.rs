//! Runtimes with one event loop per thread, driven by hand: each task is spawned on the loop of its column of the stencil.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use async_channel::{Receiver, Sender, bounded, unbounded};
use taskdyno_core::execute::Job;
use taskdyno_core::graph::TaskId;

use crate::by_hand::IN_ORDER;
use crate::prepare::worker_count;

/// A run on event loops.
struct Looped {
    job: Arc<Job>,
    width: usize,
    inboxes: Vec<Sender<TaskId>>,
    /// Tasks of the last step that have not finished.
    last_remaining: AtomicUsize,
    over: Sender<()>,
}

impl Looped {
    /// The first columns belong to the first worker, and so on.
    fn owner(&self, task: TaskId) -> usize {
        task.index() % self.width * self.inboxes.len() / self.width
    }

    fn visit(&self, index: usize, task: TaskId, spawn: impl Fn(TaskId)) {
        let ready = |ready| match self.owner(ready) {
            owner if owner == index => spawn(ready),
            owner => self.send(owner, ready),
        };
        self.job.execute(task, ready).expect(IN_ORDER);
        // AcqRel: the last decrement hands on what every task wrote.
        if self.job.graph().successors(task).is_empty()
            && self.last_remaining.fetch_sub(1, Ordering::AcqRel) == 1
        {
            self.over.try_send(()).expect("one end per run");
        }
    }

    fn send(&self, owner: usize, task: TaskId) {
        let sent = self.inboxes[owner].try_send(task);
        sent.expect("the loops never end");
    }
}

/// Starts one thread per worker, which `serve` the tasks that are sent to it, and returns what makes one run. The threads
/// never end.
fn looped(job: Arc<Job>, serve: fn(Arc<Looped>, usize, Receiver<TaskId>)) -> impl Fn() {
    let (over, is_over) = bounded(1);
    let (inboxes, tasks): (Vec<_>, Vec<_>) = (0..worker_count()).map(|_| unbounded()).unzip();
    let run = Arc::new(Looped {
        width: job.graph().sources().len(),
        job,
        inboxes,
        last_remaining: AtomicUsize::new(0),
        over,
    });
    for (index, tasks) in tasks.into_iter().enumerate() {
        let run = Arc::clone(&run);
        thread::spawn(move || serve(run, index, tasks));
    }
    move || {
        // Relaxed: sending releases it.
        run.last_remaining.store(run.width, Ordering::Relaxed);
        for &source in run.job.graph().sources() {
            run.send(run.owner(source), source);
        }
        is_over.recv_blocking().expect("the run ends");
    }
}

pub(crate) fn monoio(job: Arc<Job>) -> impl Fn() {
    fn spawn(run: Arc<Looped>, index: usize, task: TaskId) {
        drop(monoio::spawn(async move {
            run.visit(index, task, |ready| spawn(Arc::clone(&run), index, ready));
        }));
    }
    looped(job, |run, index, tasks| {
        let builder = monoio::RuntimeBuilder::<monoio::IoUringDriver>::new();
        let mut runtime = builder.build().expect("the system allows io_uring");
        runtime.block_on(async move {
            while let Ok(task) = tasks.recv().await {
                spawn(Arc::clone(&run), index, task);
            }
        });
    })
}

pub(crate) fn glommio(job: Arc<Job>) -> impl Fn() {
    fn spawn(run: Arc<Looped>, index: usize, task: TaskId) {
        let visit = async move {
            run.visit(index, task, |ready| spawn(Arc::clone(&run), index, ready));
        };
        glommio::spawn_local(visit).detach();
    }
    looped(job, |run, index, tasks| {
        let builder = glommio::LocalExecutorBuilder::default().io_memory(64 << 10);
        let executor = builder.make().expect("the system allows io_uring");
        executor.run(async move {
            while let Ok(task) = tasks.recv().await {
                spawn(Arc::clone(&run), index, task);
            }
        });
    })
}
