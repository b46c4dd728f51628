//! What the `fork` backend costs, beside the least that forked processes can do.
//!
//! Prints a line a figure: median, and the ratio to its raw probe where it has one. Probe and backend take
//! turns, so that both see the same machine. It stands apart from the other benchmarks since it forks, and
//! criterion may start threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::thread::futex;
use taskdyno::backend::{Backend, Continuation, FORK, Pool, PoolPlan};
use taskdyno::execute::{Job, expected_digest};
use taskdyno::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno::kernel::{EMPTY, KernelKind, Setting, Sharing};
use taskdyno::memory::SharedSlice;
use taskdyno::parameter::Parameters;

const WORKERS: usize = 2;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if given("--list") {
        if !given("--ignored") {
            println!("fork_probe: benchmark");
        }
        return;
    }
    fork_section(given("--bench") && !given("--test"));
}

/// How much to measure.
#[derive(Clone, Copy)]
struct Scale {
    rounds: usize,
    tasks: u32,
    steps: u32,
}

/// Measures everything; `full` or one tiny round. Must run before this process has a second thread.
fn fork_section(full: bool) {
    let scale = if full {
        Scale {
            rounds: 31,
            tasks: 1_000_000,
            steps: 2000,
        }
    } else {
        Scale {
            rounds: 1,
            tasks: 1000,
            steps: 10,
        }
    };
    start_and_stop(scale);
    independent(scale);
    for width in [64, 2] {
        for continuation in [Continuation::Queue, Continuation::Inline] {
            dependent(scale, width, continuation);
        }
    }
    round_trip(scale);
}

fn independent(scale: Scale) {
    let mut backend = Running::start(stencil(scale.tasks, 1), Continuation::Queue);
    let mut probe = SharedIndex::start(u64::from(scale.tasks));
    let (mut raw, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds {
        raw.push(timed(|| probe.run()));
        ours.push(backend.timed_run());
    }
    let count = f64::from(scale.tasks);
    let (raw, ours) = (median(raw) / count, median(ours) / count);
    println!("independent, raw shared index      {raw:8.1} ns a task");
    println!(
        "independent, fork                  {ours:8.1} ns a task, {:.2} x raw",
        ours / raw
    );
}

fn dependent(scale: Scale, width: u32, continuation: Continuation) {
    let mut backend = Running::start(stencil(width, scale.steps), continuation);
    let samples = (0..scale.rounds).map(|_| backend.timed_run()).collect();
    let ours = median(samples) / f64::from(width * scale.steps);
    let name = format!("{continuation:?}").to_lowercase();
    println!("stencil width {width:2}, {name:6}           {ours:8.1} ns a task");
}

fn round_trip(scale: Scale) {
    let mut backend = Running::start(stencil(1, 1), Continuation::Queue);
    let parked = (0..scale.rounds * 10).map(|_| {
        // Long enough for every worker to fall asleep.
        thread::sleep(Duration::from_millis(1));
        backend.timed_run()
    });
    let parked = median(parked.collect()) / 1000.0;
    let busy = median(
        (0..scale.rounds * 100)
            .map(|_| backend.timed_run())
            .collect(),
    ) / 1000.0;
    println!("round trip of one task, parked     {parked:8.1} us");
    println!("round trip of one task, at once    {busy:8.1} us");
}

fn start_and_stop(scale: Scale) {
    let (mut raw, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds {
        raw.push(timed(|| {
            (0..WORKERS)
                .map(|_| fork(|| ()))
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(join)
        }));
        let job = job(stencil(1, 1));
        ours.push(timed(|| {
            drop(
                FORK.start(job, &plan(Continuation::Queue))
                    .expect("a pool starts"),
            )
        }));
    }
    let (raw, ours) = (median(raw) / 1000.0, median(ours) / 1000.0);
    println!("start and stop, fork and waitpid   {raw:8.1} us");
    println!(
        "start and stop, fork               {ours:8.1} us, {:.2} x raw",
        ours / raw
    );
}

/// The backend with a job, checked after every run.
struct Running {
    job: Arc<Job>,
    pool: Box<dyn Pool>,
    expected: u64,
}

impl Running {
    /// Warmed up.
    fn start(graph: TaskGraph, continuation: Continuation) -> Self {
        let job = job(graph);
        let expected = expected_digest(job.graph(), job.kernel());
        let pool = FORK
            .start(Arc::clone(&job), &plan(continuation))
            .expect("a pool starts");
        let mut running = Self {
            job,
            pool,
            expected,
        };
        running.timed_run();
        running
    }

    fn timed_run(&mut self) -> u64 {
        self.job.begin_run();
        let wall_ns = timed(|| self.pool.run().expect("a run succeeds"));
        self.job.verify(self.expected).expect("a run is right");
        wall_ns
    }
}

fn job(graph: TaskGraph) -> Arc<Job> {
    let setting = Setting {
        graph: &graph,
        sharing: Sharing::Processes,
        worker_count: WORKERS,
    };
    let kernel = EMPTY.build(&Parameters::default(), &setting);
    Arc::new(Job::new(graph, kernel.expect("an empty kernel")).expect("shared pages"))
}

fn plan(continuation: Continuation) -> PoolPlan {
    PoolPlan {
        continuation,
        ..PoolPlan::plain(&FORK, WORKERS)
    }
}

fn stencil(width: u32, steps: u32) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    for step in 0..steps {
        for point in 0..width {
            let before = point.saturating_sub(1)..=(point + 1).min(width - 1);
            let before =
                before.map(|other| TaskId((step.wrapping_sub(1)).wrapping_mul(width) + other));
            let pushed = if step == 0 {
                builder.push([])
            } else {
                builder.push(before)
            };
            pushed.expect("a stencil");
        }
    }
    builder.finish()
}

/// The least that handing out independent work to processes can cost: one shared index, one addition a
/// task, nothing checked and nothing stored.
struct SharedIndex {
    words: Arc<SharedSlice<crossbeam_utils::CachePadded<AtomicU64>>>,
    /// Round number, then how many workers are done with it: futexes.
    futexes: Arc<SharedSlice<AtomicU32>>,
    workers: Vec<Pid>,
}

impl SharedIndex {
    fn start(count: u64) -> Self {
        let words = Arc::new(SharedSlice::new(1).expect("a shared page"));
        let futexes: Arc<SharedSlice<AtomicU32>> =
            Arc::new(SharedSlice::new(2).expect("a shared page"));
        let workers = (0..WORKERS)
            .map(|_| fork(|| Self::work(&words, &futexes, count)))
            .collect();
        Self {
            words,
            futexes,
            workers,
        }
    }

    fn work(words: &[crossbeam_utils::CachePadded<AtomicU64>], futexes: &[AtomicU32], count: u64) {
        let mut round = 0;
        loop {
            sleep_while(&futexes[0], round);
            round = round.wrapping_add(1);
            if futexes[0].load(Ordering::Acquire) == u32::MAX {
                return;
            }
            // Relaxed: nothing but the index itself is shared.
            while words[0].fetch_add(1, Ordering::Relaxed) < count {}
            futexes[1].fetch_add(1, Ordering::Release);
            wake(&futexes[1]);
        }
    }

    fn run(&mut self) {
        self.words[0].store(0, Ordering::Relaxed);
        self.futexes[1].store(0, Ordering::Relaxed);
        self.futexes[0].fetch_add(1, Ordering::Release);
        wake(&self.futexes[0]);
        for done in 0..WORKERS as u32 {
            sleep_while(&self.futexes[1], done);
        }
    }
}

impl Drop for SharedIndex {
    fn drop(&mut self) {
        self.futexes[0].store(u32::MAX, Ordering::Release);
        wake(&self.futexes[0]);
        self.workers.drain(..).for_each(join);
    }
}

fn sleep_while(word: &AtomicU32, value: u32) {
    while word.load(Ordering::Acquire) == value {
        // An early return only means another look.
        let _ = futex::wait(word, futex::Flags::empty(), value, None);
    }
}

fn wake(word: &AtomicU32) {
    futex::wake(word, futex::Flags::empty(), u32::MAX >> 1).expect("a valid word");
}

fn fork(body: impl FnOnce()) -> Pid {
    // SAFETY: `main` starts no thread.
    match unsafe { libc::fork() } {
        0 => {
            body();
            // SAFETY: takes any status and does not return.
            unsafe { libc::_exit(0) }
        }
        raw => Pid::from_raw(raw).expect("a child"),
    }
}

fn join(pid: Pid) {
    waitpid(Some(pid), WaitOptions::empty()).expect("a child of this process");
}

fn timed<R>(body: impl FnOnce() -> R) -> u64 {
    let start = Instant::now();
    body();
    start.elapsed().as_nanos() as u64
}

/// The middle of `samples`, in their unit; the upper one of two.
fn median(mut samples: Vec<u64>) -> f64 {
    samples.sort_unstable();
    samples[samples.len() / 2] as f64
}
