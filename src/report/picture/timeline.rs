//! The median of each case over its sessions.

use plotters::backend::DrawingBackend;

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Drawn};
use super::palette::{FAILURE, GRID, INK, MUTED};
use super::{DETAIL, LABEL, MARGIN, STRONG, Type, WIDTH, draw_heading};
use crate::compare::{Change, History, Series};
use crate::record::Channel;
use crate::report::verdict::change;
use crate::report::words::no_change;
use crate::units;

const PLOT_TOP: f64 = 64.0;
/// The height of the band of a case: its name, its line, and space below.
const BAND: f64 = 96.0;
const LINE_TOP: f64 = 30.0;
const LINE_BOTTOM: f64 = 80.0;
const PLOT_LEFT: f64 = MARGIN;
/// The right end of the plot. The values of the last session are to its right.
const PLOT_RIGHT: f64 = WIDTH - MARGIN - 80.0;
/// Lines over more than this many sessions have no dots.
const MOST_DOTS: usize = 60;

/// The picture of a history.
pub(super) struct Timelines<'a> {
    history: &'a History,
}

impl<'a> Timelines<'a> {
    pub(super) fn new(history: &'a History) -> Self {
        Self { history }
    }

    fn series(&self) -> impl Iterator<Item = &'a Series> {
        let all = self.history.series.iter();
        all.filter(|series| !series.points.is_empty())
    }

    pub(super) fn height(&self) -> f64 {
        PLOT_TOP + BAND * self.series().count() as f64 + MARGIN
    }

    /// A text alternative for screen readers.
    pub(super) fn description(&self) -> String {
        let series = self.series().map(|series| {
            let changes: Vec<String> = series.changes.iter().map(label).collect();
            let shown = no_change(self.history, series);
            let shown = shown.unwrap_or_else(|| changes.join(", "));
            format!("{}: {shown}", name(series))
        });
        format!(
            "Median time of each case over its sessions. {}.",
            series.collect::<Vec<_>>().join("; ")
        )
    }

    pub(super) fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<B>) -> Drawn<B> {
        let what = "median time of one run in each session; each line has its own scale, from 0";
        draw_heading(canvas, "history", what)?;
        for (number, series) in self.series().enumerate() {
            draw_band(canvas, series, PLOT_TOP + BAND * number as f64)?;
        }
        Ok(())
    }
}

/// The case of a series, and its time if that is not wall time.
fn name(series: &Series) -> String {
    match series.judged {
        Channel::Wall => series.case.clone(),
        other => format!("{} · {}", series.case, other.words()),
    }
}

/// The label of a change: `+20.0% at c0ffee0`.
fn label(found: &Change) -> String {
    let commit = found.commit.as_ref();
    let hash = commit.map_or("no commit".into(), |commit| {
        let mark = if commit.dirty { " (dirty)" } else { "" };
        commit.hash.chars().take(7).collect::<String>() + mark
    });
    format!("{} at {hash}", change(found.ratio))
}

fn draw_band<B: DrawingBackend>(canvas: &mut Canvas<B>, series: &Series, top: f64) -> Drawn<B> {
    let medians: Vec<f64> = series.points.iter().map(|point| point.median_ns).collect();
    let highest = medians.iter().copied().fold(0.0, f64::max);
    let last = medians.len() - 1;
    let across = Axis::between(0.0, last as f64, (PLOT_LEFT, PLOT_RIGHT));
    let up = Axis::linear(highest, (top + LINE_BOTTOM, top + LINE_TOP));
    let place = |index: usize| (across.place(index as f64), up.place(medians[index]));

    canvas.text(&name(series), (MARGIN, top + 10.0), Anchor::Start, STRONG)?;
    let bottom = top + LINE_BOTTOM;
    canvas.rule((PLOT_LEFT, bottom), (PLOT_RIGHT, bottom), GRID, 1.0)?;
    for found in &series.changes {
        // The mark is between the last session before the change and the first session after it.
        let x = f64::midpoint(place(found.index - 1).0, place(found.index).0);
        canvas.rule(
            (x, top + LINE_TOP - 6.0),
            (x, bottom),
            mark(found).color,
            1.5,
        )?;
        let is_near_end = x > WIDTH * 0.7;
        let (dx, anchor) = match is_near_end {
            true => (-6.0, Anchor::End),
            false => (6.0, Anchor::Start),
        };
        canvas.text(
            &label(found),
            (x + dx, top + LINE_TOP - 2.0),
            anchor,
            mark(found),
        )?;
    }
    let points: Vec<_> = (0..medians.len()).map(place).collect();
    canvas.path(&points, INK, 1.5)?;
    if points.len() <= MOST_DOTS {
        for point in &points {
            canvas.dot(*point, 2.5, INK, 1.0)?;
        }
    }
    let figure = units::time(medians[last]);
    let at = (PLOT_RIGHT + 10.0, place(last).1);
    canvas.text(&figure, at, Anchor::Start, LABEL)
}

/// The colour of a change: slow-downs stand out.
fn mark(found: &Change) -> Type {
    let color = if found.ratio > 1.0 { FAILURE } else { MUTED };
    Type { color, ..DETAIL }
}
