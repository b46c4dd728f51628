//! **Queues.** Each worker owns a deque: it pushes and pops at one end, and other workers steal half of the tasks at
//! the other end. The calling thread is worker 0. It puts the sources into its own deque, from which the others
//! steal. A run therefore neither begins nor ends with waking the calling thread.
//!
//! **Narrow graphs.** If a worker's deque is empty and its task has made nothing ready, the worker keeps the task's
//! last dependent if it waits for only one more input. It watches this input while it looks for other work
//! ([`Job::execute_or_reserve`]), so the task need not be stolen. Workers that share a core do not do this, because
//! the worker that could run the task might not be scheduled.
//!
//! **The end of a run.** `remaining` starts at the number of tasks. Each worker counts the tasks that it executes,
//! and subtracts its count only when it finds no more work. Every worker runs out of work when all tasks are done,
//! so `remaining` reaches 0, but not before the last task has finished.
//!
//! **Where a worker parks.** A worker that finds nothing searches for about as long as a wake-up would take, and
//! then parks, both during a run and between runs. Worker 0 does the same, but only until `remaining` is 0.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, Thread};

use crate::memory::Padded;
use crossbeam_deque::{Steal, Stealer, Worker as Deque};

use super::support::children::Places;
use super::support::reserving::{RESERVE, Reserving};
use super::support::worker::{Spin, enter_lent, join_all, spawn};
use super::{Backend, Continuation, Lent, Placement, Pool, PoolPlan};
use crate::execute::{Halt, Job, Reserved};
use crate::graph::TaskId;
use crate::parameter::Parameter;

mod executing;
mod sleepers;
mod spawning;

use executing::DequeManner;
use sleepers::Sleepers;

/// One deque per worker, stealing, parking.
pub const CROSSBEAM: Crossbeam = Crossbeam;

/// See [`CROSSBEAM`].
#[derive(Debug)]
pub struct Crossbeam;

impl Backend for Crossbeam {
    fn name(&self) -> &'static str {
        "crossbeam"
    }

    fn why(&self) -> &'static str {
        "one deque per worker, stealing, idle workers park: work stealing made for task graphs"
    }

    fn continuations(&self) -> &'static [Continuation] {
        &[Continuation::Queue, Continuation::Inline]
    }

    fn options(&self) -> &'static [Parameter] {
        &[RESERVE]
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn runs_recursion(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let placement = Placement::new(plan)?;
        let lent = enter_lent(&placement, &job)?;
        let deques = (0..plan.worker_count).map(|_| Deque::new_lifo());
        let deques: Vec<Deque<TaskId>> = deques.collect();
        let places = job.recursion().map(|_| Places::new(plan.worker_count));
        let shared = Arc::new(DequeShared {
            stealers: deques.iter().map(Deque::stealer).collect(),
            remaining: Padded::default(),
            sleepers: Sleepers::default(),
            closed: AtomicBool::new(false),
            caller: thread::current(),
            places: places.transpose()?,
            placement,
        });
        let is_apt = plan.worker_count > 1 && !placement.is_crowded();
        let reserving = Reserving::new(&plan.options, is_apt);
        let mut workers = deques
            .into_iter()
            .enumerate()
            .map(|(index, deque)| DequeWorker {
                shared: Arc::clone(&shared),
                job: Arc::clone(&job),
                manner: DequeManner::new(&job, plan.continuation),
                index,
                deque,
                reserving,
                reserved: None,
                executed: 0,
            });
        let mut pool = CrossbeamPool {
            caller: workers.next().expect("a plan has at least one worker"),
            helpers: Vec::new(),
            _lent: lent,
        };
        for worker in workers {
            let index = worker.index;
            let helper = spawn(placement, index, &job, move || worker.help())?;
            pool.helpers.push(helper);
        }
        Ok(Box::new(pool))
    }
}

/// The most pauses between two searches of the other deques. The number begins with one and doubles. Each search
/// disturbs the owners of the deques.
const LOOK_TURNS: u32 = 64;

struct DequeShared {
    placement: Placement,
    stealers: Vec<Stealer<TaskId>>,
    /// Tasks of this run that have not been subtracted yet.
    remaining: Padded<AtomicUsize>,
    sleepers: Sleepers,
    /// Whether the workers must end.
    closed: AtomicBool,
    /// The thread of worker 0.
    caller: Thread,
    /// The children of a recursive program that wait in the deques.
    places: Option<Places>,
}

impl DequeShared {
    fn is_closed(&self) -> bool {
        // Relaxed: no other data depends on it.
        self.closed.load(Ordering::Relaxed)
    }

    fn is_run_over(&self) -> bool {
        // Acquire: pairs with the Release in `publish`. A thread that reads 0 sees everything that the tasks wrote.
        self.remaining.load(Ordering::Acquire) == 0
    }

    fn has_work(&self) -> bool {
        self.stealers.iter().any(|stealer| !stealer.is_empty())
    }
}

struct DequeWorker {
    shared: Arc<DequeShared>,
    job: Arc<Job>,
    manner: DequeManner,
    index: usize,
    deque: Deque<TaskId>,
    reserving: Reserving,
    /// The reserved task, if any. There is one only while the deque is empty.
    reserved: Option<Reserved>,
    /// Executed tasks that have not been subtracted from `remaining`.
    executed: usize,
}

impl DequeWorker {
    /// The loop of a helper thread.
    fn help(mut self) {
        while let Some(task) = self.next_task(|_| false) {
            if self.execute(task).is_err() {
                // Relaxed: no other data depends on it.
                self.shared.closed.store(true, Ordering::Relaxed);
                self.shared.caller.unpark();
            }
        }
    }

    /// Executes its part of a run that has just begun, until the end of the run.
    fn lead(&mut self) -> Result<(), Halt> {
        let graph = self.job.graph();
        let task_count = graph.task_count();
        // Relaxed: the pushes that follow release it, together with `begin_run`, to the thieves.
        self.shared.remaining.store(task_count, Ordering::Relaxed);
        for &source in graph.sources() {
            self.deque.push(source);
        }
        // The caller takes one of them itself.
        self.offer(graph.sources().len().saturating_sub(1));
        while let Some(task) = self.next_task(DequeShared::is_run_over) {
            self.execute(task)?;
        }
        if self.shared.is_closed() {
            Err(Halt)
        } else {
            Ok(())
        }
    }

    /// Searches and waits for a task. Returns `None` when the pool is closed or `is_over` returns `true`.
    #[inline]
    fn next_task(&mut self, is_over: impl Fn(&DequeShared) -> bool) -> Option<TaskId> {
        // Test before taking: one store per task is 2% of a small task.
        if self.reserved.is_some() {
            return self.await_reserved(is_over);
        }
        self.deque.pop().or_else(|| {
            let spin = Spin::new(&self.shared.placement);
            self.await_task(spin, is_over)
        })
    }

    fn await_task(
        &mut self,
        mut spin: Spin,
        is_over: impl Fn(&DequeShared) -> bool,
    ) -> Option<TaskId> {
        let mut turns = 1;
        loop {
            if let Some(task) = self.steal() {
                return Some(task);
            }
            self.publish();
            let is_done = |shared: &DequeShared| shared.is_closed() || is_over(shared);
            if is_done(&self.shared) {
                return None;
            }
            let may_spin = (0..turns).all(|_| spin.turn());
            turns = (2 * turns).min(LOOK_TURNS);
            if !may_spin {
                let shared = &self.shared;
                let is_needed = || is_done(shared) || shared.has_work();
                shared.sleepers.sleep(self.index, is_needed);
                spin = Spin::new(&shared.placement);
            }
        }
    }

    /// Waits for `reserved` or for other work. The run cannot end while a task is reserved.
    #[cold]
    fn await_reserved(&mut self, is_over: impl Fn(&DequeShared) -> bool) -> Option<TaskId> {
        let reserved = self.reserved.take()?;
        let mut spin = Spin::new(&self.shared.placement);
        let pause = || spin.turn() && !self.shared.is_closed();
        let mut reserving = self.reserving;
        let waited = reserving.wait(&self.job, reserved, pause, || self.steal());
        self.reserving = reserving;
        if let Some(spare) = waited.spare {
            self.deque.push(spare);
            self.offer(1);
        }
        waited.next.or_else(|| self.await_task(spin, is_over))
    }

    /// Takes a task from another worker, if one has a task to spare.
    fn steal(&self) -> Option<TaskId> {
        let (before, from) = self.shared.stealers.split_at(self.index);
        let mut others = from[1..].iter().chain(before);
        let task = others.find_map(|victim| {
            loop {
                match victim.steal_batch_and_pop(&self.deque) {
                    Steal::Success(task) => return Some(task),
                    Steal::Empty => return None,
                    Steal::Retry => {}
                }
            }
        })?;
        let moved = self.deque.len();
        if moved > 0 {
            self.shared.sleepers.wake(moved);
        }
        Some(task)
    }

    /// Subtracts what this worker has executed from `remaining`, now that it has no work.
    fn publish(&mut self) {
        if self.executed == 0 {
            return;
        }
        self.reserving.count_spell();
        // Release: publishes what its tasks wrote. Acquire is not needed because nothing is read.
        let before = self
            .shared
            .remaining
            .fetch_sub(self.executed, Ordering::Release);
        if before == self.executed && self.index != 0 {
            self.shared.caller.unpark();
        }
        self.executed = 0;
    }

    /// Wakes sleepers for tasks that have just been pushed and that this worker will not run next.
    #[inline]
    fn offer(&self, task_count: usize) {
        if task_count > 0 && self.shared.stealers.len() > 1 {
            self.shared.sleepers.wake(task_count);
        }
    }
}

struct CrossbeamPool {
    caller: DequeWorker,
    helpers: Vec<JoinHandle<()>>,
    _lent: Lent,
}

impl CrossbeamPool {
    fn close(&mut self) {
        // Relaxed: no other data depends on it.
        self.caller.shared.closed.store(true, Ordering::Relaxed);
        join_all(&mut self.helpers);
    }
}

impl Pool for CrossbeamPool {
    fn run(&mut self) -> Result<(), Halt> {
        let result = self.caller.lead();
        if result.is_err() {
            // Nothing may run any more when the caller reads the failure.
            self.close();
        }
        result
    }
}

impl Drop for CrossbeamPool {
    fn drop(&mut self) {
        self.close();
    }
}
