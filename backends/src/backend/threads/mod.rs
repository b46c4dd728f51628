//! **How it waits.** The calling thread starts threads, and in between blocks until one of them reports. It is not a
//! worker: it only wakes up to start what is ready, like a program that starts one thread per request. Tasks report
//! through a channel. A thread is joined before another takes its place, so that there are never more threads than
//! workers.

mod joining;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::support::worker::spawn;
use super::{Backend, Placement, Pool, PoolPlan};
use crate::execute::{Halt, Job};
use crate::graph::TaskId;

/// One new thread per task, and at most `worker_count` at once, so that it can be compared with the other backends
/// at the same number of workers.
pub const THREADS: Threads = Threads;

/// See [`THREADS`].
#[derive(Debug)]
pub struct Threads;

impl Backend for Threads {
    fn name(&self) -> &'static str {
        "threads"
    }

    fn why(&self) -> &'static str {
        "one new thread per task, at most as many at once as there are workers"
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn runs_recursion(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let (sender, reports) = channel();
        Ok(Box::new(ThreadsPool {
            placement: Placement::new(plan)?,
            ready: VecDeque::new(),
            alive: Vec::new(),
            free: (0..plan.worker_count).rev().collect(),
            sender,
            reports,
            job,
        }))
    }
}

/// What a thread reports last.
struct ThreadResult {
    /// The worker whose place the thread had.
    index: usize,
    /// The tasks that it made ready.
    result: Result<Vec<TaskId>, Halt>,
}

struct ThreadsPool {
    job: Arc<Job>,
    placement: Placement,
    ready: VecDeque<TaskId>,
    /// The living threads, each with the number of its worker.
    alive: Vec<(usize, JoinHandle<()>)>,
    /// Workers that have no thread now.
    free: Vec<usize>,
    sender: Sender<ThreadResult>,
    reports: Receiver<ThreadResult>,
}

impl ThreadsPool {
    fn run_to_the_end(&mut self) -> Result<(), Halt> {
        self.ready.extend(self.job.graph().sources());
        loop {
            while let Some(index) = self.free.pop() {
                let Some(task) = self.ready.pop_front() else {
                    self.free.push(index);
                    break;
                };
                self.start_thread(index, task)?;
            }
            if self.alive.is_empty() {
                return Ok(());
            }
            let ready = self.next_report()?;
            self.ready.extend(ready);
        }
    }

    fn start_thread(&mut self, index: usize, task: TaskId) -> Result<(), Halt> {
        let (job, sender) = (Arc::clone(&self.job), self.sender.clone());
        let body = move || {
            let result = execute(&job, task);
            // The pool keeps the receiver until every thread has been joined.
            let _ = sender.send(ThreadResult { index, result });
        };
        match spawn(self.placement, index, &self.job, body) {
            Ok(thread) => {
                self.alive.push((index, thread));
                Ok(())
            }
            Err(error) => Err(self.job.fail(format!("task {task}: {error}"))),
        }
    }

    /// Waits for a thread to end, and returns the tasks that it made ready.
    fn next_report(&mut self) -> Result<Vec<TaskId>, Halt> {
        let report = self
            .reports
            .recv()
            .expect("the pool has a sender of its own");
        let mut alive = self.alive.iter();
        let place = alive.position(|(index, _)| *index == report.index);
        let (index, thread) = self
            .alive
            .swap_remove(place.expect("only living threads report"));
        // The thread cannot panic after its report.
        let _ = thread.join();
        self.free.push(index);
        report.result
    }
}

/// Runs `task`, and returns the tasks that it made ready.
fn execute(job: &Job, task: TaskId) -> Result<Vec<TaskId>, Halt> {
    if job.is_halted() {
        return Err(Halt);
    }
    let mut ready = Vec::new();
    job.execute(task, |next| ready.push(next))?;
    Ok(ready)
}

impl Pool for ThreadsPool {
    fn run(&mut self) -> Result<(), Halt> {
        if self.job.recursion().is_some() {
            return joining::run_recursion(&self.job, self.placement);
        }
        let result = self.run_to_the_end();
        // After a failure the remaining threads end by themselves. None may run when the caller sees the failure.
        for (_, thread) in self.alive.drain(..) {
            let _ = thread.join();
        }
        result
    }
}
