//! The speed-up of each backend over workers.

use plotters::backend::DrawingBackend;

use super::axis::{Axis, plain};
use super::canvas::{Anchor, Canvas, Drawn};
use super::names::{LineName, draw_line, draw_names, height_for};
use super::palette::{Color, GRID, MUTED, backend};
use super::{DETAIL, MARGIN, WIDTH, draw_heading};
use crate::report::model::{Group, Report};
use crate::report::words::LIMIT_MARK;
use crate::units;

/// The minimum height. Pictures with many names are higher.
const HEIGHT: f64 = 340.0;
const PLOT_LEFT: f64 = MARGIN + 34.0;
const PLOT_RIGHT: f64 = WIDTH - MARGIN - 200.0;
const PLOT_TOP: f64 = 78.0;
const FOOT: f64 = 58.0;

/// The picture of a group.
pub(super) struct SpeedUp<'a> {
    group: &'a Group,
    lines: Vec<SpeedUpCurve<'a>>,
    max_workers: u32,
}

/// The line of one backend.
struct SpeedUpCurve<'a> {
    label: &'a str,
    is_limit: bool,
    color: Color,
    /// Workers and speed-up, sorted by workers.
    points: Vec<(u32, f64)>,
}

impl SpeedUpCurve<'_> {
    fn last(&self) -> (u32, f64) {
        self.points[self.points.len() - 1]
    }

    fn name(&self, y: &Axis) -> LineName {
        let (_, speed_up) = self.last();
        let mark = if self.is_limit { LIMIT_MARK } else { "" };
        LineName {
            label: format!("{}{mark}", self.label),
            figure: units::ratio(speed_up),
            color: self.color,
            wanted: y.place(speed_up),
        }
    }
}

impl<'a> SpeedUp<'a> {
    /// The picture of a group; `None` if no backend was measured both with one worker and with several.
    pub(super) fn new(group: &'a Group, report: &Report) -> Option<Self> {
        let mut lines: Vec<SpeedUpCurve> = Vec::new();
        for (row, measured) in group.measured() {
            let Some(speed_up) = measured.speed_up else {
                continue;
            };
            let point = (row.workers, speed_up);
            match lines.iter_mut().find(|line| line.label == row.label) {
                Some(line) => line.points.push(point),
                None => lines.push(SpeedUpCurve {
                    label: &row.label,
                    is_limit: row.is_limit,
                    color: backend(&row.backend, &report.backends),
                    points: vec![point],
                }),
            }
        }
        lines.retain(|line| line.points.len() > 1);
        for line in &mut lines {
            line.points.sort_by_key(|(workers, _)| *workers);
        }
        lines.sort_by(|a, b| b.last().1.total_cmp(&a.last().1));
        let max_workers = lines.iter().map(|line| line.last().0).max()?;
        Some(Self {
            group,
            lines,
            max_workers,
        })
    }

    pub(super) fn height(&self) -> f64 {
        // The ideal line has a name too.
        height_for(self.lines.len() + 1).max(HEIGHT)
    }

    fn plot_bottom(&self) -> f64 {
        self.height() - FOOT
    }

    /// A text alternative for screen readers.
    pub(super) fn description(&self) -> String {
        let lines = self.lines.iter().map(|line| {
            let (workers, speed_up) = line.last();
            format!("{} × {workers}: {}", line.label, units::ratio(speed_up))
        });
        let lines: Vec<String> = lines.collect();
        format!(
            "Speed-up over workers of {}, relative to the same backend with one worker. {}.",
            self.group.title(),
            lines.join("; ")
        )
    }

    pub(super) fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<B>) -> Drawn<B> {
        let what = "speed-up over workers, relative to the same backend with one worker";
        draw_heading(canvas, &self.group.title(), what)?;
        let (x, y) = self.axes();
        self.draw_grid(canvas, &x, &y)?;
        self.draw_ideal(canvas, &x, &y)?;
        // The best line is drawn last, so that it is on top.
        for line in self.lines.iter().rev() {
            let points = line.points.iter();
            let points = points
                .map(|(workers, speed_up)| (x.place(f64::from(*workers)), y.place(*speed_up)));
            draw_line(canvas, &points.collect::<Vec<_>>(), line.color)?;
        }
        self.draw_names(canvas, &y)
    }

    fn axes(&self) -> (Axis, Axis) {
        let all = self.lines.iter().flat_map(|line| &line.points);
        let highest = all.map(|(_, speed_up)| *speed_up).fold(0.0, f64::max);
        let workers = f64::from(self.max_workers);
        let x = Axis::between(1.0, workers, (PLOT_LEFT + 16.0, PLOT_RIGHT - 8.0));
        // If the axis always contained the whole ideal line, lines far below it would lie on top of each other.
        let high = workers.min(highest * 2.0).max(highest) * 1.08;
        let y = Axis::linear(high, (self.plot_bottom(), PLOT_TOP));
        (x, y)
    }

    fn draw_grid<B: DrawingBackend>(&self, canvas: &mut Canvas<B>, x: &Axis, y: &Axis) -> Drawn<B> {
        for mark in y.marks(5) {
            let at = y.place(mark);
            canvas.rule((PLOT_LEFT, at), (PLOT_RIGHT, at), GRID, 1.0)?;
            let label = format!("{}×", plain(mark));
            canvas.text(&label, (PLOT_LEFT - 8.0, at), Anchor::End, DETAIL)?;
        }
        let mut counts: Vec<u32> = self
            .lines
            .iter()
            .flat_map(|line| &line.points)
            .map(|(workers, _)| *workers)
            .collect();
        counts.sort_unstable();
        counts.dedup();
        for count in counts {
            let at = (x.place(f64::from(count)), self.plot_bottom() + 15.0);
            canvas.text(&count.to_string(), at, Anchor::Middle, DETAIL)?;
        }
        let middle = (PLOT_LEFT + PLOT_RIGHT) / 2.0;
        canvas.text(
            "workers",
            (middle, self.plot_bottom() + 35.0),
            Anchor::Middle,
            DETAIL,
        )
    }

    /// Draws the ideal speed-up as a dashed line, as far as the axis reaches: twice the workers are twice as fast.
    fn draw_ideal<B: DrawingBackend>(
        &self,
        canvas: &mut Canvas<B>,
        x: &Axis,
        y: &Axis,
    ) -> Drawn<B> {
        const DASH: f64 = 6.0;
        let end = f64::from(self.max_workers).min(y.end());
        let (from, to) = ((x.place(1.0), y.place(1.0)), (x.place(end), y.place(end)));
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        let at = |distance: f64| {
            let share = distance.min(length) / length;
            (from.0 + dx * share, from.1 + dy * share)
        };
        let mut start = 0.0;
        while start < length {
            canvas.path(&[at(start), at(start + DASH)], MUTED, 1.0)?;
            start += 2.0 * DASH;
        }
        Ok(())
    }

    fn draw_names<B: DrawingBackend>(&self, canvas: &mut Canvas<B>, y: &Axis) -> Drawn<B> {
        let mut names: Vec<LineName> = self.lines.iter().map(|line| line.name(y)).collect();
        names.push(LineName {
            label: "ideal".into(),
            figure: String::new(),
            color: MUTED,
            wanted: y.place(f64::from(self.max_workers)),
        });
        draw_names(canvas, names, PLOT_RIGHT)
    }
}
