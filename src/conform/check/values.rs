//! Checks of results: each run has the right digest, and was really made.

use crate::conform::bench::Bench;
use crate::conform::claims::ClaimedBackend;
use crate::conform::fault::Setback;
use crate::conform::passed::Passed;
use crate::conform::session::{TestCase, exactly, of_runs};
use crate::conform::work::{ChosenKernel, NamedGraph};
use crate::execute::fold;
use crate::external::COORDINATION;

const CONTRACT: &str = "compare seed, kernel and digest with FORMAT.md, and print the value of each task; a digest that is \
                        right for one task only points to the order in which predecessors are folded";
const NONCE: &str = "use the nonce of the request in the seed of every task, and remember no value from an earlier slice";

pub(super) fn digests(bench: &Bench<'_>) -> Result<Passed, Setback> {
    let first = &bench.any_backend().name;
    bench.each(|backend| {
        let mut choices = backend.choices();
        if bench.is_quick {
            choices.truncate(1);
        }
        for options in choices {
            let case = TestCase {
                options,
                ..TestCase::new(backend, 2, bench.any_kernel(), &bench.together)
            };
            every_pattern(bench, &case)?;
        }
        if bench.is_quick && backend.name != *first {
            return Ok(Passed::Yes);
        }
        // A kernel sees nothing of a graph, so one graph is enough for the others.
        let others = bench.kernels.iter().skip(1);
        for kernel in others.filter(|kernel| backend.has(&kernel.claim)) {
            bench.doing(&format!("{}, {}", backend.name, kernel.name()));
            let case = TestCase::new(backend, 2, kernel, &bench.odd);
            one_slice(bench, &case)?;
        }
        Ok(Passed::Yes)
    })
}

/// Runs `case`, whose graph contains every pattern. If it fails, runs each pattern alone, the smallest first: the
/// smallest graph that fails says most.
fn every_pattern(bench: &Bench<'_>, case: &TestCase<'_>) -> Result<(), Setback> {
    let Err(setback) = one_slice(bench, case) else {
        return Ok(());
    };
    if matches!(setback, Setback::Fault(_)) {
        for graph in &bench.patterns {
            one_slice(
                bench,
                &TestCase {
                    graph,
                    ..case.clone()
                },
            )?;
        }
    }
    Err(setback)
}

/// Runs a case for one sample, and compares its digest.
fn one_slice(bench: &Bench<'_>, case: &TestCase<'_>) -> Result<(), Setback> {
    let nonce = bench.nonces[0];
    let mut session = case.start(bench.subject, nonce)?;
    let slice = session.slice(&exactly(nonce, 1))?;
    session.compare(&slice.samples[0], case.digest(nonce)?, CONTRACT)?;
    session.close()
}

pub(super) fn sizes(bench: &Bench<'_>) -> Result<Passed, Setback> {
    let one_task = NamedGraph::independent(1);
    let no_edges = NamedGraph::independent(7);
    let no_tasks = NamedGraph::empty();
    bench.each(|backend| {
        for (workers, graph) in [
            (2, &one_task),
            (1, &no_edges),
            (3, &no_edges),
            (3, &bench.odd),
            (2, &no_tasks),
        ] {
            let case = TestCase::new(backend, workers, bench.any_kernel(), graph);
            one_slice(bench, &case)?;
        }
        Ok(Passed::Yes)
    })
}

pub(super) fn payload(bench: &Bench<'_>) -> Result<Passed, Setback> {
    if !bench.claims.has_payload {
        return Ok(Passed::NotApplicable("it has no payload".into()));
    }
    bench.each(|backend| {
        let case = TestCase {
            // No multiple of the 8 bytes that are written at a time.
            output_bytes: 13,
            ..bench.any_case(backend)
        };
        one_slice(bench, &case)?;
        Ok(Passed::Yes)
    })
}

/// How many tasks wait for each other, as few as a kernel needs.
const PARTIES: std::ops::RangeInclusive<u32> = 2..=12;

/// The fewest tasks that run a kernel whose tasks wait for each other; `None` if the backend cannot hold so many.
pub(super) fn party_count(kernel: &ChosenKernel, backend: &ClaimedBackend) -> Option<u32> {
    let count = PARTIES
        .into_iter()
        .find(|count| kernel.fits(*count, backend.family()));
    count.filter(|count| backend.holds(*count))
}

pub(super) fn parties(bench: &Bench<'_>) -> Result<Passed, Setback> {
    if !bench.claims.kinds.iter().any(|kind| kind == COORDINATION) {
        let why = format!("`kinds` does not contain {COORDINATION:?}");
        return Ok(Passed::NotApplicable(why));
    }
    bench.each(|backend| {
        let kernels = bench.coordinating.iter();
        for kernel in kernels.filter(|kernel| backend.has(&kernel.claim)) {
            let Some(count) = party_count(kernel, backend) else {
                continue;
            };
            bench.doing(&format!("{}, {}", backend.name, kernel.name()));
            let graph = NamedGraph::independent(count);
            one_slice(bench, &TestCase::new(backend, count, kernel, &graph))?;
        }
        Ok(Passed::Yes)
    })
}

pub(super) fn nonces(bench: &Bench<'_>) -> Result<Passed, Setback> {
    let [a, b] = bench.nonces;
    bench.first_or_each(|backend| {
        let case = bench.any_case(backend);
        let mut session = case.start(bench.subject, a)?;
        for nonce in [b, a, b] {
            let slice = session.slice(&exactly(nonce, 2))?;
            for sample in &slice.samples {
                session.compare(sample, case.digest(nonce)?, NONCE)?;
            }
        }
        session.close()?;
        Ok(Passed::Yes)
    })
}

pub(super) fn chained_slices(bench: &Bench<'_>) -> Result<Passed, Setback> {
    const HELP: &str = "in a chained slice, the nonce of each run is the nonce of the run before, folded with the digest \
                        of the run before; this goes on from sample to sample, and a sample has the digest of its \
                        last run";
    const RUN_COUNT: u64 = 3;
    const SAMPLE_COUNT: u64 = 2;
    bench.each(|backend| {
        let case = bench.any_case(backend);
        let mut nonce = bench.nonces[0];
        let mut session = case.start(bench.subject, nonce)?;
        let slice = session.slice(&of_runs(nonce, SAMPLE_COUNT, RUN_COUNT, true))?;
        for sample in slice.samples.iter().take(SAMPLE_COUNT as usize) {
            let mut digest = 0;
            for _ in 0..RUN_COUNT {
                digest = case.digest(nonce)?;
                nonce = fold(nonce, digest);
            }
            session.compare(sample, digest, HELP)?;
        }
        session.close()?;
        Ok(Passed::Yes)
    })
}
