//! Runs on runtimes with one event loop per thread. They do not steal, so each task has an owner: a block of each level of
//! the graph belongs to each worker, as on `static`.
//!
//! A task that becomes ready is spawned on the loop of its owner. If that is another worker, the task is sent to it, which
//! wakes its thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver as Outcomes, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use async_channel::{Receiver, Sender, unbounded};

use super::levels::{block, by_level};
use super::worker::{join_all, spawn};
use crate::backend::{Placement, Pool, PoolPlan};
use crate::execute::{Halt, Job};
use crate::graph::{TaskGraph, TaskId};
use crate::system::limit::cannot_start_worker;

/// An event loop of the thread that builds it.
pub(in crate::backend) trait EventLoop: Sized + 'static {
    /// Builds the loop of the calling thread.
    ///
    /// # Errors
    ///
    /// If the system refuses what it needs.
    fn build() -> io::Result<Self>;

    /// Runs the loop until `future` is ready.
    fn run(self, future: impl Future<Output = ()> + 'static);

    /// Spawns `future` on the loop of the calling thread.
    fn spawn(future: impl Future<Output = ()> + 'static);

    /// A timer of the loop of the calling thread.
    fn sleep(duration: Duration) -> impl Future<Output = ()>;
}

/// Starts one loop per worker.
///
/// # Errors
///
/// If the system refuses a thread or a loop.
pub(in crate::backend) fn start<L: EventLoop>(
    job: Arc<Job>,
    plan: &PoolPlan,
) -> io::Result<Box<dyn Pool>> {
    let placement = Placement::new(plan)?;
    let graph = job.graph();
    let is_last = |task: &TaskId| graph.successors(*task).is_empty();
    let (inboxes, tasks): (Vec<_>, Vec<_>) = (0..plan.worker_count).map(|_| unbounded()).unzip();
    let (end, over) = sync_channel(1);
    let run = Arc::new(Owned {
        owners: owners(graph, plan.worker_count),
        last_count: graph.tasks().filter(is_last).count(),
        last_remaining: AtomicUsize::new(0),
        any_waits: job.any_waits(),
        job: Arc::clone(&job),
        inboxes,
        end,
    });
    let mut pool = OwnedPool {
        run,
        over,
        threads: Vec::new(),
    };
    let (built, are_built) = channel();
    for (index, tasks) in tasks.into_iter().enumerate() {
        let (run, built) = (Arc::clone(&pool.run), built.clone());
        let thread = spawn(placement, index, &job, move || match L::build() {
            Ok(this) => {
                // The receiver lives until all have told.
                let _ = built.send(Ok(()));
                drop(built);
                this.run(serve::<L>(run, index, tasks));
            }
            Err(error) => drop(built.send(Err((index, error)))),
        })?;
        pool.threads.push(thread);
    }
    drop(built);
    for built in are_built {
        built.map_err(|(index, error)| cannot_start_worker(index, plan.worker_count, &error))?;
    }
    Ok(Box::new(pool))
}

/// The worker that owns each task.
fn owners(graph: &TaskGraph, worker_count: usize) -> Vec<usize> {
    let mut owners = vec![0; graph.task_count()];
    for level in by_level(graph) {
        for index in 0..worker_count {
            for task in &level[block(index, worker_count, level.len())] {
                owners[task.index()] = index;
            }
        }
    }
    owners
}

/// A job on event loops.
struct Owned {
    job: Arc<Job>,
    /// Whether there are tasks that are awaited.
    any_waits: bool,
    /// The worker that owns each task.
    owners: Vec<usize>,
    /// For each worker, the tasks that the others have made ready. Closed when the workers must end.
    inboxes: Vec<Sender<TaskId>>,
    /// Tasks of the graph without dependents.
    last_count: usize,
    /// Tasks without dependents that have not finished in this run. When they have finished, so has every other task.
    last_remaining: AtomicUsize,
    /// The run is over or has failed.
    end: SyncSender<()>,
}

/// Spawns the tasks that others send to worker `index`, until the pool ends.
async fn serve<L: EventLoop>(run: Arc<Owned>, index: usize, tasks: Receiver<TaskId>) {
    while let Ok(task) = tasks.recv().await {
        spawn_own::<L>(&run, index, task);
    }
}

/// Spawns `task`, which worker `index` owns, on the loop of the calling thread. This is not an `async fn` because a future
/// cannot contain itself.
fn spawn_own<L: EventLoop>(run: &Arc<Owned>, index: usize, task: TaskId) {
    let run = Arc::clone(run);
    // The space for a timer and the states of a wait would make the future of an empty task several times as large.
    if run.any_waits {
        L::spawn(async move {
            let ran = match run.job.is_halted() {
                true => Err(Halt),
                false => run.job.run_async(task, L::sleep).await,
            };
            run.complete::<L>(index, task, ran);
        });
    } else {
        L::spawn(async move {
            let ran = match run.job.is_halted() {
                true => Err(Halt),
                false => run.job.run(task),
            };
            run.complete::<L>(index, task, ran);
        });
    }
}

impl Owned {
    /// Counts `task` as finished, if it `ran`, and hands the tasks that it makes ready to their owners.
    fn complete<L: EventLoop>(self: &Arc<Self>, index: usize, task: TaskId, ran: Result<(), Halt>) {
        if ran.is_err() {
            return self.end();
        }
        self.job
            .complete(task, |ready| match self.owners[ready.index()] {
                owner if owner == index => spawn_own::<L>(self, index, ready),
                owner => self.send(owner, ready),
            });
        let is_last = self.job.graph().successors(task).is_empty();
        // AcqRel: each decrement releases what its tasks wrote, and the last one acquires all of it.
        if is_last && self.last_remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.end();
        }
    }

    fn send(&self, owner: usize, task: TaskId) {
        // Fails only if the pool has ended, and then nothing runs any more.
        let _ = self.inboxes[owner].try_send(task);
    }

    /// Wakes the caller.
    fn end(&self) {
        // It is full if the run has failed more than once.
        let _ = self.end.try_send(());
    }
}

struct OwnedPool {
    run: Arc<Owned>,
    /// The run is over or has failed.
    over: Outcomes<()>,
    threads: Vec<JoinHandle<()>>,
}

impl OwnedPool {
    fn stop(&mut self) {
        for inbox in &self.run.inboxes {
            inbox.close();
        }
        join_all(&mut self.threads);
    }
}

impl Pool for OwnedPool {
    fn run(&mut self) -> Result<(), Halt> {
        let run = &self.run;
        // Relaxed: sending releases it, together with `begin_run`, to the workers.
        run.last_remaining.store(run.last_count, Ordering::Relaxed);
        for &source in run.job.graph().sources() {
            run.send(run.owners[source.index()], source);
        }
        if run.last_count > 0 {
            // The sender lives as long as `run`.
            let _ = self.over.recv();
        }
        let result = run.job.outcome();
        if result.is_err() {
            // Nothing may run any more when the caller reads the failure.
            self.stop();
        }
        result
    }
}

impl Drop for OwnedPool {
    fn drop(&mut self) {
        self.stop();
    }
}
