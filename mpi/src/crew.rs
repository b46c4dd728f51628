//! The other threads of a rank. They execute tasks and call no MPI.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::cores::sit_down;
use crate::field::Field;
use crate::patience::Patience;
use crate::trouble::Trouble;

/// What the threads of a rank share.
struct Board {
    ready: Mutex<VecDeque<u32>>,
    /// The length of `ready`, to look without taking the lock.
    ready_count: AtomicUsize,
    /// Executed tasks whose values go to other ranks.
    finished: Mutex<Vec<u32>>,
    done: AtomicUsize,
    trouble: Mutex<Option<Trouble>>,
    failed: AtomicBool,
    awake: AtomicBool,
    over: AtomicBool,
    /// Whether an executed task makes others ready; otherwise the first thread decides when they run.
    counts: bool,
}

/// The other threads of a rank. Dropping it ends them.
pub struct Crew {
    board: Arc<Board>,
    threads: Vec<JoinHandle<()>>,
}

/// Locks. A thread that panics with a lock ends its rank in any case.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    fn push(&self, place: u32) {
        let mut ready = lock(&self.ready);
        ready.push_back(place);
        // Relaxed: a hint. The lock orders what the queue holds.
        self.ready_count.store(ready.len(), Ordering::Relaxed);
    }

    fn pop(&self) -> Option<u32> {
        // Relaxed: a hint; who sees an old one looks again.
        if self.ready_count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut ready = lock(&self.ready);
        let place = ready.pop_front();
        self.ready_count.store(ready.len(), Ordering::Relaxed);
        place
    }

    fn execute(&self, field: &Field, place: u32) {
        let mut next = Some(place);
        while let Some(place) = next.take() {
            if let Err(trouble) = field.run_now(place as usize) {
                lock(&self.trouble).get_or_insert(trouble);
                // Release: publishes the trouble, as the lock does.
                self.failed.store(true, Ordering::Release);
                return;
            }
            if self.counts {
                field.count(place as usize, |reader| match next {
                    None => next = Some(reader),
                    Some(_) => self.push(reader),
                });
                if !field.share.destinations.of(place as usize).is_empty() {
                    lock(&self.finished).push(place);
                }
            }
            // Release: who sees the count sees the value, and the place in `finished`.
            self.done.fetch_add(1, Ordering::Release);
        }
    }

    fn work(&self, field: &Field, patience: Patience) {
        let mut polls = 0;
        // Relaxed: no data depends on them, and who parks looks again when it wakes.
        while !self.over.load(Ordering::Relaxed) {
            if !self.awake.load(Ordering::Relaxed) {
                thread::park();
                continue;
            }
            match self.pop() {
                Some(place) => {
                    self.execute(field, place);
                    polls = 0;
                }
                None => {
                    polls += 1;
                    patience.pause(polls);
                }
            }
        }
    }
}

impl Crew {
    /// Starts threads that sleep until they are woken. Each is bound to its core if `seats` has one for it.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread.
    pub fn start(
        field: &Arc<Field>,
        thread_count: usize,
        counts: bool,
        is_crowded: bool,
        seats: &[u64],
    ) -> Result<Self, Trouble> {
        let board = Arc::new(Board {
            ready: Mutex::default(),
            ready_count: AtomicUsize::new(0),
            finished: Mutex::default(),
            done: AtomicUsize::new(0),
            trouble: Mutex::default(),
            failed: AtomicBool::new(false),
            awake: AtomicBool::new(false),
            over: AtomicBool::new(false),
            counts,
        });
        let mut crew = Self {
            board,
            threads: Vec::new(),
        };
        let patience = Patience {
            is_crowded,
            ..Patience::default()
        };
        for index in 0..thread_count {
            let (board, field) = (Arc::clone(&crew.board), Arc::clone(field));
            let seat = seats.get(index).copied();
            let thread = thread::Builder::new().spawn(move || {
                // The rank has bound its first thread to one of these cores, so this one may be bound as well.
                let _ = seat.map(sit_down);
                board.work(&field, patience);
            });
            crew.threads.push(
                thread
                    .map_err(|error| Trouble::set_up(format!("a thread cannot start: {error}")))?,
            );
        }
        Ok(crew)
    }

    /// Wakes the threads, or lets them sleep once they have nothing to do.
    pub fn wake(&self, awake: bool) {
        // Relaxed: unparking orders it before the thread's next look.
        self.board.awake.store(awake, Ordering::Relaxed);
        if awake {
            self.threads
                .iter()
                .for_each(|thread| thread.thread().unpark());
        }
    }

    /// Begins a run. Nothing may be running.
    pub fn begin_run(&self) {
        // Relaxed: the queue orders it before the first task.
        self.board.done.store(0, Ordering::Relaxed);
    }

    /// Hands out a task.
    pub fn push(&self, place: u32) {
        self.board.push(place);
    }

    /// Takes a task that was handed out.
    pub fn pop(&self) -> Option<u32> {
        self.board.pop()
    }

    /// Executes a task, and others that it makes ready, on this thread.
    pub fn execute(&self, field: &Field, place: u32) {
        self.board.execute(field, place);
    }

    /// How many tasks were executed in this run.
    pub fn done(&self) -> usize {
        // Acquire: see `Board::execute`.
        self.board.done.load(Ordering::Acquire)
    }

    /// Takes the executed tasks whose values go to other ranks.
    pub fn finished(&self) -> Vec<u32> {
        std::mem::take(&mut lock(&self.board.finished))
    }

    /// Fails if a task failed.
    pub fn check(&self) -> Result<(), Trouble> {
        // Acquire: see `Board::execute`.
        if !self.board.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(lock(&self.board.trouble)
            .take()
            .unwrap_or_else(|| Trouble::backend("a thread failed")))
    }

    /// Executes these tasks on all threads, and waits for them.
    ///
    /// # Errors
    ///
    /// If one failed.
    pub fn run_all(&self, field: &Field, places: Range<u32>) -> Result<(), Trouble> {
        let goal = self.done() + places.len();
        places.for_each(|place| self.push(place));
        while self.done() < goal {
            self.check()?;
            match self.pop() {
                Some(place) => self.execute(field, place),
                None => thread::yield_now(),
            }
        }
        Ok(())
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        // Relaxed: unparking and joining order it.
        self.board.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // Only a thread that panicked fails to join, and it has reported that.
            let _ = thread.join();
        }
    }
}
