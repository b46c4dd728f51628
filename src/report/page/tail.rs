//! How bad the tail is: percentiles of the times of runs, and of what tasks timed themselves.

use serde::Serialize;

use super::cases::CaseView;
use super::round::{figure, whole};
use crate::record::Record;
use crate::report::latency::{LEAST_ABOVE, Latency, curve_steps};
use crate::stats::quantile;

/// Times as percentiles. A percentile with fewer than ten times above it is null.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageTail {
    /// What was timed: `run`, or the name of what the tasks timed.
    pub name: String,
    /// What readers must know; null if there is nothing.
    pub note: Option<String>,
    /// How many times there are.
    pub count: u64,
    /// The median.
    pub p50_ns: Option<u64>,
    /// The 90th percentile.
    pub p90_ns: Option<u64>,
    /// The 99th percentile.
    pub p99_ns: Option<u64>,
    /// The 99.9th percentile.
    pub p999_ns: Option<u64>,
    /// The largest.
    pub max_ns: u64,
    /// The curve: one of how many times is above, and the time.
    pub points: Vec<(f64, u64)>,
}

impl PageTail {
    /// All tails of a measured case: the times of its runs first.
    pub(super) fn all(view: &CaseView, latencies: &[Latency]) -> Vec<Self> {
        let own = latencies.iter().map(Self::of_latency);
        Self::of_runs(view).into_iter().chain(own).collect()
    }

    /// The tail of the times of runs; `None` without times.
    fn of_runs(view: &CaseView) -> Option<Self> {
        let times = view.times;
        let count = times.len();
        let at = |ratio: f64| quantile(times, ratio).map(whole);
        let known = |ratio: f64| {
            let above = count as f64 * (1.0 - ratio);
            at(ratio).filter(|_| above >= LEAST_ABOVE as f64 - 1e-9)
        };
        let points = curve_steps(count as u64);
        let points = points.filter_map(|one_of| Some((figure(one_of), at(1.0 - 1.0 / one_of)?)));
        Some(Self {
            name: "run".into(),
            note: several_runs(view.record),
            count: count as u64,
            p50_ns: known(0.5),
            p90_ns: known(0.9),
            p99_ns: known(0.99),
            p999_ns: known(0.999),
            max_ns: at(1.0)?,
            points: points.collect(),
        })
    }

    fn of_latency(latency: &Latency) -> Self {
        let [p50_ns, p90_ns, p99_ns, p999_ns] = latency.percentiles_ns;
        let points = latency.points.iter();
        Self {
            name: latency.name.clone(),
            note: None,
            count: latency.count,
            p50_ns,
            p90_ns,
            p99_ns,
            p999_ns,
            max_ns: latency.max_ns,
            points: points
                .map(|one| (figure(one.one_of), whole(one.ns)))
                .collect(),
        }
    }
}

/// Says that the times are means over several runs, which hide the slowest; `None` if each is the time of one run.
fn several_runs(record: &Record) -> Option<String> {
    let most = record.samples.iter().map(|one| one.run_count).max()?;
    (most > 1).then(|| {
        format!("each time is the mean of up to {most} runs, so single slow runs are hidden")
    })
}
