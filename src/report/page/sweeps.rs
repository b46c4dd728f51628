//! Sweeps over task sizes: how small tasks can be.

use serde::Serialize;

use super::round::figure;
use super::text::quoted;
use crate::report::model::{Curve, Sweep};
use crate::report::words::{curve_notes, metg_figure};
use crate::stats::metg::Crossing;
use crate::units;

/// A sweep over task sizes with one number of workers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageSweep {
    /// A name for anchors, unique on the page.
    pub slug: String,
    /// The workload, the other swept parameters and the number of workers.
    pub title: String,
    /// The name of the workload.
    pub workload: String,
    /// The number of workers.
    pub workers: u32,
    /// All parameters except the size.
    pub parameters: Vec<String>,
    /// The parameter that sets the size of a task.
    pub size_parameter: String,
    /// The efficiency to reach.
    pub target_ratio: f64,
    /// Which backend manages with the smallest tasks, in one sentence.
    pub closing: String,
    /// One curve per backend, the smallest METG first.
    pub curves: Vec<PageSweepCurve>,
}

/// The efficiency of a backend over task sizes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageSweepCurve {
    /// The name of the backend, with options if needed.
    pub label: String,
    /// The name of the backend.
    pub backend: String,
    /// Whether it shows the practical limit.
    pub is_limit: bool,
    /// The METG in words.
    pub metg: String,
    /// The METG, or the size beyond which it is.
    pub metg_ns: Option<f64>,
    /// Its 95% interval.
    pub low_ns: Option<f64>,
    /// See `low_ns`.
    pub high_ns: Option<f64>,
    /// Where the METG is: `at`, `below` or `above` the size.
    pub side: Option<&'static str>,
    /// The medians of each size.
    pub points: Vec<PageSize>,
    /// What readers must know besides.
    pub notes: Vec<String>,
}

/// A size of a sweep.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageSize {
    /// The time of a task at the peak rate.
    pub task_ns: f64,
    /// Wall time × workers ÷ tasks.
    pub granularity_ns: f64,
    /// The efficiency.
    pub efficiency_ratio: f64,
}

impl PageSweep {
    /// The data of a sweep.
    pub(super) fn new(sweep: &Sweep) -> Self {
        Self {
            slug: sweep.slug.clone(),
            title: sweep.title(),
            workload: sweep.workload.clone(),
            workers: sweep.workers,
            parameters: sweep.parameters.clone(),
            size_parameter: sweep.size_parameter.clone(),
            target_ratio: sweep.target,
            closing: closing(sweep),
            curves: sweep
                .curves
                .iter()
                .map(|one| curve(one, sweep.target))
                .collect(),
        }
    }
}

fn curve(curve: &Curve, target: f64) -> PageSweepCurve {
    let place = curve.metg.map(|metg| match metg.crossing {
        Crossing::At(ns) => ("at", ns),
        Crossing::Below(ns) => ("below", ns),
        Crossing::Above(ns) => ("above", ns),
    });
    let interval = curve.metg.and_then(|metg| metg.interval);
    let points = curve.points.iter().map(|point| PageSize {
        task_ns: figure(point.task_ns),
        granularity_ns: figure(point.granularity_ns),
        efficiency_ratio: figure(point.efficiency),
    });
    PageSweepCurve {
        label: curve.label.clone(),
        backend: curve.backend.clone(),
        is_limit: curve.is_limit,
        metg: metg_figure(curve),
        metg_ns: place.map(|(_, ns)| figure(ns)),
        low_ns: interval.map(|one| figure(one.low)),
        high_ns: interval.map(|one| figure(one.high)),
        side: place.map(|(side, _)| side),
        points: points.collect(),
        notes: curve_notes(curve, target),
    }
}

/// Which backend manages with the smallest tasks.
fn closing(sweep: &Sweep) -> String {
    let target = units::percent(sweep.target);
    let crossed = sweep.curves.iter().filter(|curve| !curve.is_limit);
    let crossed = crossed.filter(|curve| {
        let crossing = curve.metg.map(|metg| metg.crossing);
        matches!(crossing, Some(Crossing::At(_) | Crossing::Below(_)))
    });
    match crossed.clone().next() {
        None => format!(
            "No backend reaches an efficiency of {target} with the sizes that were measured."
        ),
        Some(first) => format!(
            "{} manages with the smallest tasks: it reaches an efficiency of {target} from {} per task on.",
            quoted(&first.label),
            metg_figure(first)
        ),
    }
}
