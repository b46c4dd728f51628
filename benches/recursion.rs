//! Measures the overhead of our own code in recursive programs: each backend beside its runtime driven by hand, and our own
//! deques beside rayon. `cargo bench --bench recursion [FILTER]` prints one table, which is made as that of `overhead`.

use std::sync::Arc;

use taskdyno::internal::backend::{CHILI, CROSSBEAM, FORK, RAYON, SERIAL};
use taskdyno_core::backend::{Backend, Pool, PoolPlan};
use taskdyno_core::execute::{Job, expected_digest};
use taskdyno_core::kernel::{FIB, KernelKind, TREE_SUM, UTS};
use taskdyno_core::parameter::Value;
use taskdyno_core::pattern::TRIVIAL;

use crate::prepare::{new_graph, new_job, new_kernel, worker_count};
use crate::table::{Effort, Row, Section, median, median_ratio, nanoseconds, rounds};

#[path = "overhead/arguments.rs"]
mod arguments;
#[path = "recursion/by_hand.rs"]
mod by_hand;
#[path = "overhead/prepare.rs"]
#[allow(dead_code, reason = "the other bench uses the rest")]
mod prepare;
#[path = "overhead/table.rs"]
#[allow(dead_code, reason = "the other benches use the rest")]
mod table;

const SECTIONS: &[Section] = &[
    ("fork-over-rayon", fork_over_rayon),
    ("crossbeam-over-rayon", crossbeam_over_rayon),
    ("rayon", rayon),
    ("chili", chili),
    ("published", published),
];

fn main() {
    table::main(SECTIONS);
}

/// The number whose calls above the cut-off are tasks, and the cut-off.
const FIB_TASKS: (u64, u64) = (25, 10);
/// The levels of the tree of 1,023 nodes for which chili publishes times.
const LEVELS: u64 = 10;

/// A program on a pool.
struct Running {
    job: Arc<Job>,
    pool: Box<dyn Pool>,
    /// Runs per reading of the clock.
    run_count: u64,
}

impl Running {
    fn start(
        backend: &dyn Backend,
        kind: &dyn KernelKind,
        given: &[(&str, u64)],
        run_count: u64,
    ) -> Self {
        let given = given
            .iter()
            .map(|(name, count)| (*name, Value::Count(*count)));
        let job = new_job(new_graph(&TRIVIAL, [("width", 1)]), new_kernel(kind, given));
        let plan = PoolPlan::plain(
            backend,
            backend.fixed_worker_count().unwrap_or(worker_count()),
        );
        let pool = backend.start(Arc::clone(&job), &plan);
        Self {
            pool: pool.expect("a pool can be started"),
            job,
            run_count,
        }
    }

    fn fib(backend: &dyn Backend) -> Self {
        let (n, cut_off) = FIB_TASKS;
        Self::start(backend, &FIB, &[("n", n), ("cut_off", cut_off)], 10)
    }

    fn tree_sum(backend: &dyn Backend) -> Self {
        Self::start(backend, &TREE_SUM, &[("levels", LEVELS)], 100)
    }

    /// The nanoseconds of one run.
    fn nanoseconds(&mut self) -> f64 {
        let runs = nanoseconds(|| {
            for _ in 0..self.run_count {
                self.job.begin_run();
                self.pool.run().expect("the run succeeds");
            }
        });
        let expected = expected_digest(self.job.graph(), self.job.kernel(), 0);
        self.job.verify(expected).expect("the last run was right");
        runs / self.run_count as f64
    }
}

/// Compares a backend with its runtime driven by hand.
fn over_by_hand(what: &str, effort: Effort, mut ours: Running, by_hand: impl Fn() -> u64) -> Row {
    let run_count = ours.run_count;
    let by_hand = || {
        let runs = nanoseconds(|| (0..run_count).map(|_| by_hand()).fold(0, u64::wrapping_add));
        runs / run_count as f64
    };
    let rounds = rounds(effort, || ours.nanoseconds(), by_hand);
    Row::at_most(with_times(what, &rounds), median_ratio(&rounds), 1.05)
}

fn with_times(what: &str, rounds: &[(f64, f64)]) -> String {
    let [a, b] = [|pair: &(f64, f64)| pair.0, |pair: &(f64, f64)| pair.1]
        .map(|side| median(rounds.iter().map(side)) / 1000.0);
    format!("{what} ({a:.1} over {b:.1} µs)")
}

/// A seed that the compiler does not know.
fn seed() -> u64 {
    std::hint::black_box(1)
}

fn rayon(effort: Effort) -> Vec<Row> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(worker_count());
    let pool = pool.build().expect("threads can be started");
    let (n, cut_off) = FIB_TASKS;
    let row = |what, ours, by_hand: &(dyn Fn() -> u64 + Sync)| {
        over_by_hand(what, effort, ours, || pool.install(by_hand))
    };
    vec![
        row("rayon, fib, over by hand", Running::fib(&RAYON), &|| {
            by_hand::fib_rayon(n, cut_off)
        }),
        row(
            "rayon, fib, over by hand with digest and count",
            Running::fib(&RAYON),
            &|| by_hand::checked_fib_rayon(n, cut_off, seed()).1,
        ),
        row(
            "rayon, tree-sum, over by hand",
            Running::tree_sum(&RAYON),
            &|| by_hand::tree_rayon(1, LEVELS),
        ),
        row(
            "rayon, tree-sum, over by hand with digest and count",
            Running::tree_sum(&RAYON),
            &|| by_hand::checked_tree_rayon(1, LEVELS, seed()).1,
        ),
    ]
}

fn chili(effort: Effort) -> Vec<Row> {
    let pool = chili::ThreadPool::with_config(chili::Config {
        thread_count: std::num::NonZero::new(worker_count()),
        ..chili::Config::default()
    });
    let (n, cut_off) = FIB_TASKS;
    let scope = std::cell::RefCell::new(pool.scope());
    let row = |what, ours, by_hand: &dyn Fn(&mut chili::Scope<'_>) -> u64| {
        over_by_hand(what, effort, ours, || by_hand(&mut scope.borrow_mut()))
    };
    vec![
        row("chili, fib, over by hand", Running::fib(&CHILI), &|scope| {
            by_hand::fib_chili(n, cut_off, scope)
        }),
        row(
            "chili, fib, over by hand with digest and count",
            Running::fib(&CHILI),
            &|scope| by_hand::checked_fib_chili(n, cut_off, seed(), scope).1,
        ),
        row(
            "chili, tree-sum, over by hand",
            Running::tree_sum(&CHILI),
            &|scope| by_hand::tree_chili(1, LEVELS, scope),
        ),
        row(
            "chili, tree-sum, over by hand with digest and count",
            Running::tree_sum(&CHILI),
            &|scope| by_hand::checked_tree_chili(1, LEVELS, seed(), scope).1,
        ),
    ]
}

/// Starts a program on a backend.
type Start<'a> = &'a dyn Fn(&dyn Backend) -> Running;

/// A backend beside rayon, on `fib` and on an unbalanced tree.
fn over_rayon(backend: &dyn Backend, effort: Effort) -> Vec<Row> {
    let depth = if effort.shrink > 1 { 4 } else { 7 };
    let tree = [("depth", depth)];
    // Processes are forked before rayon starts a thread.
    let programs: [(&str, Start<'_>); 2] = [
        ("fib", &Running::fib),
        ("uts", &|backend| Running::start(backend, &UTS, &tree, 1)),
    ];
    let row = |(name, start): (&str, Start<'_>)| {
        let (mut ours, mut rayons) = (start(backend), start(&RAYON));
        let rounds = rounds(effort, || ours.nanoseconds(), || rayons.nanoseconds());
        let what = with_times(&format!("{}, {name}, over rayon", backend.name()), &rounds);
        Row::at_most(what, median_ratio(&rounds), 1.5)
    };
    programs.map(row).into()
}

fn crossbeam_over_rayon(effort: Effort) -> Vec<Row> {
    over_rayon(&CROSSBEAM, effort)
}

fn fork_over_rayon(effort: Effort) -> Vec<Row> {
    over_rayon(&FORK, effort)
}

/// The times that the README of chili has for a tree sum of 1,023 nodes.
fn published(effort: Effort) -> Vec<Row> {
    let claims: [(&dyn Backend, f64); 3] =
        [(&SERIAL, 1800.0), (&CHILI, 3400.0), (&RAYON, 51_000.0)];
    let row = |(backend, published): (&dyn Backend, f64)| {
        let mut running = Running::tree_sum(backend);
        let found = median((0..effort.rounds).map(|_| running.nanoseconds()));
        let what = format!(
            "{}, tree-sum of 1,023 nodes, beside what chili publishes",
            backend.name()
        );
        Row::nanoseconds(what, found, published)
    };
    claims.map(row).into()
}
