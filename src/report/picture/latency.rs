//! The percentiles of a latency on each backend.

use plotters::backend::DrawingBackend;

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Drawn};
use super::font::fitted;
use super::names::{LineName, draw_names, height_for};
use super::palette::{Color, GRID, backend};
use super::{DETAIL, MARGIN, TITLE, WIDTH};
use crate::report::latency::Latency;
use crate::report::model::{Group, Report, Row};
use crate::report::words::{LIMIT_MARK, name};
use crate::text;
use crate::units;

const HEIGHT: f64 = 320.0;
const PLOT_LEFT: f64 = MARGIN + 54.0;
const PLOT_RIGHT: f64 = WIDTH - MARGIN - 220.0;
const PLOT_TOP: f64 = 78.0;
const FOOT: f64 = 40.0;

/// The marks of the axis of percentiles: one of how many latencies is above, and its label.
const MARKS: [(f64, &str); 7] = [
    (1.0, "p0"),
    (2.0, "p50"),
    (10.0, "p90"),
    (100.0, "p99"),
    (1e3, "p99.9"),
    (1e4, "p99.99"),
    (1e5, "p99.999"),
];

/// The picture of one name of latencies in a group: a line per backend, with its most workers.
pub(super) struct LatencyPicture<'a> {
    group: &'a Group,
    lines: Vec<(&'a Row, &'a Latency, Color)>,
}

impl<'a> LatencyPicture<'a> {
    /// One picture per name that has a line.
    pub(super) fn all(group: &'a Group, report: &Report) -> Vec<Self> {
        let mut pictures: Vec<Self> = Vec::new();
        for (row, latency) in group.latencies() {
            if latency.points.len() < 2 || !has_most_workers(row, group) {
                continue;
            }
            let line = (row, latency, backend(&row.backend, &report.backends));
            match pictures.last_mut() {
                Some(last) if last.name() == latency.name => last.lines.push(line),
                _ => pictures.push(Self {
                    group,
                    lines: vec![line],
                }),
            }
        }
        pictures
    }

    /// What was timed.
    pub(super) fn name(&self) -> &str {
        &self.lines[0].1.name
    }

    pub(super) fn height(&self) -> f64 {
        height_for(self.lines.len()).max(HEIGHT)
    }

    /// A text alternative for screen readers.
    pub(super) fn description(&self) -> String {
        let lines = self.lines.iter();
        let lines = lines.map(|(row, latency, _)| format!("{}: {}", name(row), figure(latency)));
        let lines: Vec<String> = lines.collect();
        format!(
            "Percentiles of the latency {} of {}. {}.",
            self.name(),
            self.group.name(),
            lines.join("; ")
        )
    }

    pub(super) fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<B>) -> Drawn<B> {
        let room = WIDTH - 2.0 * MARGIN;
        let title = text::line(&format!("{}: {}", self.group.name(), self.name()));
        let title = fitted(&title, TITLE.size, TITLE.weight, room);
        canvas.text(&title, (MARGIN, 26.0), Anchor::Start, TITLE)?;
        let what =
            "latency over percentile, of each backend with its most workers; lower is better";
        canvas.text(what, (MARGIN, 47.0), Anchor::Start, DETAIL)?;
        let (x, y) = self.axes();
        self.draw_grid(canvas, &x, &y)?;
        for (_, latency, color) in self.lines.iter().rev() {
            let points = latency.points.iter();
            let points = points.map(|point| (x.place(point.one_of), y.place(point.ns)));
            let points: Vec<_> = points.collect();
            // A line that ends before the others is joined to its name.
            if let Some(end) = points.last() {
                canvas.path(&[*end, (PLOT_RIGHT + 4.0, end.1)], GRID, 1.0)?;
            }
            canvas.path(&points, *color, 2.0)?;
        }
        let names = self.lines.iter().map(|(row, latency, color)| LineName {
            label: format!(
                "{}{}",
                row.label,
                if row.is_limit { LIMIT_MARK } else { "" }
            ),
            figure: figure(latency),
            color: *color,
            wanted: y.place(latency.points.last().map_or(0.0, |last| last.ns)),
        });
        draw_names(canvas, names.collect(), PLOT_RIGHT)
    }

    fn axes(&self) -> (Axis, Axis) {
        let all = || {
            self.lines
                .iter()
                .flat_map(|(_, latency, _)| &latency.points)
        };
        let most = all().map(|point| point.one_of).fold(1.0, f64::max);
        // A logarithm needs a latency above 0.
        let low = all()
            .map(|point| point.ns.max(1.0))
            .fold(f64::MAX, f64::min);
        let high = all().map(|point| point.ns.max(1.0)).fold(1.0, f64::max);
        let bottom = self.height() - FOOT;
        (
            Axis::log(1.0, most, (PLOT_LEFT, PLOT_RIGHT)),
            Axis::log(low / 1.3, high * 1.3, (bottom, PLOT_TOP)),
        )
    }

    fn draw_grid<B: DrawingBackend>(&self, canvas: &mut Canvas<B>, x: &Axis, y: &Axis) -> Drawn<B> {
        let bottom = self.height() - FOOT;
        for mark in y.marks(6) {
            let at = y.place(mark);
            canvas.rule((PLOT_LEFT, at), (PLOT_RIGHT, at), GRID, 1.0)?;
            let label = units::time(mark);
            canvas.text(&label, (PLOT_LEFT - 8.0, at), Anchor::End, DETAIL)?;
        }
        for (mark, label) in MARKS.into_iter().filter(|(mark, _)| *mark <= x.end()) {
            let at = x.place(mark);
            canvas.rule((at, bottom), (at, PLOT_TOP), GRID, 1.0)?;
            canvas.text(label, (at, bottom + 15.0), Anchor::Middle, DETAIL)?;
        }
        Ok(())
    }
}

/// Whether no row of the group with the same label has more workers. Lines for each number of workers could not be told
/// apart.
fn has_most_workers(row: &Row, group: &Group) -> bool {
    let twins = group.measured().map(|(other, _)| other);
    let mut twins = twins.filter(|other| other.label == row.label);
    twins.all(|other| other.workers <= row.workers)
}

/// Where the line ends: `p99.87 1.20 ms`.
fn figure(latency: &Latency) -> String {
    let last = latency.points.last();
    last.map_or(String::new(), |point| {
        format!(
            "{} {}",
            percentile_name(point.one_of),
            units::time(point.ns)
        )
    })
}

/// The name of the percentile that one of `one_of` latencies is above: `p99` for 100. It has one decimal more for each
/// nine, but no zeros at its end.
fn percentile_name(one_of: f64) -> String {
    let decimals = one_of.log10().floor().max(0.0) as usize;
    let number = format!("{:.decimals$}", 100.0 * (1.0 - 1.0 / one_of));
    match number.contains('.') {
        true => format!("p{}", number.trim_end_matches('0').trim_end_matches('.')),
        false => format!("p{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_has_as_many_decimals_as_tell_it_from_the_next() {
        let names = [1.0, 4.0, 10.0, 17.78, 100.0, 749.9, 1e3, 1e4];
        let names = names.map(percentile_name);
        let expected = [
            "p0", "p75", "p90", "p94.4", "p99", "p99.87", "p99.9", "p99.99",
        ];
        assert_eq!(names, expected);
    }
}
