//! What our own machinery costs: each backend beside its runtime driven by hand, each kernel beside a bare
//! loop, and the core by itself. `cargo bench --bench overhead [FILTER]` prints one table.
//!
//! What is compared is measured in turn, A B B A, in one process, and the ratio is the median of the
//! rounds' ratios: the speed of a shared machine drifts, and a drift that is the same for both cancels out.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use sha2::{Digest, Sha256};
use taskdyno::backend::{
    Backend, CROSSBEAM, Continuation, Pool, PoolPlan, RAYON, SERIAL, STATIC, TOKIO,
};
use taskdyno::execute::{Job, expected_digest};
use taskdyno::graph::{TaskGraph, TaskId};
use taskdyno::kernel::{
    BUSY_WAIT, COMPUTE_BOUND, COUNTER, EMPTY, HASH, Kernel, KernelKind, MEMORY_BOUND, SLEEP,
    Setting, Sharing,
};
use taskdyno::parameter::{Parameter, Parameters, Value};
use taskdyno::pattern::{PATTERNS, Pattern, STENCIL_1D, TRIVIAL};

#[path = "overhead/arguments.rs"]
mod arguments;
#[path = "overhead/by_hand.rs"]
mod by_hand;

use arguments::Request;

/// One line of the table.
struct Row {
    what: String,
    /// The figure, with its unit.
    found: String,
    /// The goal, in the same unit.
    goal: String,
    is_met: bool,
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    /// Rounds of A B B A.
    rounds: usize,
    /// Divides the sizes of graphs and loops.
    shrink: u64,
}

const MEASURE: Effort = Effort {
    rounds: 41,
    shrink: 1,
};
const TEST: Effort = Effort {
    rounds: 1,
    shrink: 100,
};

/// A part of the table: its name, and how to measure it.
type Section = (&'static str, fn(Effort) -> Vec<Row>);

const SECTIONS: &[Section] = &[
    ("core", core),
    ("static", static_partition),
    ("hand-off", hand_off),
    ("crossbeam", crossbeam),
    ("rayon", rayon),
    ("tokio", tokio),
    ("counter", counter),
    ("hash", hash),
    ("sleep", sleep),
    ("overlap", overlap),
    ("graph", graph),
    ("patterns", patterns),
];

fn main() {
    match arguments::parse(std::env::args().skip(1)) {
        Request::Nothing => {}
        Request::List(filter) => {
            for (name, _) in SECTIONS.iter().filter(|(name, _)| filter.matches(name)) {
                println!("{name}: benchmark");
            }
        }
        Request::Test(filter) => {
            for (name, measure) in SECTIONS.iter().filter(|(name, _)| filter.matches(name)) {
                measure(TEST);
                println!("{name}: ok");
            }
        }
        Request::Measure(filter) => {
            let wanted = SECTIONS.iter().filter(|(name, _)| filter.matches(name));
            for row in wanted.flat_map(|(_, measure)| measure(MEASURE)) {
                print(&row);
            }
        }
    }
}

fn print(row: &Row) {
    let verdict = if row.is_met { "met" } else { "MISSED" };
    println!(
        "{:<68} {:>12} {:>12}  {verdict}",
        row.what, row.found, row.goal
    );
}

impl Row {
    /// A time in nanoseconds that should be at most `goal`.
    fn nanoseconds(what: impl Into<String>, found: f64, goal: f64) -> Self {
        Self {
            what: what.into(),
            found: format!("{found:.1} ns"),
            goal: format!("≤ {goal} ns"),
            is_met: found <= goal,
        }
    }

    /// A ratio that should be at most `goal`.
    fn at_most(what: impl Into<String>, found: f64, goal: f64) -> Self {
        Self {
            what: what.into(),
            found: format!("{found:.3} ×"),
            goal: format!("≤ {goal} ×"),
            is_met: found <= goal,
        }
    }

    /// A ratio that should be at least `goal`.
    fn at_least(what: impl Into<String>, found: f64, goal: f64) -> Self {
        Self {
            goal: format!("≥ {goal} ×"),
            is_met: found >= goal,
            ..Self::at_most(what, found, goal)
        }
    }
}

/// The verified core in topological order, and what counting down adds.
fn core(effort: Effort) -> Vec<Row> {
    let mut serial = Pooled::start(&SERIAL, stencil(64, effort), Continuation::Queue);
    let counting = new_job(stencil(64, effort), empty());
    let mut stack = Vec::new();
    let rounds = rounds(
        effort,
        || serial.nanoseconds(),
        || run_nanoseconds(&counting, || by_hand::count_down(&counting, &mut stack)),
    );
    serial.verify();
    verify(&counting);
    let added = rounds.iter().map(|(serial, counting)| counting - serial);
    vec![
        Row::nanoseconds(
            "serial, stencil width 64: check, run, store; a task",
            median(rounds.iter().map(|(serial, _)| *serial)),
            8.0,
        ),
        Row::nanoseconds("counting dependents down adds, a task", median(added), 16.0),
    ]
}

fn static_partition(effort: Effort) -> Vec<Row> {
    let row = |(width, goal)| {
        let queue = Continuation::Queue;
        let mut pool = Pooled::start(&STATIC, stencil(width, effort), queue);
        let runs: Vec<f64> = (0..5 * effort.rounds).map(|_| pool.nanoseconds()).collect();
        pool.verify();
        let what = format!("static, stencil width {width}, a task");
        Row::nanoseconds(what, median(runs.into_iter()), goal)
    };
    [(64, 6.0), (2, 40.0)].map(row).into()
}

/// A stencil of width 2 on `static` beside two threads that do nothing but wait for each other: no backend can
/// hand over faster, and METG(50%) cannot be below twice what a step by hand takes beside its work.
fn hand_off(effort: Effort) -> Vec<Row> {
    let row = |iterations| {
        let job = new_job(stencil(2, effort), compute_bound(iterations));
        let steps = job.graph().task_count() / 2;
        let mut pool = Pooled::start_job(&STATIC, job, worker_count(), Continuation::Queue);
        let mut by_hand = by_hand::Pair::new(compute_bound(iterations), steps);
        let rounds = rounds(
            effort,
            || 2.0 * pool.nanoseconds(),
            || nanoseconds(|| by_hand.run()) / steps as f64,
        );
        pool.verify();
        let alone = compute_bound(iterations);
        let chain = || (0..steps).fold(1, |seed, _| alone.run(TaskId(0), seed));
        let work = median((0..effort.rounds).map(|_| nanoseconds(chain) / steps as f64));
        let what = format!(
            "static, a step of width 2, over by hand ({:.0} over {:.0} ns, {work:.0} of work)",
            median(rounds.iter().map(|(ours, _)| *ours)),
            median(rounds.iter().map(|(_, by_hand)| *by_hand)),
        );
        Row::at_most(what, median_ratio(&rounds), 1.25)
    };
    [1, 40, FINE].map(row).into()
}

const CONTINUATIONS: [Continuation; 2] = [Continuation::Queue, Continuation::Inline];

fn crossbeam(effort: Effort) -> Vec<Row> {
    let row = |stencil: &dyn Fn() -> Arc<Job>, continuation| {
        let job = stencil();
        let by_hand = by_hand::Crossbeam::new(Arc::clone(&job), continuation, worker_count());
        let jobs = (stencil(), &*job);
        over_by_hand(&CROSSBEAM, jobs, continuation, effort, || by_hand.run())
    };
    on_both_stencils(effort, row)
}

fn rayon(effort: Effort) -> Vec<Row> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(worker_count());
    let pool = pool.build().expect("threads can be started");
    let row = |stencil: &dyn Fn() -> Arc<Job>, continuation| {
        let job = stencil();
        let by_hand = || by_hand::rayon(&pool, &job, continuation);
        over_by_hand(&RAYON, (stencil(), &job), continuation, effort, by_hand)
    };
    on_both_stencils(effort, row)
}

fn tokio(effort: Effort) -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_count())
        .build()
        .expect("threads can be started");
    let row = |stencil: &dyn Fn() -> Arc<Job>, continuation| {
        let job = stencil();
        let by_hand = by_hand::Tokio::new(Arc::clone(&job), continuation);
        let by_hand = || by_hand.run(&runtime);
        over_by_hand(&TOKIO, (stencil(), &job), continuation, effort, by_hand)
    };
    on_both_stencils(effort, row)
}

/// A row for each continuation, on a wide stencil of empty tasks and on a narrow one of fine tasks.
fn on_both_stencils(
    effort: Effort,
    row: impl Fn(&dyn Fn() -> Arc<Job>, Continuation) -> Row,
) -> Vec<Row> {
    let wide = || new_job(stencil(64, effort), empty());
    let narrow = || new_job(stencil(2, effort), compute_bound(FINE));
    let jobs: [&dyn Fn() -> Arc<Job>; 2] = [&wide, &narrow];
    let rows = jobs
        .iter()
        .flat_map(|job| CONTINUATIONS.map(|one| row(job, one)));
    rows.collect()
}

/// A backend on a stencil beside `by_hand`, which runs the second of two equal jobs.
fn over_by_hand(
    backend: &dyn Backend,
    (ours, theirs): (Arc<Job>, &Job),
    continuation: Continuation,
    effort: Effort,
    by_hand: impl Fn(),
) -> Row {
    let width = theirs.graph().sources().len();
    let mut pool = Pooled::start_job(backend, ours, worker_count(), continuation);
    let rounds = rounds(
        effort,
        || pool.nanoseconds(),
        || run_nanoseconds(theirs, &by_hand),
    );
    pool.verify();
    verify(theirs);
    let what = format!(
        "{}, width {width}, {continuation:?}, over by hand ({:.1} over {:.1} ns a task)",
        backend.name(),
        median(rounds.iter().map(|(ours, _)| *ours)),
        median(rounds.iter().map(|(_, by_hand)| *by_hand)),
    );
    Row::at_most(what, median_ratio(&rounds), 1.10)
}

/// The counter kernel beside a loop that does the same to a counter of its own.
fn counter(effort: Effort) -> Vec<Row> {
    let increments = 1_000_000 / effort.shrink;
    let word = AtomicU64::new(0);
    let mutex = Mutex::new(0u64);
    // Relaxed everywhere: there is one thread, and the kernel does the same.
    let racy = || word.store(word.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    let atomic = || {
        word.fetch_add(1, Ordering::Relaxed);
    };
    let locked = || *mutex.lock().expect("an addition does not panic") += 1;
    vec![
        counter_row("racy", increments, effort, racy),
        counter_row("atomic", increments, effort, atomic),
        counter_row("mutex", increments, effort, locked),
        counter_row("sharded", increments, effort, atomic),
    ]
}

fn counter_row(variant: &str, increments: u64, effort: Effort, increment: impl Fn()) -> Row {
    let given = [
        ("variant", Value::Text(variant.into())),
        ("increments", Value::Count(increments)),
    ];
    let kernel = new_kernel(&COUNTER, given);
    let rounds = rounds(
        effort,
        || nanoseconds(|| kernel.run(TaskId(0), 1)),
        || nanoseconds(|| (0..increments).for_each(|_| increment())),
    );
    let what = format!("counter kernel, {variant}, over a bare loop");
    Row::at_most(what, median_ratio(&rounds), 1.05)
}

/// The hash kernel beside the bare crate, and its speed-up on several cores.
fn hash(effort: Effort) -> Vec<Row> {
    const BLOCK_BYTES: usize = 4096;
    let times = 500 / effort.shrink;
    let kernel = || {
        let given = [("block_bytes", BLOCK_BYTES as u64), ("times", times)];
        new_kernel(&HASH, given.map(|(key, count)| (key, Value::Count(count))))
    };
    let (block, ours) = (vec![7u8; BLOCK_BYTES], kernel());
    let shares = rounds(
        effort,
        || nanoseconds(|| bare_hash(&block, times)),
        || nanoseconds(|| ours.run(TaskId(0), 1)),
    );
    // As much for each worker, whatever their number; timed a task.
    let start = |worker_count| {
        let graph = new_graph(&TRIVIAL, [("width", 4 * worker_count as u64)]);
        let job = new_job(graph, kernel());
        Pooled::start_job(&STATIC, job, worker_count, Continuation::Queue)
    };
    let (mut one, mut all) = (start(1), start(worker_count()));
    let speed_ups = rounds(effort, || one.nanoseconds(), || all.nanoseconds());
    one.verify();
    all.verify();
    let share = median_ratio(&shares);
    let what = format!("hash kernel, speed-up on {} cores", worker_count());
    vec![
        Row::at_least("hash kernel, share of the bare crate's speed", share, 0.98),
        Row::at_least(
            what,
            median_ratio(&speed_ups),
            0.975 * worker_count() as f64,
        ),
    ]
}

/// What the hash kernel does, without the kernel: each round waits for the one before it.
fn bare_hash(block: &[u8], times: u64) -> u64 {
    (0..times).fold(1u64, |link, _| {
        let mut hasher = Sha256::new();
        hasher.update(link.to_le_bytes());
        hasher.update(block);
        let digest = hasher.finalize();
        u64::from_le_bytes(*digest.first_chunk().expect("it has 32 bytes"))
    })
}

/// How much longer than asked for the sleep kernel sleeps, with timers as sharp as they get.
fn sleep(effort: Effort) -> Vec<Row> {
    const ASKED_NS: f64 = 1e6;
    let before = rustix::thread::current_timer_slack().expect("Linux tells");
    // 1 ns is the least that the system takes.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1)).expect("a thread may set its own");
    let kernel = new_kernel(&SLEEP, [("duration_ms", Value::Count(1))]);
    let sleeps = (0..5 * effort.rounds).map(|_| nanoseconds(|| kernel.run(TaskId(0), 1)));
    let overshoot = median(sleeps) - ASKED_NS;
    rustix::thread::set_current_timer_slack(NonZeroU64::new(before))
        .expect("a thread may set its own");
    vec![Row::nanoseconds(
        "sleep kernel, 1 ms: overshoot with a timer slack of 1 ns",
        overshoot,
        35_000.0,
    )]
}

/// A kernel of short tasks, and its counts.
type Short<'a> = (&'a dyn KernelKind, &'a [(&'a str, u64)]);

/// Short tasks that do not depend on each other beside a chain of the same tasks: they must not take less
/// time, or the processor overlaps them and they look shorter than they are.
fn overlap(effort: Effort) -> Vec<Row> {
    let task_count = 64_000 / effort.shrink;
    let kernels: [Short<'_>; 5] = [
        (&BUSY_WAIT, &[("duration_ns", 1)]),
        (&COMPUTE_BOUND, &[("iterations", 1)]),
        (&COMPUTE_BOUND, &[("iterations", 16)]),
        (&MEMORY_BOUND, &[("lines", 1), ("working_set_bytes", 4096)]),
        (&HASH, &[("block_bytes", 1)]),
    ];
    let row = |(kind, given): Short<'_>| {
        let values = given
            .iter()
            .map(|(key, count)| (*key, Value::Count(*count)));
        let kernel = new_kernel(kind, values);
        let run = |_, seed| kernel.run(TaskId(0), seed);
        let alone = || (0..task_count).for_each(|_| _ = black_box(run(0, black_box(1))));
        let chained = || _ = black_box((0..task_count).fold(1, run));
        let a_task = |time: f64| time / task_count as f64;
        let rounds = rounds(
            effort,
            || a_task(nanoseconds(alone)),
            || a_task(nanoseconds(chained)),
        );
        let (name, (key, count)) = (kind.name(), given[0]);
        let what = format!(
            "{name}, {key} = {count}, alone over chained ({:.1} over {:.1} ns)",
            median(rounds.iter().map(|(alone, _)| *alone)),
            median(rounds.iter().map(|(_, chained)| *chained)),
        );
        Row::at_least(what, median_ratio(&rounds), 0.95)
    };
    kernels.map(row).into()
}

/// Building a graph of ten million tasks, and the memory that a job of it takes.
fn graph(effort: Effort) -> Vec<Row> {
    let steps = 156_250 / effort.shrink;
    let before = resident_bytes();
    let start = Instant::now();
    let graph = new_graph(&STENCIL_1D, [("width", 64), ("steps", steps)]);
    let build = start.elapsed().as_secs_f64();
    let job = new_job(graph, empty());
    let task_count = job.graph().task_count();
    let bytes = resident_bytes().saturating_sub(before) as f64 / task_count as f64;
    vec![
        Row {
            what: format!("a stencil of {task_count} tasks, to build"),
            found: format!("{build:.2} s"),
            goal: "≤ 1.5 s".into(),
            is_met: build <= 1.5,
        },
        Row {
            what: format!("a job of {task_count} tasks, resident bytes a task"),
            found: format!("{bytes:.1} B"),
            goal: "≤ 64 B".into(),
            is_met: bytes <= 64.0,
        },
    ]
}

/// Building every pattern at about ten million tasks, a row each, the slowest last.
fn patterns(effort: Effort) -> Vec<Row> {
    let mut times: Vec<(f64, &str)> = Vec::new();
    for pattern in PATTERNS {
        let declared = pattern.parameters().iter();
        let given = declared.map(|one| (one.name, ten_million(pattern.name(), one.name, effort)));
        let given = given
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let parameters = Parameters::check(pattern.parameters(), &given).expect("they fit");
        let start = Instant::now();
        let graph = pattern.build(&parameters).expect("the graph fits its ids");
        times.push((start.elapsed().as_secs_f64(), pattern.name()));
        black_box(graph);
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rows = times.iter().map(|(seconds, name)| Row {
        what: format!("{name} at 10 million tasks, to build"),
        found: format!("{seconds:.2} s"),
        goal: "≤ 1.5 s".into(),
        is_met: *seconds <= 1.5,
    });
    rows.collect()
}

/// The value that, with those of the other parameters, makes ten million tasks or somewhat more.
fn ten_million(pattern: &str, parameter: &str, effort: Effort) -> Value {
    let small = effort.shrink > 1;
    let count = match (pattern, parameter) {
        ("all-to-all", "width") => 4,
        ("all-to-all", "steps") => 2_500_000 / effort.shrink,
        ("chain", "steps") | (_, "tasks") => 10_000_000 / effort.shrink,
        (_, "width") => 64,
        (_, "steps") => 156_250 / effort.shrink,
        (_, "depth" | "tiles") if small => 3,
        ("skynet", "depth") => 7,
        ("butterfly", "depth") => 19,
        (_, "depth") => 22,
        ("lu", "tiles") => 311,
        (_, "tiles") => 391,
        ("random-dag", "radix") => 6,
        (_, "window") => 1000,
        (_, "fan_out") => 10,
        (_, "fraction") => return Value::Number(0.5),
        _ => 3,
    };
    Value::Count(count)
}

/// Resident memory of this process.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm
        .split_whitespace()
        .nth(1)
        .expect("the second field is resident pages");
    let pages: u64 = pages.parse().expect("it is a number");
    pages * rustix::param::page_size() as u64
}

/// A started pool and its job.
struct Pooled {
    job: Arc<Job>,
    pool: Box<dyn Pool>,
}

impl Pooled {
    fn start(backend: &dyn Backend, graph: TaskGraph, continuation: Continuation) -> Self {
        Self::start_job(
            backend,
            new_job(graph, empty()),
            worker_count(),
            continuation,
        )
    }

    fn start_job(
        backend: &dyn Backend,
        job: Arc<Job>,
        worker_count: usize,
        continuation: Continuation,
    ) -> Self {
        let plan = PoolPlan {
            continuation,
            ..PoolPlan::plain(backend, worker_count)
        };
        let pool = backend.start(Arc::clone(&job), &plan);
        Self {
            pool: pool.expect("a pool can be started"),
            job,
        }
    }

    /// Runs the graph once, and returns the time a task.
    fn nanoseconds(&mut self) -> f64 {
        run_nanoseconds(&self.job, || self.pool.run().expect("the run succeeds"))
    }

    fn verify(&self) {
        verify(&self.job);
    }
}

/// Times one run of `job`, and returns the time a task.
fn run_nanoseconds(job: &Job, run: impl FnOnce()) -> f64 {
    job.begin_run();
    nanoseconds(run) / job.graph().task_count() as f64
}

/// Checks the last run. Not done after each one: it would draw every output into one core's cache, from
/// where the next run would have to fetch it. A fault in an earlier run shows in the one that follows it.
fn verify(job: &Job) {
    let expected = expected_digest(job.graph(), job.kernel());
    job.verify(expected).expect("the last run was right");
}

fn nanoseconds<R>(body: impl FnOnce() -> R) -> f64 {
    let start = Instant::now();
    black_box(body());
    start.elapsed().as_nanos() as f64
}

/// Measures A B B A, round after round, and returns the two means of each round.
fn rounds(
    effort: Effort,
    mut a: impl FnMut() -> f64,
    mut b: impl FnMut() -> f64,
) -> Vec<(f64, f64)> {
    let mut round = || {
        let (first, second, third, fourth) = (a(), b(), b(), a());
        ((first + fourth) / 2.0, (second + third) / 2.0)
    };
    // The first one warms up.
    round();
    (0..effort.rounds).map(|_| round()).collect()
}

/// The median over the rounds of A over B.
fn median_ratio(rounds: &[(f64, f64)]) -> f64 {
    median(rounds.iter().map(|(a, b)| a / b))
}

/// The median of an odd number of values.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Two, as in the goals, or one on a machine that has no more.
fn worker_count() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2))
}

/// A stencil of 64,000 tasks at full effort.
fn stencil(width: u64, effort: Effort) -> TaskGraph {
    let steps = 64_000 / width / effort.shrink;
    new_graph(&STENCIL_1D, [("width", width), ("steps", steps)])
}

fn new_graph<const N: usize>(pattern: &dyn Pattern, given: [(&str, u64); N]) -> TaskGraph {
    let given = given.map(|(key, count)| (key, Value::Count(count)));
    let graph = pattern.build(&checked(pattern.parameters(), given));
    graph.expect("the graph fits its ids")
}

fn new_kernel<'a>(
    kind: &dyn KernelKind,
    given: impl IntoIterator<Item = (&'a str, Value)>,
) -> Box<dyn Kernel> {
    let parameters = checked(kind.parameters(), given);
    let setting = Setting {
        graph: &TaskGraph::default(),
        sharing: Sharing::Threads,
        worker_count: worker_count(),
    };
    let kernel = kind.build(&parameters, &setting);
    kernel.expect("the system gives a page")
}

fn checked<'a>(
    declared: &[Parameter],
    given: impl IntoIterator<Item = (&'a str, Value)>,
) -> Parameters {
    let given = given.into_iter();
    let given: BTreeMap<String, Value> = given.map(|(key, value)| (key.into(), value)).collect();
    Parameters::check(declared, &given).expect("the parameters are declared")
}

/// Iterations of a task that lasts about as long as handing it to another core takes.
const FINE: u64 = 160;

fn compute_bound(iterations: u64) -> Box<dyn Kernel> {
    new_kernel(&COMPUTE_BOUND, [("iterations", Value::Count(iterations))])
}

fn empty() -> Box<dyn Kernel> {
    new_kernel(&EMPTY, [])
}

fn new_job(graph: TaskGraph, kernel: Box<dyn Kernel>) -> Arc<Job> {
    Arc::new(Job::new(graph, kernel).expect("the system gives the pages"))
}
