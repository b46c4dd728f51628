//! **How it waits.** The calling thread starts threads, and in between blocks until one of them ends. It is not a
//! worker: it only wakes up to start what is ready, like a program that starts one thread per request. A thread that
//! ends reports under a mutex, and wakes the calling thread only if it can start something then, or if no other thread
//! is left. A thread is joined before another takes its place, so that there are never more threads than workers.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
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

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        Ok(Box::new(ThreadsPool {
            placement: Placement::new(plan)?,
            ready: VecDeque::new(),
            alive: Vec::new(),
            free: (0..plan.worker_count).rev().collect(),
            reports: Arc::default(),
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

/// What threads report to the calling thread.
#[derive(Default)]
struct Reports {
    state: Mutex<ReportState>,
    /// Signalled when a report is due.
    due: Condvar,
}

#[derive(Default)]
struct ReportState {
    /// The reports that the calling thread has not taken.
    new: Vec<ThreadResult>,
    /// Threads that have not reported.
    silent_count: usize,
    /// Whether a new report has ready tasks or a failure.
    have_news: bool,
    /// Whether a ready task waits for a thread to end.
    is_seat_wanted: bool,
}

/// With so many threads to join, the calling thread is woken to begin: it takes about as long as a wake-up.
const MOST_UNJOINED: usize = 8;

impl ReportState {
    fn add(&mut self, report: ThreadResult) {
        self.have_news |= !report.result.as_ref().is_ok_and(Vec::is_empty);
        self.silent_count -= 1;
        self.new.push(report);
    }

    /// Whether the calling thread has to act on the reports.
    fn are_due(&self) -> bool {
        self.silent_count == 0
            || self.have_news
            || self.is_seat_wanted && !self.new.is_empty()
            || self.new.len() >= MOST_UNJOINED
    }

    fn take(&mut self) -> Vec<ThreadResult> {
        self.have_news = false;
        std::mem::take(&mut self.new)
    }
}

impl Reports {
    fn lock(&self) -> MutexGuard<'_, ReportState> {
        self.state.lock().expect("nothing panics under the mutex")
    }

    fn hand_in(&self, report: ThreadResult) {
        let mut state = self.lock();
        state.add(report);
        let are_due = state.are_due();
        // A thread that is woken before would only wait for the mutex.
        drop(state);
        if are_due {
            self.due.notify_one();
        }
    }

    /// Waits until reports are due, and takes all.
    fn take(&self, is_seat_wanted: bool) -> Vec<ThreadResult> {
        let mut state = self.lock();
        state.is_seat_wanted = is_seat_wanted;
        let waited = self.due.wait_while(state, |state| !state.are_due());
        let mut state = waited.expect("nothing panics under the mutex");
        state.take()
    }
}

struct ThreadsPool {
    job: Arc<Job>,
    placement: Placement,
    ready: VecDeque<TaskId>,
    /// The living threads, each with the number of its worker.
    alive: Vec<(usize, JoinHandle<()>)>,
    /// Workers that have no thread now.
    free: Vec<usize>,
    reports: Arc<Reports>,
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
            self.take_reports()?;
        }
    }

    fn start_thread(&mut self, index: usize, task: TaskId) -> Result<(), Halt> {
        let (job, reports) = (Arc::clone(&self.job), Arc::clone(&self.reports));
        let body = move || {
            let result = execute(&job, task);
            reports.hand_in(ThreadResult { index, result });
        };
        self.reports.lock().silent_count += 1;
        match spawn(self.placement, index, &self.job, body) {
            Ok(thread) => {
                self.alive.push((index, thread));
                Ok(())
            }
            Err(error) => Err(self.job.fail(format!("task {task}: {error}"))),
        }
    }

    /// Waits for threads to end, and queues the tasks that they made ready.
    fn take_reports(&mut self) -> Result<(), Halt> {
        for report in self.reports.take(!self.ready.is_empty()) {
            let mut alive = self.alive.iter();
            let place = alive.position(|(index, _)| *index == report.index);
            let (index, thread) = self
                .alive
                .swap_remove(place.expect("only living threads report"));
            // The thread cannot panic after its report.
            let _ = thread.join();
            self.free.push(index);
            self.ready.extend(report.result?);
        }
        Ok(())
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
        let result = self.run_to_the_end();
        // After a failure the remaining threads end by themselves. None may run when the caller sees the failure.
        for (_, thread) in self.alive.drain(..) {
            let _ = thread.join();
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(index: usize, ready: &[u32]) -> ThreadResult {
        let ready = ready.iter().copied().map(TaskId).collect();
        ThreadResult {
            index,
            result: Ok(ready),
        }
    }

    fn with_threads(silent_count: usize) -> ReportState {
        ReportState {
            silent_count,
            ..ReportState::default()
        }
    }

    #[test]
    fn the_end_of_a_thread_is_due_only_if_something_follows_from_it() {
        let mut reports = with_threads(3);
        reports.add(ended(0, &[]));
        assert!(
            !reports.are_due(),
            "two threads are left, and nothing is ready"
        );
        reports.add(ended(1, &[7]));
        assert!(reports.are_due(), "a task is ready");
        assert_eq!(reports.take().len(), 2);
        assert!(!reports.are_due(), "all is taken");
        reports.add(ended(2, &[]));
        assert!(reports.are_due(), "no thread is left");
    }

    #[test]
    fn a_failure_and_a_wanted_seat_are_due_at_once() {
        let mut reports = with_threads(9);
        reports.add(ThreadResult {
            index: 0,
            result: Err(Halt),
        });
        assert!(reports.are_due());
        reports.take();
        reports.is_seat_wanted = true;
        assert!(!reports.are_due(), "no seat is free");
        reports.add(ended(1, &[]));
        assert!(reports.are_due());
    }

    #[test]
    fn many_threads_are_not_left_unjoined() {
        let mut reports = with_threads(MOST_UNJOINED + 1);
        let due = (0..MOST_UNJOINED).map(|index| {
            reports.add(ended(index, &[]));
            reports.are_due()
        });
        let due: Vec<bool> = due.collect();
        let expected = (1..=MOST_UNJOINED).map(|count| count == MOST_UNJOINED);
        assert_eq!(due, expected.collect::<Vec<_>>());
    }
}
