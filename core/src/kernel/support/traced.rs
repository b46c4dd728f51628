use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::wrapper::{Wrapped, Wrapper};
use crate::graph::TaskId;
use crate::kernel::Kernel;
use crate::memory::{Padded, SharedSlice};

/// The clock that times tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskClock {
    /// The monotonic clock of the system.
    Monotonic,
    /// The time stamp counter of the processor, which is read in less than half of the time. Use it only where all cores count at
    /// the same, constant rate; on other processors than x86-64, this is the monotonic clock.
    TimeStampCounter,
}

/// `kernel` with a clock around every task. It adds two clock reads per task, so it is used in separate runs that
/// are not the timed ones.
///
/// # Errors
///
/// If the system refuses the shared pages.
pub fn traced(
    kernel: Box<dyn Kernel>,
    task_count: usize,
    clock: TaskClock,
) -> io::Result<(Box<dyn Kernel>, Arc<TaskTimes>)> {
    let times = Arc::new(TaskTimes::new(task_count, clock)?);
    let traced = Wrapped {
        kernel,
        wrapper: Clock(Arc::clone(&times)),
    };
    Ok((Box::new(traced), times))
}

/// When a task ran, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskSpan {
    /// The time from the beginning of the run to the start of the task, in nanoseconds.
    pub start_ns: u64,
    /// The time from its start to its end.
    pub duration_ns: u64,
    /// The thread that ended it: the threads of a run are numbered from 0 in the order in which they end their first task.
    /// A thread with the number [`MOST_THREADS`] or a higher one has this number.
    pub thread: u16,
}

impl TaskSpan {
    /// The time from the beginning of the run to the end of the task, in nanoseconds.
    pub fn end_ns(&self) -> u64 {
        self.start_ns + self.duration_ns
    }
}

/// The number of threads of a run that are told apart.
pub const MOST_THREADS: u16 = u16::MAX;

/// The low bits of a word that hold the number of a thread.
const THREAD_BITS: u32 = u16::BITS;

/// The words of a task: its start in ticks; and its duration in ticks, above the number of the thread that ended it. The
/// duration has 48 bits, which are enough for a day.
const WORDS: usize = 2;

/// Numbers all traced runs of this process, so that a thread notices that a new one has begun. 0 is no run.
static NEXT_RUN: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// The number of the traced run in which this thread last ended a task, above its own number in this run.
    static THREAD: Cell<u64> = const { Cell::new(0) };
}

/// When each task ran in the last run, in pages that worker processes share.
pub struct TaskTimes {
    clock: TaskClock,
    /// When the ticks were first read. All processes of a machine have the same clocks.
    origin: Instant,
    origin_ticks: u64,
    /// The number of the current run, and how many threads have ended tasks in it.
    run: SharedSlice<Padded<AtomicU64>>,
    words: SharedSlice<AtomicU64>,
}

impl TaskTimes {
    /// Two readings that lie this far apart give the rate of the counter to a few millionths.
    const CALIBRATION: Duration = Duration::from_millis(10);

    fn new(task_count: usize, clock: TaskClock) -> io::Result<Self> {
        let words = SharedSlice::new(task_count.saturating_mul(WORDS))?;
        // The system allocates a page when it is first written, which must not happen in a task.
        const PAGE_WORDS: usize = 4096 / size_of::<AtomicU64>();
        for word in words.iter().step_by(PAGE_WORDS) {
            // Relaxed: nobody else has the pages yet.
            AtomicU64::store(word, 0, Ordering::Relaxed);
        }
        let mut times = Self {
            clock,
            origin: Instant::now(),
            origin_ticks: 0,
            run: SharedSlice::new(2)?,
            words,
        };
        times.origin_ticks = times.now();
        times.begin_run();
        Ok(times)
    }

    /// Begins the next run. Nothing may be running.
    pub fn begin_run(&self) {
        // Relaxed: the start of the run orders these before all tasks.
        let number = NEXT_RUN.fetch_add(1, Ordering::Relaxed);
        self.run[0].store(number, Ordering::Relaxed);
        self.run[1].store(0, Ordering::Relaxed);
    }

    /// What the clock shows now, in ticks.
    ///
    /// Nothing orders a reading of the counter among other instructions: a fence would nearly double its cost. So the start of a
    /// task can be read while the processor still checks its inputs, a fraction of a microsecond early.
    #[inline]
    pub fn now(&self) -> u64 {
        #[cfg(target_arch = "x86_64")]
        if self.clock == TaskClock::TimeStampCounter {
            // SAFETY: every x86-64 processor has this instruction, and it changes nothing.
            return unsafe { std::arch::x86_64::_rdtsc() };
        }
        self.origin.elapsed().as_nanos() as u64
    }

    /// When each task of the last run ran, if that run began at `start`, a reading of [`now`](Self::now). Nothing may be
    /// running. Waits until the clock has run for 10 milliseconds in all.
    pub fn spans(&self, start: u64) -> Vec<TaskSpan> {
        let ns_per_tick = self.ns_per_tick();
        let ns = |ticks: u64| (ticks.saturating_sub(start) as f64 * ns_per_tick) as u64;
        // Relaxed: the end of the run ordered all stores before this.
        let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
        let span = |words: &[AtomicU64]| {
            let (begin, rest) = (load(&words[0]), load(&words[1]));
            let start_ns = ns(begin);
            TaskSpan {
                start_ns,
                // Both ends are rounded in the same way, so the order of ends and starts stays as it was.
                duration_ns: ns(begin + (rest >> THREAD_BITS)) - start_ns,
                thread: rest as u16,
            }
        };
        self.words.chunks_exact(WORDS).map(span).collect()
    }

    /// How long each task took in its last run, in nanoseconds; 0 for a task that never ran. Nothing may be running.
    pub fn durations_ns(&self) -> Vec<u64> {
        let spans = self.spans(self.origin_ticks);
        spans.into_iter().map(|span| span.duration_ns).collect()
    }

    fn ns_per_tick(&self) -> f64 {
        if self.clock == TaskClock::Monotonic || cfg!(not(target_arch = "x86_64")) {
            return 1.0;
        }
        let rest = Self::CALIBRATION.saturating_sub(self.origin.elapsed());
        std::thread::sleep(rest);
        let ticks = self.now() - self.origin_ticks;
        self.origin.elapsed().as_nanos() as f64 / ticks.max(1) as f64
    }

    #[inline]
    fn start(&self, task: TaskId) {
        // Relaxed: only the worker that runs the task accesses its words. If a task moves between workers, the
        // runtime orders the accesses.
        self.words[WORDS * task.index()].store(self.now(), Ordering::Relaxed);
    }

    #[inline]
    fn end(&self, task: TaskId) {
        // Relaxed: as in `start`.
        let start = self.words[WORDS * task.index()].load(Ordering::Relaxed);
        self.keep_end(task, start);
    }

    #[inline]
    fn keep_end(&self, task: TaskId, start: u64) {
        let duration = self.now().saturating_sub(start);
        let word = duration << THREAD_BITS | self.thread();
        // Relaxed: as in `start`.
        self.words[WORDS * task.index() + 1].store(word, Ordering::Relaxed);
    }

    /// The number of the calling thread in this run.
    #[inline]
    fn thread(&self) -> u64 {
        // Relaxed: the start of the run has ordered the store before this.
        let run = self.run[0].load(Ordering::Relaxed);
        let known = THREAD.get();
        match known >> THREAD_BITS == run {
            true => known & u64::from(u16::MAX),
            false => self.number_thread(run),
        }
    }

    // Cold: once per thread and run.
    #[cold]
    fn number_thread(&self, run: u64) -> u64 {
        // Relaxed: only the number itself matters.
        let number = self.run[1].fetch_add(1, Ordering::Relaxed);
        let number = number.min(u64::from(MOST_THREADS));
        THREAD.set(run << THREAD_BITS | number);
        number
    }
}

/// A clock around every task.
struct Clock(Arc<TaskTimes>);

impl Wrapper for Clock {
    #[inline]
    fn run(&self, task: TaskId, work: impl FnOnce() -> u64) -> u64 {
        self.0.start(task);
        let output = work();
        self.0.end(task);
        output
    }

    fn begin_wait(&self, task: TaskId) {
        self.0.start(task);
    }

    fn end_wait(&self, task: TaskId) {
        self.0.end(task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Waits;

    impl Kernel for Waits {
        fn run(&self, _: TaskId, seed: u64) -> u64 {
            std::thread::sleep(Duration::from_millis(2));
            seed
        }

        fn expected(&self, _: TaskId, seed: u64) -> u64 {
            seed
        }

        fn wait(&self, _: TaskId) -> Option<Duration> {
            Some(Duration::from_millis(2))
        }
    }

    const CLOCKS: [TaskClock; 2] = [TaskClock::Monotonic, TaskClock::TimeStampCounter];

    #[test]
    fn each_task_is_timed_whether_it_blocks_or_is_awaited() {
        for clock in CLOCKS {
            let (kernel, times) = traced(Box::new(Waits), 3, clock).unwrap();
            assert_eq!(kernel.run(TaskId(0), 7), 7);
            let wait = kernel.wait(TaskId(1)).unwrap();
            std::thread::sleep(wait);
            assert_eq!(kernel.expected(TaskId(1), 8), 8);
            let durations = times.durations_ns();
            // The rate of the counter is known to a thousandth at least.
            assert!(durations[0] >= 1_998_000, "{clock:?} {durations:?}");
            assert!(durations[1] >= 1_998_000, "{clock:?} {durations:?}");
            assert_eq!(durations[2], 0);
        }
    }

    #[test]
    fn tasks_of_a_run_keep_their_order_and_threads_are_numbered_anew() {
        for clock in CLOCKS {
            let (kernel, times) = traced(Box::new(Waits), 3, clock).unwrap();
            kernel.run(TaskId(0), 7);
            times.begin_run();
            let start = times.now();
            std::thread::scope(|scope| {
                for task in [1, 0, 2] {
                    let kernel = &kernel;
                    let thread = scope.spawn(move || kernel.run(TaskId(task), 7));
                    thread.join().unwrap();
                }
            });
            let spans = times.spans(start);
            assert_eq!([1, 0, 2].map(|task| spans[task].thread), [0, 1, 2]);
            assert!(
                spans[1].end_ns() <= spans[0].start_ns,
                "{clock:?} {spans:?}"
            );
            assert!(
                spans[0].end_ns() <= spans[2].start_ns,
                "{clock:?} {spans:?}"
            );
        }
    }
}
