//! The ratios of a claim, with their intervals and limits.

use plotters::backend::DrawingBackend;

use super::axis::{Axis, plain};
use super::canvas::{Anchor, Canvas, Drawn};
use super::font::fitted;
use super::palette::{Color, FAILURE, GRID, HOLDS, INK, MUTED, PAPER};
use super::{DETAIL, LABEL, MARGIN, WIDTH, draw_heading};
use crate::compare::{ClaimVerdict, JudgedClaim, JudgedInequality, RatioInterval};
use crate::text;
use crate::units;

/// The height of one inequality: its statement, and the interval below it.
const ROW: f64 = 44.0;
const HEAD: f64 = 74.0;
const FOOT: f64 = 40.0;
const PLOT_START: f64 = MARGIN + 10.0;
const PLOT_END: f64 = WIDTH - MARGIN - 90.0;

/// The picture of a claim.
pub(super) struct ClaimPicture<'a> {
    claim: &'a JudgedClaim,
    /// The inequalities with an interval.
    rows: Vec<(&'a JudgedInequality, f64, RatioInterval)>,
}

impl<'a> ClaimPicture<'a> {
    /// The picture of a claim; `None` if no inequality has an interval.
    pub(super) fn new(claim: &'a JudgedClaim) -> Option<Self> {
        let rows = claim.figures.iter();
        let rows = rows.filter_map(|part| Some((part, part.ratio?, part.interval?)));
        let rows: Vec<_> = rows.collect();
        (!rows.is_empty()).then_some(Self { claim, rows })
    }

    pub(super) fn height(&self) -> f64 {
        HEAD + ROW * self.rows.len() as f64 + FOOT
    }

    /// A text alternative for screen readers.
    pub(super) fn description(&self) -> String {
        let rows = self.rows.iter().map(|(part, ratio, _)| {
            let (limit, verdict) = (units::ratio(part.factor_ratio), part.verdict.words());
            format!(
                "{}: {}, limit {limit}, {verdict}",
                part.inequality,
                units::ratio(*ratio)
            )
        });
        let rows: Vec<String> = rows.collect();
        format!("Ratios of claim {}. {}.", self.claim.id, rows.join("; "))
    }

    pub(super) fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<B>) -> Drawn<B> {
        let axis = self.axis();
        let scale = if axis.is_log() {
            ", on a log scale"
        } else {
            ""
        };
        let what = format!(
            "ratio of two medians and its 99% interval{scale}; it holds to the right of the dashed limit"
        );
        draw_heading(canvas, &format!("Claim {}", self.claim.id), &what)?;
        self.draw_grid(canvas, &axis)?;
        for (index, row) in self.rows.iter().enumerate() {
            draw_row(canvas, &axis, row, HEAD + ROW * index as f64)?;
        }
        Ok(())
    }

    fn axis(&self) -> Axis {
        let ends = self.rows.iter();
        let ends =
            ends.flat_map(|(part, _, interval)| [part.factor_ratio, interval.low, interval.high]);
        let (low, high) = ends.fold((f64::INFINITY, 0.0f64), |(low, high), end| {
            (low.min(end), high.max(end))
        });
        Axis::new(low, high, (PLOT_START, PLOT_END))
    }

    fn draw_grid<B: DrawingBackend>(&self, canvas: &mut Canvas<B>, axis: &Axis) -> Drawn<B> {
        let bottom = HEAD + ROW * self.rows.len() as f64;
        for mark in axis.marks(6) {
            let x = axis.place(mark);
            canvas.rule((x, HEAD), (x, bottom), GRID, 1.0)?;
            let label = format!("{}×", plain(mark));
            canvas.text(&label, (x, bottom + 14.0), Anchor::Middle, DETAIL)?;
        }
        Ok(())
    }
}

/// Draws an inequality: its statement, its limit, and the ratio with its interval.
fn draw_row<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    axis: &Axis,
    (part, ratio, interval): &(&JudgedInequality, f64, RatioInterval),
    top: f64,
) -> Drawn<B> {
    const RADIUS: f64 = 5.0;
    const CAP: f64 = 4.0;
    let name = fitted(
        &text::line(&part.inequality),
        LABEL.size,
        LABEL.weight,
        PLOT_END - PLOT_START,
    );
    canvas.text(&name, (PLOT_START, top + 10.0), Anchor::Start, LABEL)?;
    let y = top + 29.0;
    let limit = axis.place(part.factor_ratio);
    for dash in 0..4 {
        let from = y - 10.0 + 5.5 * f64::from(dash);
        canvas.rule((limit, from), (limit, from + 3.0), MUTED, 1.5)?;
    }
    let (low, high) = (axis.place(interval.low), axis.place(interval.high));
    canvas.rule((low, y), (high, y), INK, 1.25)?;
    for x in [low, high] {
        canvas.rule((x, y - CAP), (x, y + CAP), INK, 1.25)?;
    }
    let middle = (axis.place(*ratio), y);
    canvas.dot(middle, RADIUS + 1.0, PAPER, 1.0)?;
    canvas.dot(middle, RADIUS, color(part.verdict), 1.0)?;
    canvas.text(
        &units::ratio(*ratio),
        (WIDTH - MARGIN, y),
        Anchor::End,
        LABEL,
    )
}

fn color(verdict: ClaimVerdict) -> Color {
    match verdict {
        ClaimVerdict::Holds => HOLDS,
        ClaimVerdict::DoesNotHold => FAILURE,
        ClaimVerdict::CannotTell => MUTED,
    }
}
