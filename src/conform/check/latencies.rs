//! A check of latencies: those of each slice that asks for them, complete, and no others.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::values::party_count;
use crate::conform::bench::Bench;
use crate::conform::claims::ClaimedBackend;
use crate::conform::fault::Setback;
use crate::conform::passed::Passed;
use crate::conform::session::{PreparedChild, SentSlice, TestCase, of_runs};
use crate::conform::work::{ChosenKernel, NamedGraph};
use crate::latency::Histogram;
use crate::record::nanoseconds;

/// How many tasks run kernels whose tasks do not wait for each other, and on how many workers.
const TASK_COUNT: u32 = 3;
const WORKERS: u32 = 2;
/// The runs of each sample.
const RUN_COUNT: u64 = 2;
/// The samples of the longer of two slices. The other has one.
const MANY: u64 = 8;
/// The count of one run may be this many times that of another: a timer that is cancelled in time has no latency, and
/// at least every second timer fires.
const MOST_RATIO: u64 = 2;

pub(super) fn latencies(bench: &Bench<'_>) -> Result<Passed, Setback> {
    if !bench.claims.has_latencies {
        return Ok(Passed::NotApplicable(
            "its greeting does not say `has_latencies`".into(),
        ));
    }
    let kernels = timing_kernels(bench);
    if kernels.is_empty() {
        let why = "none of its kernels has latencies";
        return Ok(Passed::NotApplicable(why.into()));
    }
    bench.each(|backend| {
        for kernel in kernels.iter().filter(|kernel| backend.has(&kernel.claim)) {
            let Some((workers, graph)) = work_for(kernel, backend) else {
                continue;
            };
            bench.doing(&format!("{}, {}", backend.name, kernel.name()));
            every_slice(bench, &TestCase::new(backend, workers, kernel, &graph))?;
        }
        Ok(Passed::Yes)
    })
}

/// The kernels that have latencies, each with the first of its choices.
fn timing_kernels<'b>(bench: &'b Bench<'_>) -> Vec<&'b ChosenKernel> {
    let all = bench.kernels.iter().chain(&bench.coordinating);
    let mut chosen: Vec<&ChosenKernel> = all
        .filter(|kernel| !kernel.kind.latencies().is_empty())
        .collect();
    chosen.dedup_by_key(|kernel| kernel.kind.name());
    chosen
}

/// The number of workers and the graph for a kernel; `None` if the backend cannot hold its tasks.
fn work_for(kernel: &ChosenKernel, backend: &ClaimedBackend) -> Option<(u32, NamedGraph)> {
    let (workers, task_count) = match kernel.kind.coordinates() {
        true => {
            let count = party_count(kernel, backend)?;
            (count, count)
        }
        false => (WORKERS, TASK_COUNT),
    };
    Some((workers, NamedGraph::independent(task_count)))
}

/// Takes slices with and without latencies from one child, and checks what each of them reports.
fn every_slice(bench: &Bench<'_>, case: &TestCase<'_>) -> Result<(), Setback> {
    let mut session = case.start(bench.subject, bench.nonces[0])?;
    no_latencies(bench, &mut session)?;
    let many = asked_latencies(bench, case, &mut session, MANY)?;
    let one = asked_latencies(bench, case, &mut session, 1)?;
    for (name, histogram) in &one.histograms {
        let (count, found) = (histogram.count(), many.histograms[name].count());
        let scaled = count.saturating_mul(MANY);
        let is_alike = scaled <= found.saturating_mul(MOST_RATIO)
            && found <= scaled.saturating_mul(MOST_RATIO);
        if count == 0 || !is_alike {
            return Err(session.exchange.fault(
                format!(
                    "`{name}` has {found} latencies in a slice of {MANY} samples, and {count} in the slice of 1 sample \
                     after it"
                ),
                "report the latencies of all runs of the slice, and forget those of earlier slices",
            ));
        }
    }
    // After the counts: a latency of an earlier slice can also be longer than this slice.
    for asked in [&many, &one] {
        no_longer_than_the_slice(asked)
            .map_err(|(found, help)| session.exchange.fault(found, help))?;
    }
    no_latencies(bench, &mut session)?;
    session.close()
}

/// What a slice reported that asked for latencies: one histogram per name, and how long the slice took.
struct Asked {
    histograms: BTreeMap<String, Histogram>,
    elapsed_ns: u64,
}

/// Takes a slice that asks for no latencies, and fails if it has some.
fn no_latencies(bench: &Bench<'_>, session: &mut PreparedChild<'_>) -> Result<(), Setback> {
    let slice = session.slice(&of_runs(bench.nonces[0], 1, RUN_COUNT, false))?;
    let is_empty = match slice.latencies() {
        None | Some(Json::Null) => true,
        Some(Json::Object(found)) => found.is_empty(),
        Some(_) => false,
    };
    match is_empty {
        true => Ok(()),
        false => Err(session.exchange.fault(
            "it reported latencies that nobody asked for",
            "record latencies only in a slice whose request has `\"latencies\": true`: reading the clock takes time",
        )),
    }
}

/// Takes a slice that asks for latencies, and returns what it reported.
fn asked_latencies(
    bench: &Bench<'_>,
    case: &TestCase<'_>,
    session: &mut PreparedChild<'_>,
    sample_count: u64,
) -> Result<Asked, Setback> {
    let mut request = of_runs(bench.nonces[0], sample_count, RUN_COUNT, false);
    request["slice"]["latencies"] = true.into();
    let slice = session.slice(&request)?;
    let histograms = histograms(&slice, case.kernel.kind.latencies())
        .map_err(|(found, help)| session.exchange.fault(found, help))?;
    Ok(Asked {
        histograms,
        elapsed_ns: nanoseconds(slice.elapsed),
    })
}

/// What is wrong, and what to do.
type Wrong = (String, &'static str);

/// The histograms that a slice has, one for each of these names.
fn histograms(slice: &SentSlice, names: &[&str]) -> Result<BTreeMap<String, Histogram>, Wrong> {
    const NAMES: &str = "`slice_done` has one histogram per latency of the kernel, by its name: FORMAT.md lists the latencies \
                         of each kernel";
    let Some(Json::Object(found)) = slice.latencies() else {
        let found = "its greeting says `has_latencies`, but `slice_done` has no `latencies`";
        return Err((found.into(), NAMES));
    };
    let listed = names.join("`, `");
    if let Some(name) = found.keys().find(|name| !names.contains(&name.as_str())) {
        let found = format!("it reported latencies `{name}`, but the kernel has only `{listed}`");
        return Err((found, NAMES));
    }
    let mut histograms = BTreeMap::new();
    for name in names {
        let Some(histogram) = found.get(*name) else {
            return Err((format!("the latencies `{name}` are missing"), NAMES));
        };
        let histogram: Histogram = serde_json::from_value(histogram.clone()).map_err(|error| {
            let help = "FORMAT.md defines a histogram, with four lines of Python that make one";
            (format!("the histogram `{name}` is wrong: {error}"), help)
        })?;
        histograms.insert((*name).into(), histogram);
    }
    Ok(histograms)
}

/// Fails if one latency is longer than the slice that reported it.
fn no_longer_than_the_slice(asked: &Asked) -> Result<(), Wrong> {
    let elapsed_ns = asked.elapsed_ns;
    for (name, histogram) in &asked.histograms {
        if let Some(max_ns) = histogram.max().filter(|max_ns| *max_ns > elapsed_ns) {
            return Err((
                format!(
                    "a latency `{name}` took {max_ns} ns, but the whole slice took {elapsed_ns} ns"
                ),
                "latencies are in nanoseconds, from a clock that only goes forward",
            ));
        }
    }
    Ok(())
}
