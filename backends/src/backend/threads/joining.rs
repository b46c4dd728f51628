//! Recursive programs with threads: a child gets a thread of its own while there are fewer threads at work than workers.
//! Otherwise its parent's thread runs it. A thread that waits for a child is not at work, and lends its seat to others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::backend::Placement;
use crate::backend::support::worker::enter;
use crate::execute::{Halt, Job};
use crate::recursion::{Folded, Join, ProgramVisitor, Recursion, Run, walk};
use crate::system::limit::cannot_start_worker;

/// The seats that no thread has.
struct Seats {
    job: Arc<Job>,
    placement: Placement,
    free: Mutex<Vec<usize>>,
    /// How many are free, so that a thread asks for the lock only if there is one.
    free_count: AtomicUsize,
}

impl Seats {
    fn take(&self) -> Option<usize> {
        // Relaxed: it is only a hint, and the lock decides.
        if self.free_count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut free = self.free.lock().expect("nothing panics under the mutex");
        let seat = free.pop();
        // Relaxed: as above.
        self.free_count.store(free.len(), Ordering::Relaxed);
        seat
    }

    fn give_back(&self, seat: usize) {
        let mut free = self.free.lock().expect("nothing panics under the mutex");
        free.push(seat);
        // Relaxed: as above.
        self.free_count.store(free.len(), Ordering::Relaxed);
    }

    /// Makes the calling thread the worker of this seat.
    fn enter(&self, seat: usize) {
        enter(&self.placement, seat, &self.job);
    }
}

/// A thread at work: its seat, and those that are free.
struct Seated<'s> {
    seats: &'s Seats,
    seat: usize,
}

/// Runs the recursive program of `job`.
pub(super) fn run_recursion(job: &Arc<Job>, placement: Placement) -> Result<(), Halt> {
    let worker_count = placement.worker_count();
    let seats = Seats {
        job: Arc::clone(job),
        placement,
        free: Mutex::new((0..worker_count).rev().collect()),
        free_count: AtomicUsize::new(worker_count),
    };
    let program = job.recursion().expect("the job is a recursive program");
    job.run_recursion(|seed| {
        Ok(program.visit(WalkWithThreads {
            seed,
            seats: &seats,
        }))
    })?;
    job.outcome()
}

struct WalkWithThreads<'a> {
    seed: u64,
    seats: &'a Seats,
}

impl ProgramVisitor for WalkWithThreads<'_> {
    type Output = Folded;

    fn visit<R: Recursion + ?Sized>(self, program: &R) -> Folded {
        let run = Run::new(program, self.seed);
        let seat = self.seats.take().expect("there is at least one worker");
        let root = |seated: &mut Seated<'_>| walk::<ThreadJoin, R>(run, run.root(), seated);
        thread::scope(|scope| in_thread(scope, self.seats, seat, root).wait().0)
    }
}

/// A thread that runs a child.
struct ChildThread<'scope>(Option<thread::ScopedJoinHandle<'scope, (Folded, usize)>>);

/// Starts a thread in this seat. If the system refuses it, the run has failed.
fn in_thread<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    seats: &'scope Seats,
    seat: usize,
    work: impl FnOnce(&mut Seated<'_>) -> Folded + Send + 'scope,
) -> ChildThread<'scope> {
    let named = thread::Builder::new().name(format!("worker-{seat}"));
    let started = named.spawn_scoped(scope, move || {
        seats.enter(seat);
        let mut seated = Seated { seats, seat };
        let folded = work(&mut seated);
        (folded, seated.seat)
    });
    ChildThread(started.map_or_else(
        |error| {
            let error = cannot_start_worker(seat, seats.placement.worker_count(), &error);
            seats.job.fail(error.to_string());
            None
        },
        Some,
    ))
}

impl ChildThread<'_> {
    /// Waits until the thread has ended. Returns its result and its last seat. A panic goes on here.
    fn wait(self) -> (Folded, Option<usize>) {
        let Some(thread) = self.0 else {
            return (Folded::default(), None);
        };
        let ended = thread.join();
        let (folded, seat) = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (folded, Some(seat))
    }
}

struct ThreadJoin;

impl Join for ThreadJoin {
    type Scope<'s> = Seated<'s>;

    #[inline]
    fn join<A, B>(seated: &mut Seated<'_>, a: A, b: B) -> (Folded, Folded)
    where
        A: FnOnce(&mut Seated<'_>) -> Folded + Send,
        B: FnOnce(&mut Seated<'_>) -> Folded + Send,
    {
        match seated.seats.take() {
            None => (a(seated), b(seated)),
            Some(seat) => join_in_threads(seated, seat, a, b),
        }
    }
}

/// Runs `b` in a new thread in this seat, and `a` on the calling one.
#[cold]
fn join_in_threads<A, B>(seated: &mut Seated<'_>, seat: usize, a: A, b: B) -> (Folded, Folded)
where
    A: FnOnce(&mut Seated<'_>) -> Folded + Send,
    B: FnOnce(&mut Seated<'_>) -> Folded + Send,
{
    thread::scope(|scope| {
        let child = in_thread(scope, seated.seats, seat, b);
        let a = a(seated);
        seated.seats.give_back(seated.seat);
        let (b, last_seat) = child.wait();
        // The calling thread goes on in the seat of the thread that has ended.
        seated.seat = last_seat.unwrap_or(seat);
        seated.seats.enter(seated.seat);
        (a, b)
    })
}
