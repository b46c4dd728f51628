//! Checks of slices: when they end, and what they contain.

use serde_json::{Value as Json, json};

use crate::conform::bench::Bench;
use crate::conform::claims::ClaimedBackend;
use crate::conform::fault::Setback;
use crate::conform::passed::Passed;
use crate::conform::session::{LONG_NS, PreparedChild, SentSlice, word};
use crate::record::nanoseconds;

const ENDS: &str = "a slice ends when (its time is at least `min_time_ns` and it has at least `min_sample_count` samples), or \
                    its time is at least `max_time_ns`, or it has `max_sample_count` samples; it has at least one sample";

/// A slice to request, and the number of samples that it must have.
struct Planned {
    min_time_ns: u64,
    max_time_ns: u64,
    min_sample_count: u64,
    max_sample_count: u64,
    run_count: Option<u64>,
    samples: std::ops::RangeInclusive<u64>,
}

const MANY: u64 = 1_000_000;
const SHORT_NS: u64 = 100_000_000;

const PLANS: &[Planned] = &[
    Planned {
        min_time_ns: 0,
        max_time_ns: LONG_NS,
        min_sample_count: 3,
        max_sample_count: 3,
        run_count: None,
        samples: 3..=3,
    },
    // The minimum of time is reached at once, so the minimum of samples decides.
    Planned {
        min_time_ns: 0,
        max_time_ns: LONG_NS,
        min_sample_count: 2,
        max_sample_count: MANY,
        run_count: Some(3),
        samples: 2..=2,
    },
    // The maximum of time is reached at once, but there must be a sample.
    Planned {
        min_time_ns: 0,
        max_time_ns: 0,
        min_sample_count: 5,
        max_sample_count: MANY,
        run_count: Some(1),
        samples: 1..=1,
    },
    // The time decides, after any number of samples.
    Planned {
        min_time_ns: SHORT_NS,
        max_time_ns: LONG_NS,
        min_sample_count: 1,
        max_sample_count: MANY,
        run_count: Some(1),
        samples: 1..=MANY,
    },
];

impl Planned {
    fn request(&self, nonce: u64) -> Json {
        json!({"slice": {
            "nonce": word(nonce),
            "min_time_ns": self.min_time_ns,
            "max_time_ns": self.max_time_ns,
            "min_sample_count": self.min_sample_count,
            "max_sample_count": self.max_sample_count,
            "run_count": self.run_count,
        }})
    }

    /// What is wrong with `slice`, and what to do; `None` if nothing is.
    fn mistake(&self, slice: &SentSlice, usual_run_count: u64) -> Option<(String, &'static str)> {
        let count = slice.samples.len() as u64;
        if !self.samples.contains(&count) {
            let (least, most) = (self.samples.start(), self.samples.end());
            let found = match least == most {
                true => format!("the slice has {count} samples instead of {least}"),
                false => format!("the slice has {count} samples instead of at least {least}"),
            };
            return Some((found, ENDS));
        }
        let run_count = self.run_count.unwrap_or(usual_run_count);
        if let Some(sample) = slice.samples.iter().find(|one| one.run_count != run_count) {
            return Some((
                format!(
                    "a sample has {} runs instead of {run_count}",
                    sample.run_count
                ),
                "take `run_count` runs per sample; without it, as many as `prepared` said",
            ));
        }
        let elapsed_ns = nanoseconds(slice.elapsed);
        if elapsed_ns < self.min_time_ns {
            return Some((
                format!(
                    "the slice took {elapsed_ns} ns, and `min_time_ns` is {}",
                    self.min_time_ns
                ),
                ENDS,
            ));
        }
        if slice.wall_ns() > elapsed_ns {
            return Some((
                format!(
                    "its samples took {} ns together, but its replies came after {elapsed_ns} ns",
                    slice.wall_ns()
                ),
                "`wall_ns` is in nanoseconds, from a clock that only goes forward, and of one sample only",
            ));
        }
        None
    }
}

pub(super) fn slices(bench: &Bench<'_>) -> Result<Passed, Setback> {
    bench.first_or_each(|backend| {
        every_plan(bench, backend)?;
        Ok(Passed::Yes)
    })
}

/// Requests all slices from one child. If one is wrong, requests it alone from another, which is a shorter exchange.
fn every_plan(bench: &Bench<'_>, backend: &ClaimedBackend) -> Result<(), Setback> {
    let mut session = bench
        .any_case(backend)
        .start(bench.subject, bench.nonces[0])?;
    for plan in PLANS {
        if let Err(setback) = one_plan(bench, &mut session, plan) {
            if matches!(setback, Setback::Fault(_)) {
                let case = bench.any_case(backend);
                let mut fresh = case.start(bench.subject, bench.nonces[0])?;
                one_plan(bench, &mut fresh, plan)?;
            }
            return Err(setback);
        }
    }
    session.close()
}

fn one_plan(
    bench: &Bench<'_>,
    session: &mut PreparedChild<'_>,
    plan: &Planned,
) -> Result<(), Setback> {
    let slice = session.slice(&plan.request(bench.nonces[0]))?;
    match plan.mistake(&slice, session.run_count) {
        Some((found, help)) => Err(session.exchange.fault(found, help)),
        None => Ok(()),
    }
}
