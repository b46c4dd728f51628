//! The pool of a textbook: one first-in, first-out queue behind one mutex.
//!
//! **Where a worker parks.** A worker parks on a condition variable as soon as the queue is empty; nothing spins.
//! The calling thread waits on a second condition variable for the end of the run. A worker that made tasks ready
//! takes one of them itself, so it wakes one sleeper fewer than there are new tasks. Under the mutex it knows how
//! many workers sleep, and makes no system call if none does.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use super::support::worker::{join_all, spawn};
use super::{Backend, Placement, Pool, PoolPlan};
use crate::execute::{Halt, Job};
use crate::graph::TaskId;

/// N workers, one queue, a mutex and a condition variable.
pub const THREAD_POOL: ThreadPool = ThreadPool;

/// See [`THREAD_POOL`].
#[derive(Debug)]
pub struct ThreadPool;

impl Backend for ThreadPool {
    fn name(&self) -> &'static str {
        "thread-pool"
    }

    fn why(&self) -> &'static str {
        "N threads, one queue, one mutex and condition variables: the pool of a textbook"
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let placement = Placement::new(plan)?;
        let shared = Arc::new(QueueShared {
            state: Mutex::default(),
            work: Condvar::new(),
            over: Condvar::new(),
            job,
        });
        let mut pool = QueuePool {
            workers: Vec::new(),
            shared,
        };
        for index in 0..plan.worker_count {
            let shared = Arc::clone(&pool.shared);
            let worker = spawn(placement, index, &pool.shared.job, move || shared.work())?;
            pool.workers.push(worker);
        }
        Ok(Box::new(pool))
    }
}

/// What the mutex protects.
#[derive(Default)]
struct QueueState {
    queue: VecDeque<TaskId>,
    /// Tasks of this run that have not finished.
    unfinished: usize,
    /// Workers that wait for `work`.
    sleepers: usize,
    /// Whether the workers must end.
    closed: bool,
}

struct QueueShared {
    job: Arc<Job>,
    /// Also makes `begin_run` and the outputs visible to all workers.
    state: Mutex<QueueState>,
    /// Signalled when the queue has a task, or when the pool is closed.
    work: Condvar,
    /// Signalled when no task is unfinished, or when the pool is closed.
    over: Condvar,
}

impl QueueShared {
    /// The loop of a worker.
    fn work(&self) {
        let mut ready = Vec::new();
        let mut state = self.lock();
        while let (Some(task), locked) = self.next_task(state) {
            drop(locked);
            let result = self.execute(task, &mut ready);
            state = self.lock();
            match result {
                Ok(()) => self.finish_one(&mut state, &mut ready),
                Err(Halt) => {
                    self.close(state);
                    state = self.lock();
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().expect("nothing panics under the mutex")
    }

    /// Waits for a task; `None` if the pool is closed.
    fn next_task<'a>(
        &self,
        mut state: MutexGuard<'a, QueueState>,
    ) -> (Option<TaskId>, MutexGuard<'a, QueueState>) {
        loop {
            if state.closed {
                return (None, state);
            }
            if let Some(task) = state.queue.pop_front() {
                return (Some(task), state);
            }
            state.sleepers += 1;
            state = self
                .work
                .wait(state)
                .expect("nothing panics under the mutex");
            state.sleepers -= 1;
        }
    }

    fn execute(&self, task: TaskId, ready: &mut Vec<TaskId>) -> Result<(), Halt> {
        if self.job.is_halted() {
            return Err(Halt);
        }
        self.job.execute(task, |next| ready.push(next))
    }

    /// Counts a finished task, and queues the tasks in `ready` that it made ready.
    fn finish_one(&self, state: &mut QueueState, ready: &mut Vec<TaskId>) {
        state.unfinished -= 1;
        if state.unfinished == 0 {
            self.over.notify_one();
        }
        // This worker takes one of them next.
        let for_others = ready.len().saturating_sub(1);
        state.queue.extend(ready.drain(..));
        self.wake(for_others.min(state.sleepers));
    }

    fn wake(&self, sleeper_count: usize) {
        for _ in 0..sleeper_count {
            self.work.notify_one();
        }
    }

    /// Tells every worker to end.
    fn close(&self, mut state: MutexGuard<'_, QueueState>) {
        state.closed = true;
        drop(state);
        self.work.notify_all();
        self.over.notify_one();
    }
}

struct QueuePool {
    shared: Arc<QueueShared>,
    workers: Vec<JoinHandle<()>>,
}

impl QueuePool {
    fn stop(&mut self) {
        self.shared.close(self.shared.lock());
        join_all(&mut self.workers);
    }
}

impl Pool for QueuePool {
    fn run(&mut self) -> Result<(), Halt> {
        let mut state = self.shared.lock();
        let graph = self.shared.job.graph();
        state.unfinished = graph.task_count();
        state.queue.extend(graph.sources());
        // As many sleepers as there are tasks for them. They are woken after the mutex is free, because each would only
        // wait for it.
        let wanted_count = graph.sources().len().min(state.sleepers);
        drop(state);
        self.shared.wake(wanted_count);
        let mut state = self.shared.lock();
        while state.unfinished > 0 && !state.closed {
            state = self
                .shared
                .over
                .wait(state)
                .expect("nothing panics under the mutex");
        }
        let result = if state.closed { Err(Halt) } else { Ok(()) };
        drop(state);
        if result.is_err() {
            // Nothing may run any more when the caller reads the failure.
            self.stop();
        }
        result
    }
}

impl Drop for QueuePool {
    fn drop(&mut self) {
        self.stop();
    }
}
