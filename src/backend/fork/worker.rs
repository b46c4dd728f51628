//! What a worker process does, from fork to exit.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::atomic::{Ordering, fence};
use super::deque::{Deque, Steal, Taken};
use super::park::Parking;
use super::process;
use super::shared::Shared;
use super::sources::{Range, Sources};
use crate::backend::Continuation;
use crate::execute::Halt;
use crate::graph::TaskId;

/// Pauses between two searches. Each search takes the cache lines of the others' deques, and they have to get
/// them back: without pauses a stencil of width 2 with empty tasks takes 52 ns a task, with 4 of them 38, with
/// 8 of them 30; but tasks of 700 ns, which a thief should get soon, take 430, 450 and 460.
const PAUSES: u32 = 4;

/// How a worker goes about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) continuation: Continuation,
    /// How many times an idle worker searches before it sleeps.
    pub(super) spin_rounds: u32,
}

/// All that a worker process does. Returns its exit status.
pub(super) fn main(shared: &Shared, me: usize, manner: Manner, core: Option<usize>) -> i32 {
    // Kernels' panics are caught in the core; this is for our own. An unwinding child must not get back
    // into the coordinator's frames.
    let body = AssertUnwindSafe(|| {
        set_up(core).map_err(|error| format!("worker {me} could not be set up: {error}"))?;
        // Ready, which is what the coordinator waits for.
        shared.finish(1);
        Worker::new(shared, me, manner).work();
        Ok(())
    });
    let panicked = || Err(format!("worker {me} panicked outside of a kernel"));
    match catch_unwind(body).unwrap_or_else(|_| panicked()) {
        Ok(()) => 0,
        Err(message) => {
            shared.job.fail(message);
            shared.halt();
            1
        }
    }
}

fn set_up(core: Option<usize>) -> io::Result<()> {
    process::settle()?;
    core.map_or(Ok(()), process::pin_to)
}

struct Worker<'a> {
    shared: &'a Shared,
    parking: Parking<'a>,
    me: usize,
    own: Deque<'a>,
    sources: Sources<'a>,
    manner: Manner,
    /// Tasks run and not yet reported.
    finished: u64,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared, me: usize, manner: Manner) -> Self {
        Self {
            shared,
            parking: shared.parking(),
            me,
            own: shared.deque(me),
            sources: shared.sources(me),
            manner,
            finished: 0,
        }
    }

    fn work(mut self) {
        while let Some(task) = self.next() {
            if self.run(task) == Err(Halt) {
                self.shared.halt();
                return;
            }
        }
    }

    /// The next task to run; `None` if it is time to leave.
    fn next(&mut self) -> Option<TaskId> {
        if self.shared.is_leaving() {
            return None;
        }
        if let Some(task) = self.search() {
            return Some(task);
        }
        // Out of work: the moment to report, and the only one. What is not reported cannot be the last.
        if self.finished > 0 {
            self.shared.finish(self.finished);
            self.finished = 0;
        }
        self.wait()
    }

    /// Runs `task` and, as [`Continuation::Inline`] has it, the first of its dependents, and so on.
    fn run(&mut self, task: TaskId) -> Result<(), Halt> {
        let mut next = Some(task);
        while let Some(task) = next.take() {
            let mut pushed = false;
            self.shared.set_current(self.me, Some(task));
            self.shared.job.execute(task, |ready| {
                if self.manner.continuation == Continuation::Inline && next.is_none() {
                    next = Some(ready);
                } else {
                    self.own.push(ready.0);
                    pushed = true;
                }
            })?;
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
        self.shared.job.graph().sources()[index as usize]
    }

    /// A task left behind is a debt, see `park`.
    #[inline]
    fn accept(&self, taken: Taken) -> TaskId {
        if taken.left {
            self.parking.wake_one();
        }
        TaskId(taken.task)
    }

    /// Waits for something to do; `None` if it is time to leave.
    fn wait(&self) -> Option<TaskId> {
        loop {
            for _ in 0..self.manner.spin_rounds {
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
        }
    }
}
