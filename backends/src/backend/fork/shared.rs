//! What the coordinator and the workers share besides the job. The README in this folder lists who may write which
//! word, and when.

use std::io;
use std::sync::Arc;

use super::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use super::deque::{Deque, HEAD_WORDS};
use super::park::Parking;
use super::phase::PhaseWord;
use super::sources::{Range, Sources};
use crate::execute::Job;
use crate::graph::TaskId;
use crate::memory::{Padded, Shareable, SharedPages, SharedSlice};

/// The words that have their cache lines to themselves.
const LINE_WORDS: usize = size_of::<Padded<AtomicU64>>() / size_of::<AtomicU64>();

/// One instance for the whole pool. Each word has its own cache line.
struct Control {
    /// Tasks that no worker has reported as finished yet.
    remaining: Padded<AtomicU64>,
    /// See [`PhaseWord`].
    phase: Padded<AtomicU32>,
    /// Nonzero once the workers must leave. Read before every task, written once.
    leaving: Padded<AtomicU32>,
    /// See [`Parking`].
    sleepers: Padded<AtomicU32>,
}

// SAFETY: zero is a valid value of every field, all are atomic, and none needs a drop.
unsafe impl Shareable for Control {}

/// One instance per worker.
struct WorkerWords {
    /// See [`Sources`].
    ranges: Padded<[AtomicU64; 2]>,
    /// The task that the worker runs, plus one; 0 between tasks. Only the worker writes it. It is read when the
    /// worker has died, and to find stuck tasks.
    current: Padded<AtomicU32>,
}

// SAFETY: as for `Control`.
unsafe impl Shareable for WorkerWords {}

/// See [`Parking`].
type Seat = Padded<AtomicU32>;

/// The shared pages of a pool, and the job that it runs.
pub(super) struct PoolPages {
    pub(super) job: Arc<Job>,
    control: SharedSlice<Control>,
    places: SharedSlice<WorkerWords>,
    seats: SharedSlice<Seat>,
    /// All deques, `deque_words` each. See [`Deque`].
    deques: SharedSlice<AtomicU64>,
    deque_words: usize,
}

impl PoolPages {
    pub(super) fn new(job: Arc<Job>, worker_count: usize) -> io::Result<Self> {
        // Sources never enter a deque, and every other task enters one once per run. Memory is allocated only for
        // pages that are used, so each deque may be that large. Small deques share pages: each further page would be
        // one more that every worker has to map when it searches.
        let graph = job.graph();
        let task_words = graph.task_count() - graph.sources().len();
        let deque_words = (HEAD_WORDS + task_words).next_multiple_of(LINE_WORDS);
        let mut pages = SharedPages::new(
            worker_count
                * (deque_words * size_of::<u64>() + size_of::<WorkerWords>() + size_of::<Seat>())
                + size_of::<Control>(),
        )?;
        Ok(Self {
            // Everything fills whole cache lines.
            deques: pages.cut(worker_count * deque_words),
            control: pages.cut(1),
            places: pages.cut(worker_count),
            seats: pages.cut(worker_count),
            deque_words,
            job,
        })
    }

    fn control(&self) -> &Control {
        &self.control[0]
    }

    pub(super) fn worker_count(&self) -> usize {
        self.places.len()
    }

    pub(super) fn deque(&self, worker: usize) -> Deque<'_> {
        let start = worker * self.deque_words;
        Deque::new(&self.deques[start..start + self.deque_words])
    }

    pub(super) fn parking(&self) -> Parking<'_> {
        Parking::new(&self.control().sleepers, &self.seats)
    }

    pub(super) fn phase(&self) -> PhaseWord<'_> {
        PhaseWord::new(&self.control().phase)
    }

    /// Begins a phase of `task_count` tasks. Only for the coordinator, when no work is left.
    pub(super) fn begin(&self, task_count: u64) {
        // Relaxed: `hand_out` orders it before anything that a worker does in response.
        self.control()
            .remaining
            .store(task_count, Ordering::Relaxed);
        self.phase().begin();
    }

    /// Clears everything for a new crew. No worker may exist.
    pub(super) fn clear(&self) {
        // Relaxed, all of it: the fork that follows orders it before everything that the new crew does.
        let control = self.control();
        control.leaving.store(0, Ordering::Relaxed);
        control.sleepers.store(0, Ordering::Relaxed);
        for seat in self.seats.iter() {
            seat.store(0, Ordering::Relaxed);
        }
        for deque in self.deques.chunks(self.deque_words) {
            deque[..HEAD_WORDS]
                .iter()
                .for_each(|word| word.store(0, Ordering::Relaxed));
        }
        for place in self.places.iter() {
            place.current.store(0, Ordering::Relaxed);
            for range in place.ranges.iter() {
                range.store(0, Ordering::Relaxed);
            }
        }
    }

    /// Hands out the first `source_count` of the tasks that the crew starts with, and wakes as many workers as can
    /// take one. Only for the coordinator.
    pub(super) fn hand_out(&self, source_count: usize) {
        let worker_count = self.worker_count();
        for me in 0..worker_count {
            let share = Range::share(source_count, me, worker_count);
            self.sources(me).hand_out(share);
        }
        // The waker's fence of the invariant in `park`.
        fence(Ordering::SeqCst);
        self.parking().wake(source_count);
    }

    pub(super) fn sources(&self, worker: usize) -> Sources<'_> {
        let [share, loot] = &*self.places[worker].ranges;
        Sources::new(share, loot)
    }

    /// Reports `count` tasks as finished. The worker that reports the last task ends the phase.
    pub(super) fn finish(&self, count: u64) {
        // Release: publishes what this worker has done. Acquire: the last one hands on what all have done.
        let before = self.control().remaining.fetch_sub(count, Ordering::AcqRel);
        if before == count {
            self.phase().done();
        }
    }

    /// Asks all workers to leave.
    pub(super) fn dismiss(&self) {
        // Relaxed: no other data depends on it.
        self.control().leaving.store(1, Ordering::Relaxed);
        // The waker's fence of the invariant in `park`: a sleeping worker must find this word, like a task.
        fence(Ordering::SeqCst);
        self.parking().wake(self.worker_count());
    }

    /// Whether the workers must leave.
    #[inline]
    pub(super) fn is_leaving(&self) -> bool {
        // Relaxed: see `dismiss`.
        self.control().leaving.load(Ordering::Relaxed) != 0
    }

    /// Stores which task `worker` runs from now on. Only for that worker.
    #[inline]
    pub(super) fn set_current(&self, worker: usize, task: Option<TaskId>) {
        let word = task.map_or(0, |task| task.0 + 1);
        // Relaxed: a dead worker's value is ordered by the kernel after everything that it did; for a stuck task any
        // recent value will do.
        self.places[worker].current.store(word, Ordering::Relaxed);
    }

    /// What `worker` runs, or ran when it died; `None` between tasks.
    pub(super) fn current(&self, worker: usize) -> Option<TaskId> {
        let word = self.places[worker].current.load(Ordering::Relaxed);
        word.checked_sub(1).map(TaskId)
    }
}
