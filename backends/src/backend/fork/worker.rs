//! What a worker process does, from fork to exit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, Builder};

use super::atomic::{Ordering, fence};
use super::deque::{Deque, Steal, Taken};
use super::park::Parking;
use super::shared::PoolPages;
use super::sources::{Range, Sources};
use crate::backend::Continuation;
use crate::backend::Placement;
use crate::backend::support::process;
use crate::backend::support::reserving::Reserving;
use crate::execute::{Halt, Reserved};
use crate::graph::TaskId;
use crate::system::limit::cannot_start_worker;

/// Pauses between two searches. Each search takes the cache lines of the other deques, and their owners have to get
/// them back. Without reserving, a stencil of width 2 with empty tasks takes 52 ns per task without pauses, 38 with
/// 4 pauses, and 30 with 8. But tasks of 700 ns, which a thief should get soon, take 430, 450 and 460 ns.
const PAUSES: u32 = 4;

/// How a worker waits for tasks.
#[derive(Debug, Clone, Copy)]
pub(super) struct WorkerManner {
    pub(super) continuation: Continuation,
    /// How many times an idle worker searches before it sleeps.
    pub(super) spin_rounds: u64,
    /// Whether a worker reserves tasks at the beginning.
    pub(super) reserving: Reserving,
}

/// The assignment of one worker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assignment<'a> {
    /// Its number.
    pub(super) me: usize,
    /// The tasks that the indices of the first ranges refer to. The fork copied this list.
    pub(super) starting: &'a [TaskId],
    pub(super) manner: WorkerManner,
    pub(super) placement: Placement,
}

/// Everything that a worker process does: one worker on this thread, and one on a new thread for each further
/// assignment. Returns its exit status.
pub(super) fn main(shared: &PoolPages, assignments: &[Assignment<'_>]) -> i32 {
    // Panics of kernels are caught in the core; this catches our own. A child that unwinds must not return into the
    // coordinator's frames.
    let body = AssertUnwindSafe(|| {
        if let Err(error) = process::settle() {
            give_up(shared, format!("cannot set up a worker: {error}"));
            return 1;
        }
        be_workers(shared, assignments, |_| Builder::new())
    });
    catch_unwind(body).unwrap_or_else(|_| {
        give_up(shared, "a worker panicked outside of a kernel".into());
        1
    })
}

/// Runs all assignments until the workers must leave. Each except the first runs on the thread of the builder for
/// its number.
pub(super) fn be_workers(
    shared: &PoolPages,
    assignments: &[Assignment<'_>],
    builder: impl Fn(usize) -> Builder,
) -> i32 {
    let (own, others) = assignments.split_first().expect("a process has a worker");
    if others.is_empty() {
        // Without a scope, which allocates: the first allocation of a forked process copies pages of the coordinator.
        be_worker(shared, own);
        return 0;
    }
    thread::scope(|scope| {
        for other in others {
            let started = builder(other.me).spawn_scoped(scope, || be_worker(shared, other));
            if let Err(error) = started {
                // Report at once: the threads that were already started leave only when they are told to, and that
                // waits for this report.
                let error = cannot_start_worker(other.me, shared.worker_count(), &error);
                give_up(shared, error.to_string());
                return 1;
            }
        }
        be_worker(shared, own);
        0
    })
}

fn be_worker(shared: &PoolPages, assignment: &Assignment<'_>) {
    if let Err(error) = assignment.placement.enter(assignment.me) {
        let message = format!("cannot bind worker {} to a core: {error}", assignment.me);
        return give_up(shared, message);
    }
    Worker::new(shared, assignment).work();
}

fn give_up(shared: &PoolPages, message: String) {
    shared.job.fail(message);
    shared.phase().halt();
}

struct Worker<'a> {
    shared: &'a PoolPages,
    parking: Parking<'a>,
    me: usize,
    own: Deque<'a>,
    sources: Sources<'a>,
    starting: &'a [TaskId],
    manner: WorkerManner,
    reserving: Reserving,
    /// The reserved task, if any. There is one only while the worker has nothing else.
    reserved: Option<Reserved>,
    /// Tasks run and not reported yet.
    finished: u64,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a PoolPages, assignment: &Assignment<'a>) -> Self {
        let Assignment {
            me,
            starting,
            manner,
            ..
        } = *assignment;
        Self {
            shared,
            parking: shared.parking(),
            me,
            own: shared.deque(me),
            sources: shared.sources(me),
            starting,
            manner,
            reserving: manner.reserving,
            reserved: None,
            finished: 0,
        }
    }

    fn work(mut self) {
        while let Some(task) = self.next() {
            if self.run(task) == Err(Halt) {
                self.shared.phase().halt();
                return;
            }
        }
    }

    /// The next task to run; `None` if the worker must leave.
    fn next(&mut self) -> Option<TaskId> {
        if self.shared.is_leaving() {
            return None;
        }
        let mut rounds = self.manner.spin_rounds;
        if let Some(reserved) = self.reserved.take() {
            let next = self.await_reserved(reserved, &mut rounds);
            if next.is_some() {
                return next;
            }
        }
        if let Some(task) = self.search() {
            return Some(task);
        }
        // Out of work: report now, and only now. A task that is not reported cannot be the last.
        if self.finished > 0 {
            self.reserving.count_spell();
            self.shared.finish(self.finished);
            self.finished = 0;
        }
        self.wait(rounds)
    }

    /// Runs `task` and, with [`Continuation::Inline`], the first of its dependents, and so on.
    fn run(&mut self, task: TaskId) -> Result<(), Halt> {
        let mut next = Some(task);
        while let Some(task) = next.take() {
            // Workers leave between two tasks, and a chain of inline tasks has only this place for it. The task is
            // not lost: the remaining work is computed from the finished tasks.
            if self.shared.is_leaving() {
                return Ok(());
            }
            let mut pushed = false;
            self.shared.set_current(self.me, Some(task));
            let ready = |ready: TaskId| {
                if self.manner.continuation == Continuation::Inline && next.is_none() {
                    next = Some(ready);
                } else {
                    self.own.push(ready.0);
                    pushed = true;
                }
            };
            let is_idle = || self.own.is_empty() && self.sources.are_empty();
            let may_reserve = self.reserving.is_on();
            let job = &self.shared.job;
            self.reserved = job.execute_or_reserve(task, may_reserve, ready, is_idle)?;
            self.shared.set_current(self.me, None);
            self.finished += 1;
            if pushed && next.is_some() {
                // The waker's fence of the invariant in `park`. If there is no task to continue with, the next pop
                // has the fence.
                fence(Ordering::SeqCst);
                self.parking.wake_one();
            }
        }
        Ok(())
    }

    /// Waits for `reserved` or for other work, and subtracts the time from the `rounds` for which it may spin.
    fn await_reserved(&mut self, reserved: Reserved, rounds: &mut u64) -> Option<TaskId> {
        let mut left = *rounds * u64::from(PAUSES);
        let pause = || {
            std::hint::spin_loop();
            left -= 1;
            left > 0 && !self.shared.is_leaving()
        };
        let mut reserving = self.reserving;
        let waited = reserving.wait(&self.shared.job, reserved, pause, || self.search());
        self.reserving = reserving;
        *rounds = left / u64::from(PAUSES);
        if let Some(spare) = waited.spare {
            self.own.push(spare.0);
            // The waker's fence of the invariant in `park`.
            fence(Ordering::SeqCst);
            self.parking.wake_one();
        }
        waited.next
    }

    /// Searches everywhere once: first its own tasks, newest first, because their inputs are in the cache; then its
    /// sources; then the tasks of other workers, oldest first.
    fn search(&self) -> Option<TaskId> {
        if let Some(taken) = self.own.pop() {
            return Some(self.accept(taken));
        }
        if let Some(index) = self.sources.take() {
            return Some(self.source(index));
        }
        let count = self.shared.worker_count();
        (1..count).find_map(|distance| self.rob((self.me + distance) % count))
    }

    /// Takes work from `victim`: half of its sources, or its oldest task.
    fn rob(&self, victim: usize) -> Option<TaskId> {
        if let Some(range) = self.shared.sources(victim).rob() {
            return Some(self.accept_sources(range));
        }
        let deque = self.shared.deque(victim);
        loop {
            match deque.steal() {
                Steal::Taken(taken) => return Some(self.accept(taken)),
                Steal::Empty => return None,
                // Another worker took a task, so this loop ends. There may be more.
                Steal::Lost => {}
            }
        }
    }

    /// Returns the first source of `range`, and keeps the rest where other workers can find it.
    fn accept_sources(&self, range: Range) -> TaskId {
        let rest = Range {
            next: range.next + 1,
            ..range
        };
        if rest.next < rest.end {
            self.sources.keep(rest);
            // The waker's fence of the invariant in `park`: for a moment no other worker could see these sources.
            fence(Ordering::SeqCst);
            self.parking.wake_one();
        }
        self.source(range.next)
    }

    fn source(&self, index: u32) -> TaskId {
        self.starting[index as usize]
    }

    /// Returns the task. If others were left behind, wakes one more worker, see `park`.
    #[inline]
    fn accept(&self, taken: Taken) -> TaskId {
        if taken.left {
            self.parking.wake_one();
        }
        TaskId(taken.task)
    }

    /// Waits for work, and spins for this many `rounds` before it sleeps; `None` if the worker must leave.
    fn wait(&self, mut rounds: u64) -> Option<TaskId> {
        loop {
            for _ in 0..rounds {
                (0..PAUSES).for_each(|_| std::hint::spin_loop());
                let found = self.search();
                if found.is_some() || self.shared.is_leaving() {
                    return found;
                }
            }
            self.parking.sit(self.me);
            let found = self.search();
            if found.is_some() || self.shared.is_leaving() {
                if self.parking.leave(self.me) {
                    self.parking.wake_one();
                }
                return found;
            }
            self.parking.stay(self.me);
            rounds = self.manner.spin_rounds;
        }
    }
}
