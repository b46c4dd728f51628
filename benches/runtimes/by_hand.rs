//! Each runtime as its documentation teaches, for this one job: the same checked tasks, but no choice of backend, no
//! pinning, no awaited tasks, and a panic on failure. Each function returns what makes one run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use async_channel::{Receiver, Sender, bounded};
use async_executor::Executor;
use bevy_tasks::{Scope, TaskPool};
use futures_lite::future::block_on;
use rayon::prelude::*;
use taskdyno_core::execute::Job;
use taskdyno_core::graph::TaskId;
use threadpool::ThreadPool;

use crate::prepare::worker_count;

pub(crate) const IN_ORDER: &str = "a task that was made ready can run";

/// One parallel iterator per level.
pub(crate) fn rayon_levels(pool: &rayon::ThreadPool, job: Arc<Job>) -> impl Fn() {
    let graph = job.graph();
    let levels = graph.levels();
    let last = levels.iter().max().copied().unwrap_or(0);
    let of_level = |level| {
        let tasks = graph.tasks().filter(|task| levels[task.index()] == level);
        tasks.collect::<Vec<TaskId>>()
    };
    // A stencil has its levels one after the other, so this need not be quick.
    let levels: Vec<_> = (0..=last).map(of_level).collect();
    move || {
        pool.install(|| {
            for level in &levels {
                level
                    .par_iter()
                    .for_each(|task| job.run(*task).expect(IN_ORDER));
            }
        });
    }
}

/// One `execute` for each task that becomes ready.
pub(crate) fn threadpool(pool: &ThreadPool, job: Arc<Job>) -> impl Fn() {
    fn execute(pool: &ThreadPool, job: Arc<Job>, task: TaskId) {
        let own = pool.clone();
        pool.execute(move || {
            job.execute(task, |ready| execute(&own, Arc::clone(&job), ready))
                .expect(IN_ORDER);
        });
    }
    move || {
        for &source in job.graph().sources() {
            execute(pool, Arc::clone(&job), source);
        }
        pool.join();
    }
}

/// One scope, and one spawn for each task that becomes ready.
pub(crate) fn bevy_tasks(pool: &TaskPool, job: Arc<Job>) -> impl Fn() {
    fn execute<'scope>(job: &'scope Job, scope: &'scope Scope<'scope, '_, ()>, task: TaskId) {
        job.execute(task, |ready| {
            scope.spawn(async move { execute(job, scope, ready) });
        })
        .expect(IN_ORDER);
    }
    move || {
        let job: &Job = &job;
        pool.scope(|scope| {
            for &source in job.graph().sources() {
                scope.spawn(async move { execute(job, scope, source) });
            }
        });
    }
}

/// A run whose tasks are spawned one by one. The tasks without dependents signal its end.
struct Spawned {
    job: Arc<Job>,
    last_count: usize,
    last_remaining: AtomicUsize,
    over: Sender<()>,
}

impl Spawned {
    fn new(job: Arc<Job>) -> (Arc<Self>, Receiver<()>) {
        let (over, is_over) = bounded(1);
        let graph = job.graph();
        let is_last = |task: &TaskId| graph.successors(*task).is_empty();
        let run = Self {
            last_count: graph.tasks().filter(is_last).count(),
            last_remaining: AtomicUsize::new(0),
            over,
            job,
        };
        (Arc::new(run), is_over)
    }

    fn begin(self: &Arc<Self>, spawn: impl Fn(Arc<Self>, TaskId)) {
        // Relaxed: spawning releases it.
        self.last_remaining
            .store(self.last_count, Ordering::Relaxed);
        for &source in self.job.graph().sources() {
            spawn(Arc::clone(self), source);
        }
    }

    fn visit(self: &Arc<Self>, task: TaskId, spawn: impl Fn(Arc<Self>, TaskId)) {
        let ready = |ready| spawn(Arc::clone(self), ready);
        self.job.execute(task, ready).expect(IN_ORDER);
        // AcqRel: the last decrement hands on what every task wrote.
        if self.job.graph().successors(task).is_empty()
            && self.last_remaining.fetch_sub(1, Ordering::AcqRel) == 1
        {
            self.over.try_send(()).expect("one end per run");
        }
    }
}

const OVER: &str = "the run ends";

/// One spawn for each task that becomes ready.
pub(crate) fn tokio_current_thread(runtime: &tokio::runtime::Runtime, job: Arc<Job>) -> impl Fn() {
    fn spawn(run: Arc<Spawned>, task: TaskId) {
        tokio::spawn(async move { run.visit(task, spawn) });
    }
    let (run, over) = Spawned::new(job);
    move || {
        runtime.block_on(async {
            run.begin(spawn);
            over.recv().await.expect(OVER);
        });
    }
}

/// One spawn on the global executor for each task that becomes ready.
pub(crate) fn smol(job: Arc<Job>) -> impl Fn() {
    fn spawn(run: Arc<Spawned>, task: TaskId) {
        smol::spawn(async move { run.visit(task, spawn) }).detach();
    }
    let (run, over) = Spawned::new(job);
    move || {
        smol::block_on(async {
            run.begin(spawn);
            over.recv().await.expect(OVER);
        });
    }
}

/// One spawn on a static executor, which threads run, for each task that becomes ready. The threads never end.
pub(crate) fn async_executor(job: Arc<Job>) -> impl Fn() {
    fn spawn(executor: &'static Executor<'static>, run: Arc<Spawned>, task: TaskId) {
        let visit = async move { run.visit(task, |run, task| spawn(executor, run, task)) };
        executor.spawn(visit).detach();
    }
    let executor: &Executor<'static> = Box::leak(Box::default());
    for _ in 0..worker_count() {
        thread::spawn(|| block_on(executor.run(std::future::pending::<()>())));
    }
    let (run, over) = Spawned::new(job);
    move || {
        run.begin(|run, task| spawn(executor, run, task));
        block_on(over.recv()).expect(OVER);
    }
}

/// One coroutine for each task that becomes ready.
pub(crate) fn may(job: Arc<Job>) -> impl Fn() {
    fn spawn(run: Arc<Spawned>, task: TaskId) {
        may::go!(move || run.visit(task, spawn));
    }
    let (run, over) = Spawned::new(job);
    move || {
        run.begin(spawn);
        over.recv_blocking().expect(OVER);
    }
}
