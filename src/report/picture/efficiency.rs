//! The efficiency of each backend over the granularity of tasks.

use plotters::backend::DrawingBackend;

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Drawn};
use super::names::{LineName, draw_line, draw_names, height_for};
use super::palette::{Color, GRID, MUTED, backend};
use super::{DETAIL, MARGIN, WIDTH, draw_heading};
use crate::report::model::{Curve, Report, Sweep};
use crate::report::words::{LIMIT_MARK, metg_figure};
use crate::units;

const HEIGHT: f64 = 380.0;
const PLOT_LEFT: f64 = MARGIN + 40.0;
const PLOT_RIGHT: f64 = WIDTH - MARGIN - 200.0;
const PLOT_TOP: f64 = 78.0;
const FOOT: f64 = 58.0;
/// The largest efficiency on the axis. Noise can exceed 1.
const HIGHEST: f64 = 1.1;

/// The picture of a sweep.
pub(super) struct Efficiency<'a> {
    sweep: &'a Sweep,
    curves: Vec<(&'a Curve, Color)>,
}

impl<'a> Efficiency<'a> {
    /// The picture of a sweep; `None` if no size was measured.
    pub(super) fn new(sweep: &'a Sweep, report: &Report) -> Option<Self> {
        let curves = sweep.curves.iter().filter(|curve| !curve.points.is_empty());
        let curves: Vec<_> = curves
            .map(|curve| (curve, backend(&curve.backend, &report.backends)))
            .collect();
        (!curves.is_empty()).then_some(Self { sweep, curves })
    }

    pub(super) fn height(&self) -> f64 {
        height_for(self.curves.len()).max(HEIGHT)
    }

    /// A text alternative for screen readers.
    pub(super) fn description(&self) -> String {
        let curves = self.curves.iter();
        let curves = curves.map(|(curve, _)| format!("{}: {}", curve.label, metg_figure(curve)));
        let curves: Vec<String> = curves.collect();
        format!(
            "Efficiency over task granularity of {}. METG({}): {}.",
            self.sweep.title(),
            units::percent(self.sweep.target),
            curves.join("; ")
        )
    }

    pub(super) fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<B>) -> Drawn<B> {
        let what = "efficiency over task granularity (wall time × workers ÷ number of tasks)";
        draw_heading(canvas, &self.sweep.title(), what)?;
        let (x, y) = self.axes();
        self.draw_grid(canvas, &x, &y)?;
        for (curve, color) in self.curves.iter().rev() {
            let points = curve.points.iter();
            let points = points.map(|one| (x.place(one.granularity_ns), y.place(one.efficiency)));
            draw_line(canvas, &points.collect::<Vec<_>>(), *color)?;
        }
        let names = self.curves.iter().map(|(curve, color)| LineName {
            label: format!(
                "{}{}",
                curve.label,
                if curve.is_limit { LIMIT_MARK } else { "" }
            ),
            figure: metg_figure(curve),
            color: *color,
            wanted: y.place(curve.points.last().map_or(0.0, |last| last.efficiency)),
        });
        draw_names(canvas, names.collect(), PLOT_RIGHT)
    }

    fn axes(&self) -> (Axis, Axis) {
        let all = || self.curves.iter().flat_map(|(curve, _)| &curve.points);
        let low = all().map(|one| one.granularity_ns).fold(f64::MAX, f64::min);
        let high = all().map(|one| one.granularity_ns).fold(0.0, f64::max);
        let bottom = self.height() - FOOT;
        (
            Axis::new(low, high, (PLOT_LEFT, PLOT_RIGHT)),
            Axis::linear(HIGHEST, (bottom, PLOT_TOP)),
        )
    }

    fn draw_grid<B: DrawingBackend>(&self, canvas: &mut Canvas<B>, x: &Axis, y: &Axis) -> Drawn<B> {
        let bottom = self.height() - FOOT;
        for mark in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let at = y.place(mark);
            canvas.rule((PLOT_LEFT, at), (PLOT_RIGHT, at), GRID, 1.0)?;
            let label = units::percent(mark);
            canvas.text(&label, (PLOT_LEFT - 8.0, at), Anchor::End, DETAIL)?;
        }
        let target = y.place(self.sweep.target);
        canvas.rule((PLOT_LEFT, target), (PLOT_RIGHT, target), MUTED, 1.0)?;
        for mark in x.marks(6) {
            let at = x.place(mark);
            canvas.rule((at, bottom), (at, PLOT_TOP), GRID, 1.0)?;
            let label = units::time(mark);
            canvas.text(&label, (at, bottom + 15.0), Anchor::Middle, DETAIL)?;
        }
        let middle = (PLOT_LEFT + PLOT_RIGHT) / 2.0;
        canvas.text(
            "task granularity",
            (middle, bottom + 35.0),
            Anchor::Middle,
            DETAIL,
        )
    }
}
