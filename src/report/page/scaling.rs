//! Whether a backend scales: its speed-up over a plain loop, and the law that fits it.

use serde::Serialize;

use super::cases::{CaseView, serial_of};
use super::round::{figure, figures};
use crate::report::model::ALPHA;
use crate::stats::Ratio;
use crate::stats::ratio_of_medians;
use crate::stats::usl::{FEWEST_COUNTS, UslFit, usl_fit};

/// The seed of the draws behind the intervals of the coefficients, so that the same records give the same page.
const SEED: u64 = 1;

/// From this contention on, a further worker adds nothing that could be measured.
const ALL: f64 = 0.995;

/// The number of steps of the fitted curve.
const CURVE_STEPS: u32 = 40;

/// The speed-up of a backend over its numbers of workers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageCurve {
    /// The name of the backend, with options if needed.
    pub label: String,
    /// The position of the backend in [`Page::backends`](super::model::Page::backends).
    pub backend: usize,
    /// The language of the program that ran the tasks.
    pub language: String,
    /// One point per number of workers, sorted.
    pub points: Vec<PagePoint>,
    /// The fitted law; null below three numbers of workers.
    pub usl: Option<PageUsl>,
}

/// A point of a curve of speed-ups.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PagePoint {
    /// The number of workers.
    pub workers: u32,
    /// The row.
    pub row: String,
    /// The speed-up over the plain loop.
    pub speed_up: f64,
    /// Its 95% interval.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
    /// The speed-up ÷ the number of workers.
    pub efficiency_ratio: f64,
}

/// A fitted Universal Scalability Law, with the 95% intervals of its coefficients.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageUsl {
    /// The speed-up with one worker.
    pub lambda: f64,
    /// See `lambda`.
    pub lambda_low: f64,
    /// See `lambda`.
    pub lambda_high: f64,
    /// Contention.
    pub sigma: f64,
    /// See `sigma`.
    pub sigma_low: f64,
    /// See `sigma`.
    pub sigma_high: f64,
    /// Crosstalk.
    pub kappa: f64,
    /// See `kappa`.
    pub kappa_low: f64,
    /// See `kappa`.
    pub kappa_high: f64,
    /// The fitted speed-up over numbers of workers.
    pub curve: Vec<(f64, f64)>,
    /// The number of workers with the highest speed-up; null if more are always better.
    pub peak_workers: Option<f64>,
    /// What the coefficients mean, in one sentence.
    pub text: String,
}

/// The speed-up of a case over the plain loop of its language, and its interval; `None` without that loop, or if the
/// case is ranked by CPU time, which more workers do not make smaller.
pub(super) fn speed_up(view: &CaseView, views: &[CaseView]) -> Option<Ratio> {
    let serial = serial_of(view, views).filter(|_| view.is_ranked_by_wall)?;
    let ratio = ratio_of_medians(serial.times, view.times, ALPHA)?;
    let is_itself = std::ptr::eq(serial, view);
    Some(Ratio {
        interval: ratio.interval.filter(|_| !is_itself),
        ..ratio
    })
}

/// One curve per backend and options, in the order of the rows. The plain loop itself has none.
pub(super) fn curves(views: &[CaseView], backend: impl Fn(&CaseView) -> usize) -> Vec<PageCurve> {
    let mut labels: Vec<&str> = Vec::new();
    for view in views.iter().filter(|view| !view.is_serial) {
        if !labels.contains(&view.row.label.as_str()) {
            labels.push(&view.row.label);
        }
    }
    let curves = labels.into_iter().filter_map(|label| {
        let own = views.iter().filter(|view| view.row.label == label);
        let own = own.filter_map(|view| Some((view, speed_up(view, views)?)));
        let mut own: Vec<(&CaseView, Ratio)> = own.collect();
        own.sort_by_key(|(view, _)| view.row.workers);
        let (first, _) = own.first()?;
        Some(PageCurve {
            label: label.into(),
            backend: backend(first),
            language: first.row.language.clone(),
            points: own
                .iter()
                .map(|(view, ratio)| point(view, *ratio))
                .collect(),
            usl: law(&own, views),
        })
    });
    curves.collect()
}

fn point(view: &CaseView, speed_up: Ratio) -> PagePoint {
    PagePoint {
        workers: view.row.workers,
        row: view.id.clone(),
        speed_up: figure(speed_up.ratio),
        low: speed_up.interval.map(|one| figure(one.low)),
        high: speed_up.interval.map(|one| figure(one.high)),
        efficiency_ratio: figure(speed_up.ratio / f64::from(view.row.workers.max(1))),
    }
}

/// The law that fits these cases of one backend; `None` below three numbers of workers.
fn law(own: &[(&CaseView, Ratio)], views: &[CaseView]) -> Option<PageUsl> {
    let most = own.last()?.0.row.workers;
    if own.len() < FEWEST_COUNTS {
        return None;
    }
    let serial_ns = serial_of(own[0].0, views)?.median_ns()?;
    let times = own.iter().map(|(view, _)| (view.row.workers, view.times));
    let fit = usl_fit(&times.collect::<Vec<_>>(), serial_ns, ALPHA, SEED)?;
    let steps = (0..=CURVE_STEPS)
        .map(|step| 1.0 + (f64::from(most) - 1.0) * f64::from(step) / f64::from(CURVE_STEPS));
    let [lambda, lambda_low, lambda_high] =
        figures([fit.usl.lambda, fit.lambda.low, fit.lambda.high]);
    let [sigma, sigma_low, sigma_high] = figures([fit.usl.sigma, fit.sigma.low, fit.sigma.high]);
    let [kappa, kappa_low, kappa_high] = figures([fit.usl.kappa, fit.kappa.low, fit.kappa.high]);
    Some(PageUsl {
        lambda,
        lambda_low,
        lambda_high,
        sigma,
        sigma_low,
        sigma_high,
        kappa,
        kappa_low,
        kappa_high,
        curve: steps
            .map(|n| (figure(n), figure(fit.usl.throughput(n))))
            .collect(),
        peak_workers: fit.usl.peak_workers().map(figure),
        text: meaning(&fit),
    })
}

/// What the coefficients say, in one sentence.
fn meaning(fit: &UslFit) -> String {
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    if fit.usl.sigma >= ALL {
        return "more workers do not make it faster".into();
    }
    let peak = match fit.usl.peak_workers() {
        None => "more workers always help".into(),
        Some(peak) if peak < 1.5 => "more than 1 worker does not help".into(),
        Some(peak) => format!("it is fastest with about {peak:.0} workers"),
    };
    format!(
        "{} of the work (95% interval {} to {}) can only be done by one worker at a time, and {peak}",
        percent(fit.usl.sigma),
        percent(fit.sigma.low),
        percent(fit.sigma.high)
    )
}
