//! Checks of times: a child cannot report less than its tasks must have taken.

use crate::conform::bench::Bench;
use crate::conform::claims::ClaimedBackend;
use crate::conform::fault::Setback;
use crate::conform::passed::Passed;
use crate::conform::session::{TestCase, cannot_make, exactly, of_runs};
use crate::conform::work::{ChosenKernel, NamedGraph};
use crate::record::nanoseconds;

/// How long a task waits, in milliseconds: long beside what a runtime needs for a task.
const WAIT_MS: u64 = 5;

pub(super) fn bound(bench: &Bench<'_>) -> Result<Passed, Setback> {
    let sleep = bench.claimed_kind("sleep");
    let Some(sleep) = sleep.and_then(|kind| ChosenKernel::sized(kind, WAIT_MS)) else {
        return Ok(Passed::NotApplicable("it does not claim `sleep`".into()));
    };
    let graph = NamedGraph::dense(4, 3);
    bench.each(|backend| {
        let case = TestCase::new(backend, 2, &sleep, &graph);
        let waits = backend.waits_per_worker;
        let parallelism = waits.map(|waits| waits.saturating_mul(case.workers));
        let least_ns = sleep
            .least_ns(&graph.graph, parallelism)
            .map_err(cannot_make)?;
        let mut session = case.start(bench.subject, bench.nonces[0])?;
        let slice = session.slice(&exactly(bench.nonces[0], 2))?;
        let per_run = slice
            .samples
            .iter()
            .map(|sample| sample.wall_ns / sample.run_count);
        if let Some(fastest) = per_run.min().filter(|fastest| *fastest < least_ns) {
            return Err(session.exchange.fault(
                format!("it reports {fastest} ns per run, but its tasks must wait {least_ns} ns"),
                "let every task wait for `duration_ms`, and begin no task before its predecessors have ended; if a \
                 worker can wait for several tasks at once, say so with `waits_per_worker`",
            ));
        }
        session.close()?;
        Ok(Passed::Yes)
    })
}

/// Kernels that keep a core busy, with a size that takes more than what a runtime needs for a task, in every language.
const BUSY: [(&str, u64); 3] = [("loop", 100_000), ("hash", 500), ("compute-bound", 50_000)];

/// A kernel that keeps a core busy, with a size that is large beside a runtime; the reason if the child has none.
pub(super) fn busy_kernel(bench: &Bench<'_>) -> Result<ChosenKernel, String> {
    let sized = |(name, size): &(&str, u64)| ChosenKernel::sized(bench.claimed_kind(name)?, *size);
    let kernel = BUSY.iter().find_map(sized);
    kernel.ok_or_else(|| {
        let names = BUSY.map(|(name, _)| format!("`{name}`"));
        format!("it claims none of {}", names.join(", "))
    })
}

/// The shortest slice whose CPU time is compared.
const SLICE_NS: u64 = 350_000_000;
/// How much more CPU time than wall time a worker may take: the process that manages the workers takes some too.
const MOST_RATIO: f64 = 1.5;
/// If the child used less of a core per worker than this, other programs had the cores. A child that reports half of
/// its time would then not stand out, so the slice is repeated.
const BUSY_RATIO: f64 = 0.85;
/// How often a slice is taken at most.
const MOST_ATTEMPTS: u32 = 6;
/// CPU time that is always allowed: a child may tidy up before it waits.
const ALLOWANCE_NS: f64 = 20e6;

pub(super) fn cpu_time(bench: &Bench<'_>) -> Result<Passed, Setback> {
    let kernel = match busy_kernel(bench) {
        Ok(kernel) => kernel,
        Err(why) => return Ok(Passed::NotApplicable(why)),
    };
    bench.each_alone(|backend| cpu_time_fits(bench, backend, &kernel))
}

fn cpu_time_fits(
    bench: &Bench<'_>,
    backend: &ClaimedBackend,
    kernel: &ChosenKernel,
) -> Result<Passed, Setback> {
    let graph = NamedGraph::independent(12);
    // With one worker, no part of the reported time can be hidden by workers that were idle.
    let case = TestCase::new(backend, 1, kernel, &graph);
    let nonce = bench.nonces[0];
    let mut session = case.start(bench.subject, nonce)?;
    // The child's own word on its time is what is in question.
    let once = session.slice(&of_runs(nonce, 1, 1, false))?;
    let run_count = SLICE_NS.div_ceil(nanoseconds(once.elapsed).max(1));
    let request = of_runs(nonce, 1, run_count, false);

    let mut doubt = "other programs had the cores";
    for _ in 0..MOST_ATTEMPTS {
        let before = session.exchange.usage();
        let slice = session.slice(&request)?;
        let used = session.exchange.usage().since(&before);
        let Some(cpu_ns) = used.cpu.ns() else {
            doubt = "the CPU time of its short-lived processes is known too roughly";
            break;
        };
        let wall_ns = slice.wall_ns();
        let most_ns = MOST_RATIO * wall_ns as f64 * f64::from(case.workers) + ALLOWANCE_NS;
        if cpu_ns as f64 > most_ns {
            return Err(session.exchange.fault(
                format!(
                    "it reports {wall_ns} ns of wall time on {} worker(s), but its processes took {cpu_ns} ns of CPU time",
                    case.workers
                ),
                "`wall_ns` is the time from the begin of the first run to the end of the last run of the sample; state \
                 in the greeting if a backend has a fixed number of workers, and use no more than `workers`",
            ));
        }
        let possible_ns = used.elapsed_ns as f64 * f64::from(case.workers);
        if cpu_ns as f64 >= BUSY_RATIO * possible_ns {
            session.close()?;
            return Ok(Passed::Yes);
        }
    }
    session.close()?;
    Ok(Passed::CannotTell(doubt.into()))
}
