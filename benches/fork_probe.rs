//! Compares the cost of the `fork` backend with the least that forked processes can do.
//!
//! It prints one line per figure: the median, and its ratio to the reference. The two alternate, so that both see
//! the same state of the machine. `cargo bench --bench fork_probe NAME` measures only the sections whose names contain
//! NAME. It is separate from the other benchmarks because it forks, and criterion may start threads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};
use taskdyno::internal::backend::{CROSSBEAM, FORK};
use taskdyno_core::backend::{Backend, Continuation, Pool, PoolPlan};
use taskdyno_core::execute::{Job, expected_digest};
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::kernel::{EMPTY, Kernel, KernelKind, Setting, Sharing};
use taskdyno_core::memory::SharedSlice;
use taskdyno_core::parameter::{Parameters, Value};

use crate::by_hand::{SharedIndex, fork, join, median, timed};

#[path = "fork_probe/by_hand.rs"]
mod by_hand;
#[path = "fork_probe/waits.rs"]
mod waits;

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
    let mut names = arguments.iter().filter(|one| !one.starts_with('-'));
    // With `--exact`, it is the name of this program, as in the list.
    let wanted = names.next().filter(|_| !given("--exact"));
    let wanted = wanted.map_or("", String::as_str);
    fork_sections(given("--bench") && !given("--test"), wanted);
}

/// A name, and how to measure it.
type Section = (&'static str, fn(ProbeScale));

/// The parts, in the order in which they run. Those that start threads come
/// last.
const SECTIONS: &[Section] = &[
    ("start", start_and_stop),
    ("independent", independent),
    ("round-trip", round_trip),
    ("notice", notice),
    ("waits-of-processes", waits::processes),
    ("waits-of-threads", waits::threads),
    ("dependent", dependent),
];

/// How much to measure.
#[derive(Clone, Copy)]
struct ProbeScale {
    rounds: usize,
    tasks: u32,
    steps: u32,
    wait_ms: u64,
}

/// Measures the sections whose names contain `wanted`; `full` or one tiny round. Must run before this process has a
/// second thread.
fn fork_sections(full: bool, wanted: &str) {
    let scale = if full {
        ProbeScale {
            rounds: 31,
            tasks: 1_000_000,
            steps: 2000,
            wait_ms: 200,
        }
    } else {
        ProbeScale {
            rounds: 1,
            tasks: 1000,
            steps: 10,
            wait_ms: 1,
        }
    };
    for (_, measure) in SECTIONS.iter().filter(|(name, _)| name.contains(wanted)) {
        measure(scale);
    }
}

fn independent(scale: ProbeScale) {
    let plan = plan(&FORK, Continuation::Queue);
    let mut backend = Running::start(&FORK, stencil(scale.tasks, 1), &plan);
    let mut probe = SharedIndex::start(u64::from(scale.tasks));
    let (mut raw, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds {
        raw.push(timed(|| probe.run()));
        ours.push(backend.timed_run());
    }
    let count = f64::from(scale.tasks);
    let (raw, ours) = (median(raw) / count, median(ours) / count);
    println!("independent, raw shared index      {raw:8.1} ns per task");
    println!(
        "independent, fork                  {ours:8.1} ns per task, {:.2} x raw",
        ours / raw
    );
}

/// Compares stencils of empty tasks with threads that do the same. All process pools are started before the first
/// thread.
fn dependent(scale: ProbeScale) {
    let cases = [64, 2].into_iter().flat_map(|width| {
        [Continuation::Queue, Continuation::Inline].map(|continuation| (width, continuation))
    });
    let processes: Vec<_> = cases
        .map(|(width, continuation)| {
            let graph = stencil(width, scale.steps);
            let running = Running::start(&FORK, graph, &plan(&FORK, continuation));
            (width, continuation, running)
        })
        .collect();
    for (width, continuation, mut ours) in processes {
        if width == 64 && continuation == Continuation::Queue {
            println!(
                "memory that a worker adds          {:8} kB",
                added_kilobytes(&*ours.pool)
            );
        }
        let mut theirs = Running::start(
            &CROSSBEAM,
            stencil(width, scale.steps),
            &plan(&CROSSBEAM, continuation),
        );
        let samples = (0..scale.rounds).map(|_| (theirs.timed_run(), ours.timed_run()));
        let (theirs, ours): (Vec<u64>, Vec<u64>) = samples.unzip();
        let count = f64::from(width * scale.steps);
        let (theirs, ours) = (median(theirs) / count, median(ours) / count);
        let name = format!("{continuation:?}").to_lowercase();
        println!("stencil width {width:2}, {name:6}, crossbeam {theirs:8.1} ns per task");
        println!(
            "stencil width {width:2}, {name:6}, fork      {ours:8.1} ns per task, {:.2} x crossbeam",
            ours / theirs
        );
    }
}

/// The most private memory, in kB, of any of the workers.
fn added_kilobytes(pool: &dyn Pool) -> u64 {
    let added = |id: u32| {
        let path = format!("/proc/{id}/smaps_rollup");
        let text = std::fs::read_to_string(path).expect("the worker is alive");
        let private = text.lines().filter(|line| line.starts_with("Private_"));
        let numbers = private.filter_map(|line| line.split_whitespace().nth(1));
        numbers
            .map(|number| number.parse::<u64>().expect("kB"))
            .sum()
    };
    let most = pool.worker_processes().into_iter().map(added).max();
    most.expect("the pool has workers")
}

fn round_trip(scale: ProbeScale) {
    let plain = plan(&FORK, Continuation::Queue);
    let spin: BTreeMap<String, Value> = ["worker_spin", "coordinator_spin"]
        .map(|name| (name.into(), Value::Count(1_000_000)))
        .into();
    let mut spinning = plain.clone();
    let options = Parameters::check(FORK.options(), &spin);
    spinning.options = options.expect("these are options of the backend");
    let mut parked = Running::start(&FORK, stencil(1, 1), &plain);
    let samples = (0..scale.rounds * 10).map(|_| {
        // Long enough for every worker to fall asleep.
        thread::sleep(Duration::from_millis(1));
        parked.timed_run()
    });
    let parked_us = median(samples.collect()) / 1000.0;
    println!("round trip of one task, parked     {parked_us:8.1} us");
    for (name, plan) in [("at once ", plain), ("spinning", spinning)] {
        let mut running = Running::start(&FORK, stencil(1, 1), &plan);
        let samples = (0..scale.rounds * 100).map(|_| running.timed_run());
        let us = median(samples.collect()) / 1000.0;
        println!("round trip of one task, {name}   {us:8.2} us");
    }
}

/// Measures from the death of a worker in a task to the end of the run that fails because of it, with all other
/// workers dismissed.
fn notice(scale: ProbeScale) {
    let mut samples = Vec::new();
    for _ in 0..scale.rounds {
        let killed: Arc<SharedSlice<AtomicU64>> = Arc::new(SharedSlice::new(1).expect("a page"));
        let start = Instant::now();
        let kernel = Dies {
            start,
            killed: Arc::clone(&killed),
        };
        let job = Arc::new(Job::new(stencil(1, 1), Box::new(kernel)).expect("shared pages"));
        let pool = FORK.start(Arc::clone(&job), &plan(&FORK, Continuation::Queue));
        let mut pool = pool.expect("the pool starts");
        job.begin_run();
        pool.run().expect_err("its only task dies");
        let end = start.elapsed().as_nanos() as u64;
        samples.push(end - killed[0].load(Ordering::Relaxed));
    }
    let us = median(samples) / 1000.0;
    println!("death at work, until the run ends  {us:8.1} us");
}

/// A kernel that records when it is killed. It first waits until the coordinator sleeps.
struct Dies {
    start: Instant,
    killed: Arc<SharedSlice<AtomicU64>>,
}

impl Kernel for Dies {
    fn run(&self, _: TaskId, _: u64) -> u64 {
        thread::sleep(Duration::from_millis(2));
        self.killed[0].store(self.start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
        unreachable!("it is dead")
    }
}

fn start_and_stop(scale: ProbeScale) {
    let (mut raw, mut ours, mut with_run) = (Vec::new(), Vec::new(), Vec::new());
    let plan = plan(&FORK, Continuation::Queue);
    // One task per worker.
    let (job, expected) = empty_job(stencil(WORKERS as u32, 1));
    for _ in 0..scale.rounds {
        raw.push(timed(|| {
            (0..WORKERS)
                .map(|_| fork(|| ()))
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(join)
        }));
        let start = || FORK.start(Arc::clone(&job), &plan).expect("a pool starts");
        ours.push(timed(|| drop(start())));
        job.begin_run();
        with_run.push(timed(|| start().run().expect("a run succeeds")));
        job.verify(expected).expect("a run is right");
    }
    let [raw, ours, with_run] = [raw, ours, with_run].map(|samples| median(samples) / 1000.0);
    println!("start and stop, fork and waitpid   {raw:8.1} us");
    for (name, ours) in [
        ("start and stop, fork", ours),
        ("start, a run, stop, fork", with_run),
    ] {
        println!("{name:34} {ours:8.1} us, {:.2} x raw", ours / raw);
    }
}

/// The backend with a job. Every run is verified.
struct Running {
    job: Arc<Job>,
    pool: Box<dyn Pool>,
    expected: u64,
}

impl Running {
    /// Starts the pool and warms it up.
    fn start(backend: &dyn Backend, graph: TaskGraph, plan: &PoolPlan) -> Self {
        let (job, expected) = empty_job(graph);
        let pool = backend.start(Arc::clone(&job), plan);
        let mut running = Self {
            job,
            pool: pool.expect("a pool starts"),
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

/// A job of empty tasks, and its expected digest.
fn empty_job(graph: TaskGraph) -> (Arc<Job>, u64) {
    job(graph, &EMPTY, &BTreeMap::new())
}

/// A job with a kernel of these parameters, and its expected digest.
fn job(
    graph: TaskGraph,
    kernel: &dyn KernelKind,
    given: &BTreeMap<String, Value>,
) -> (Arc<Job>, u64) {
    let setting = Setting::new(&graph, Sharing::Processes, WORKERS);
    let parameters = Parameters::check(kernel.parameters(), given);
    let kernel = kernel.build(&parameters.expect("they are declared"), &setting);
    let job = Job::new(graph, kernel.expect("a kernel")).expect("shared pages");
    let expected = expected_digest(job.graph(), job.kernel(), 0);
    (Arc::new(job), expected)
}

fn plan(backend: &dyn Backend, continuation: Continuation) -> PoolPlan {
    let mut plan = PoolPlan::plain(backend, WORKERS);
    plan.continuation = continuation;
    plan
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
