//! The whole matrix under criterion: `cargo bench`, `cargo bench -- --save-baseline main`,
//! `cargo bench -- --baseline main`, `cargo bench -- FILTER`.
//!
//! Each case still runs in its own child process, which is started when criterion first measures it. Criterion asks
//! for a number of iterations, the child takes one sample per iteration, and the result is the sum of their wall
//! times.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, PlottingBackend};
use plotters::style::FontStyle;
use taskdyno::internal::case::protocol::Prepare;
use taskdyno::internal::case::{ChildPlan, ChildProgram, Patience, Session, Works};
use taskdyno::internal::machine::host;
use taskdyno::internal::matrix;
use taskdyno::internal::matrix::{Binding, CaseFilter, PlannedCase, Selection, WorkerChoice};
use taskdyno::internal::measure::SlicePlan;
use taskdyno::internal::registry::Registry;
use taskdyno::internal::workload;
use taskdyno::record::Sample;

/// Criterion takes at least ten samples; with these times the whole matrix takes some minutes.
const SAMPLE_COUNT: usize = 10;
const WARM_UP: Duration = Duration::from_millis(100);
const MEASUREMENT: Duration = Duration::from_millis(500);
/// No case of the matrix takes this long, unless it hangs.
const TIMEOUT: Duration = Duration::from_secs(120);
/// The program that runs each case.
const PROGRAM: &str = env!("CARGO_BIN_EXE_taskdyno");
/// The nonces of the runs are drawn from it.
const SEED: u64 = 1;

fn main() {
    register_font();
    let mut criterion = Criterion::default()
        .sample_size(SAMPLE_COUNT)
        .warm_up_time(WARM_UP)
        .measurement_time(MEASUREMENT)
        .plotting_backend(PlottingBackend::Plotters)
        .configure_from_args();
    let registry = Registry::default();
    let workloads = workload::builtin(&registry).expect("the built-in workloads are valid");
    let by_default = registry.backends.iter().copied();
    let selection = Selection {
        filter: CaseFilter::default(),
        backends: by_default.filter(|one| one.is_default()).collect(),
        externals: Vec::new(),
        is_named: false,
        worker_counts: WorkerChoice::usual(host::host().usable_core_count()),
        continuation: None,
        pin: Binding::Nobody,
        options: BTreeMap::new(),
    };
    let works = Works::new(Path::new(PROGRAM), SEED);
    for planned in matrix::cases(&workloads, &selection).planned {
        bench(&mut criterion, &works, &planned);
    }
    criterion.final_summary();
}

/// Gives criterion's pictures the font that our own pictures use. Plotters is built without the system's fonts, and
/// would panic.
fn register_font() {
    const FONT: &[u8] = include_bytes!("../assets/font/Roboto-Regular.ttf");
    let registered = plotters::style::register_font("sans-serif", FontStyle::Normal, FONT);
    assert!(registered.is_ok(), "the font of the project is valid");
}

fn bench(criterion: &mut Criterion, works: &Works, planned: &PlannedCase) {
    let case = &planned.case;
    let group_name = match case.variant.as_str() {
        "" => case.workload.clone(),
        variant => format!("{}/{variant}", case.workload),
    };
    let id = BenchmarkId::new(&case.backend, case.workers);
    let mut session: Option<Session> = None;
    let mut group = criterion.benchmark_group(group_name);
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|iterations| {
            let session = session.get_or_insert_with(|| prepare(works, planned));
            wall(session, iterations)
        });
    });
    group.finish();
}

/// Starts a child with this case, and warms it up.
fn prepare(works: &Works, planned: &PlannedCase) -> Session {
    let prepare = Prepare {
        retry_limit: planned.retry_limit,
        task_timeout_ns: planned.task_timeout.map(|time| time.as_nanos() as u64),
        certified_optimum_ns: planned.certified_optimum.map(|time| time.as_nanos() as u64),
        ..Prepare::of(planned.case.clone())
    };
    let child_plan = ChildPlan {
        program: ChildProgram::of_build(Path::new(PROGRAM)),
        works: Some(works),
        backend: None,
    };
    let (session, _) = Session::start(&child_plan, prepare, TIMEOUT, &mut Patience)
        .unwrap_or_else(|error| panic!("{}: {}", planned.case.id(), error.message));
    session
}

/// The wall time of this many runs.
fn wall(session: &mut Session, iterations: u64) -> Duration {
    let slice = session
        .slice(SlicePlan::exactly(iterations), &mut Patience)
        .unwrap_or_else(|error| panic!("{}: {}", error.kind, error.message));
    // A sample has several runs if one is too short for the clock.
    let wall_ns: f64 = slice.samples.iter().map(Sample::run_wall_ns).sum();
    Duration::from_nanos(wall_ns as u64)
}
