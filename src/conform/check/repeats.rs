//! A check of work that is done again: a child must not keep the result of a nonce for the next time.
//!
//! The runs of a slice have one nonce, and measurements alternate between two nonces. A child that keeps results would
//! therefore make few of the runs that it reports, and all its digests would be right. So the same number of runs is
//! taken with nonces that the child has seen, and with new ones in chained slices, where each run has a nonce of its own.
//!
//! The child is wrong only if the known nonces take less than a third of the work in each of three rounds. The order
//! changes from round to round: a runtime that becomes faster while it runs makes the first of the two look slow, in one
//! order or the other, but not in both.

use super::times::busy_kernel;
use crate::conform::bench::{Bench, draw};
use crate::conform::claims::ClaimedBackend;
use crate::conform::fault::Setback;
use crate::conform::passed::Passed;
use crate::conform::session::{PreparedChild, TestCase, of_runs};
use crate::conform::work::{ChosenKernel, NamedGraph};
use crate::machine::tree::reading::SliceCpu;
use crate::record::nanoseconds;

/// How long the slices that are compared take at least: so long that the requests do not matter.
const SERIES_NS: u64 = 100_000_000;
/// How many times longer they are if processes come and go, so that their CPU time is known well enough.
const TICKS_FACTOR: u64 = 3;
/// The least number of runs per slice. A child that makes one run per slice then makes a quarter of them.
const LEAST_RUN_COUNT: u64 = 4;
/// The part of the work below which it was not done. It is far from 1, which an honest child has, and from the quarter
/// at most that remains if results are kept.
const LEAST_RATIO: f64 = 1.0 / 3.0;
/// Whether the new nonces come first, for each round.
const ROUNDS: [bool; 3] = [true, false, true];

pub(super) fn repeated_nonce(bench: &Bench<'_>) -> Result<Passed, Setback> {
    let kernel = match busy_kernel(bench) {
        Ok(kernel) => kernel,
        Err(why) => return Ok(Passed::NotApplicable(why)),
    };
    bench.each(|backend| forgets(bench, backend, &kernel))
}

fn forgets(
    bench: &Bench<'_>,
    backend: &ClaimedBackend,
    kernel: &ChosenKernel,
) -> Result<Passed, Setback> {
    let graph = NamedGraph::independent(2);
    let case = TestCase::new(backend, 1, kernel, &graph);
    let mut session = case.start(bench.subject, bench.nonces[0])?;
    let mut run_count = runs_per_slice(&mut session)?;
    if new_nonces(&mut session, run_count)?.cpu.ns().is_none() {
        run_count *= TICKS_FACTOR;
    }
    let mut last = None;
    for is_new_first in ROUNDS {
        let first = is_new_first.then(|| new_nonces(&mut session, run_count));
        let first = first.transpose()?;
        let known = known_nonces(&mut session, &bench.nonces, run_count)?;
        let new = match first {
            Some(new) => new,
            None => new_nonces(&mut session, run_count)?,
        };
        let (what, known_ns, new_ns) = compared(known, new);
        if known_ns as f64 >= LEAST_RATIO * new_ns as f64 {
            session.close()?;
            return Ok(Passed::Yes);
        }
        last = Some((what, known_ns, new_ns));
    }
    let (what, known_ns, new_ns) = last.expect("there are rounds");
    let run_count = 2 * run_count;
    Err(session.exchange.fault(
        format!(
            "it remembers results: {run_count} runs took {new_ns} ns of {what} with new nonces, but {known_ns} ns with \
             nonces that it had seen"
        ),
        "compute every task in every run, also if nonce, seeds and graph are those of an earlier run; switch off what \
         caches results in your runtime",
    ))
}

/// How many runs each of two slices needs to take [`SERIES_NS`] together.
fn runs_per_slice(session: &mut PreparedChild<'_>) -> Result<u64, Setback> {
    // The child has never seen the nonces of a chained slice, so it has to work.
    let once = session.slice(&of_runs(draw(), 1, 1, true))?;
    let once_ns = nanoseconds(once.elapsed).max(1);
    Ok(SERIES_NS.div_ceil(2 * once_ns).max(LEAST_RUN_COUNT))
}

/// What two slices took.
#[derive(Debug, Clone, Copy)]
struct Effort {
    cpu: SliceCpu,
    wall_ns: u64,
}

/// Takes two slices whose runs all have nonces of their own.
fn new_nonces(session: &mut PreparedChild<'_>, run_count: u64) -> Result<Effort, Setback> {
    take(session, [draw(), draw()], run_count, true)
}

/// Takes a slice with each of these nonces twice, and returns the effort of the second time.
fn known_nonces(
    session: &mut PreparedChild<'_>,
    nonces: &[u64; 2],
    run_count: u64,
) -> Result<Effort, Setback> {
    take(session, *nonces, run_count, false)?;
    take(session, *nonces, run_count, false)
}

fn take(
    session: &mut PreparedChild<'_>,
    nonces: [u64; 2],
    run_count: u64,
    is_chained: bool,
) -> Result<Effort, Setback> {
    let before = session.exchange.usage();
    let mut wall_ns = 0;
    for nonce in nonces {
        let slice = session.slice(&of_runs(nonce, 1, run_count, is_chained))?;
        wall_ns += slice.wall_ns();
    }
    let cpu = session.exchange.usage().since(&before).cpu;
    Ok(Effort { cpu, wall_ns })
}

/// Two efforts in the same quantity, with its name. The reported time also contains what other programs took from the
/// child, so it counts only if the CPU time is not known.
fn compared(known: Effort, new: Effort) -> (&'static str, u64, u64) {
    match (known.cpu.ns(), new.cpu.ns()) {
        (Some(known_ns), Some(new_ns)) => ("CPU time", known_ns, new_ns),
        _ => ("reported time", known.wall_ns, new.wall_ns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn efforts_are_compared_in_cpu_time_only_if_both_are_known() {
        let effort = |cpu, wall_ns| Effort { cpu, wall_ns };
        let known = effort(SliceCpu::Clock(5), 9);
        let new = effort(SliceCpu::Ticks(50), 90);
        assert_eq!(compared(known, new), ("CPU time", 5, 50));
        let short = effort(SliceCpu::TooShort, 90);
        assert_eq!(compared(known, short), ("reported time", 9, 90));
    }
}
