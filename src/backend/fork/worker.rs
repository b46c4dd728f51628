//! What a worker process does, from fork to exit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, Builder};

use super::atomic::{Ordering, fence};
use super::deque::{Deque, Steal, Taken};
use super::park::Parking;
use super::shared::Shared;
use super::sources::{Range, Sources};
use crate::backend::Placement;
use crate::backend::reserving::Reserving;
use crate::backend::{Continuation, process};
use crate::execute::{Halt, Reserved};
use crate::graph::TaskId;
use crate::system::limit::cannot_start_worker;

/// Pauses between two searches. Each search takes the cache lines of the others' deques, and they have to get
/// them back: without pauses a stencil of width 2 with empty tasks takes 52 ns a task, with 4 of them 38, with
/// 8 of them 30 (nothing being reserved); but tasks of 700 ns, which a thief should get soon, take 430, 450 and 460.
const PAUSES: u32 = 4;

/// How a worker goes about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) continuation: Continuation,
    /// How many times an idle worker searches before it sleeps.
    pub(super) spin_rounds: u64,
    /// Whether a worker reserves tasks, to begin with.
    pub(super) reserving: Reserving,
}

/// What one worker is to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assignment<'a> {
    /// Its number.
    pub(super) me: usize,
    /// The tasks that the first ranges handed out count through. They were copied by the fork.
    pub(super) starting: &'a [TaskId],
    pub(super) manner: Manner,
    pub(super) placement: Placement,
}

/// All that a worker process does: one worker on this thread, and one on a thread of its own for each
/// further assignment. Returns its exit status.
pub(super) fn main(shared: &Shared, assignments: &[Assignment<'_>]) -> i32 {
    // Kernels' panics are caught in the core; this is for our own. An unwinding child must not get back
    // into the coordinator's frames.
    let body = AssertUnwindSafe(|| {
        if let Err(error) = process::settle() {
            give_up(shared, format!("a worker could not be set up: {error}"));
            return 1;
        }
        be_workers(shared, assignments, |_| Builder::new())
    });
    catch_unwind(body).unwrap_or_else(|_| {
        give_up(shared, "a worker panicked outside of a kernel".into());
        1
    })
}

/// Does all assignments until it is time to leave, each but the first on a thread of the builder for its number.
pub(super) fn be_workers(
    shared: &Shared,
    assignments: &[Assignment<'_>],
    builder: impl Fn(usize) -> Builder,
) -> i32 {
    let (own, others) = assignments.split_first().expect("a process has a worker");
    thread::scope(|scope| {
        for other in others {
            let started = builder(other.me).spawn_scoped(scope, || be_worker(shared, other));
            if let Err(error) = started {
                // At once: the threads before it leave when they are told to, and that waits for this.
                let error = cannot_start_worker(other.me, shared.worker_count(), &error);
                give_up(shared, error.to_string());
                return 1;
            }
        }
        be_worker(shared, own);
        0
    })
}

fn be_worker(shared: &Shared, assignment: &Assignment<'_>) {
    if let Err(error) = assignment.placement.enter(assignment.me) {
        let message = format!("worker {} could not be pinned: {error}", assignment.me);
        return give_up(shared, message);
    }
    Worker::new(shared, assignment).work();
}

fn give_up(shared: &Shared, message: String) {
    shared.job.fail(message);
    shared.phase().halt();
}

struct Worker<'a> {
    shared: &'a Shared,
    parking: Parking<'a>,
    me: usize,
    own: Deque<'a>,
    sources: Sources<'a>,
    starting: &'a [TaskId],
    manner: Manner,
    reserving: Reserving,
    /// What it keeps. Only ever there while it has nothing else.
    reserved: Option<Reserved>,
    /// Tasks run and not yet reported.
    finished: u64,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared, assignment: &Assignment<'a>) -> Self {
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

    /// The next task to run; `None` if it is time to leave.
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
        // Out of work: the moment to report, and the only one. What is not reported cannot be the last.
        if self.finished > 0 {
            self.reserving.count_spell();
            self.shared.finish(self.finished);
            self.finished = 0;
        }
        self.wait(rounds)
    }

    /// Runs `task` and, as [`Continuation::Inline`] has it, the first of its dependents, and so on.
    fn run(&mut self, task: TaskId) -> Result<(), Halt> {
        let mut next = Some(task);
        while let Some(task) = next.take() {
            // A crew is laid off between two tasks, and a chain has only this place for it. The task is not
            // lost: what is left of the run is computed from what is done.
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
                // The waker's half of the invariant in `park`. Without a task to go on with, the pop that
                // follows has the fence.
                fence(Ordering::SeqCst);
                self.parking.wake_one();
            }
        }
        Ok(())
    }

    /// Waits for `reserved`, or for something else to do, and takes what that lasts off the `rounds` for which it may
    /// spin.
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
            // The waker's half of the invariant in `park`.
            fence(Ordering::SeqCst);
            self.parking.wake_one();
        }
        waited.next
    }

    /// Looks everywhere once: own tasks first, newest first, since their inputs are in the cache; then
    /// what nobody has begun; then the others' tasks, oldest first.
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

    /// Takes something that is `victim`'s to do: half of its sources, or else its oldest task.
    fn rob(&self, victim: usize) -> Option<TaskId> {
        if let Some(range) = self.shared.sources(victim).rob() {
            return Some(self.accept_sources(range));
        }
        let deque = self.shared.deque(victim);
        loop {
            match deque.steal() {
                Steal::Taken(taken) => return Some(self.accept(taken)),
                Steal::Empty => return None,
                // Somebody else got on, so this loop ends; there may be more.
                Steal::Lost => {}
            }
        }
    }

    /// The first of `range`; the rest is kept, where others can find it.
    fn accept_sources(&self, range: Range) -> TaskId {
        let rest = Range {
            next: range.next + 1,
            ..range
        };
        if rest.next < rest.end {
            self.sources.keep(rest);
            // The waker's half of the invariant in `park`: for a moment nobody could see these sources.
            fence(Ordering::SeqCst);
            self.parking.wake_one();
        }
        self.source(range.next)
    }

    fn source(&self, index: u32) -> TaskId {
        self.starting[index as usize]
    }

    /// A task left behind is a debt, see `park`.
    #[inline]
    fn accept(&self, taken: Taken) -> TaskId {
        if taken.left {
            self.parking.wake_one();
        }
        TaskId(taken.task)
    }

    /// Waits for something to do, spinning for this many `rounds` before it sleeps; `None` if it is time to leave.
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
