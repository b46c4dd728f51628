//! How much faster each backend gets with more workers.

use plotters::backend::DrawingBackend;

use super::axis::{Axis, plain};
use super::canvas::{Anchor, Canvas, Drawn, Point};
use super::font::fitted;
use super::palette::{Color, GRID, MUTED, PAPER, backend};
use super::{DETAIL, LABEL, MARGIN, TITLE, WIDTH};
use crate::report::model::{Group, Report};
use crate::report::units;
use crate::report::words::{LIMIT_MARK, one_line};

/// The least height; many names take more.
const HEIGHT: f64 = 340.0;
const PLOT_LEFT: f64 = MARGIN + 34.0;
const PLOT_RIGHT: f64 = WIDTH - MARGIN - 200.0;
const PLOT_TOP: f64 = 78.0;
const FOOT: f64 = 58.0;
/// The least distance between two names.
const NAME_STEP: f64 = 17.0;
/// No name stands higher than this.
const NAMES_TOP: f64 = 30.0;

/// See the module.
pub(super) struct SpeedUp<'a> {
    group: &'a Group,
    lines: Vec<Line<'a>>,
    max_workers: u32,
}

/// A backend at each number of workers.
struct Line<'a> {
    label: &'a str,
    is_limit: bool,
    color: Color,
    /// Workers and speed-up, by workers.
    points: Vec<(u32, f64)>,
}

impl Line<'_> {
    fn last(&self) -> (u32, f64) {
        self.points[self.points.len() - 1]
    }
}

impl<'a> SpeedUp<'a> {
    /// The picture of a group; `None` if no backend of it was measured with one worker and with more.
    pub(super) fn new(group: &'a Group, report: &Report) -> Option<Self> {
        let mut lines: Vec<Line> = Vec::new();
        for (row, measured) in group.measured() {
            let Some(speed_up) = measured.speed_up else {
                continue;
            };
            let point = (row.workers, speed_up);
            match lines.iter_mut().find(|line| line.label == row.label) {
                Some(line) => line.points.push(point),
                None => lines.push(Line {
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
        // One name more than there are lines: that of the ideal.
        let names = NAME_STEP * (self.lines.len() + 1) as f64;
        HEIGHT.max(2.0 * NAMES_TOP + names)
    }

    fn plot_bottom(&self) -> f64 {
        self.height() - FOOT
    }

    /// What it shows, for those who do not see it.
    pub(super) fn description(&self) -> String {
        let lines = self.lines.iter().map(|line| {
            let (workers, speed_up) = line.last();
            format!("{} × {workers}: {}", line.label, units::ratio(speed_up))
        });
        let lines: Vec<String> = lines.collect();
        format!(
            "Speed-up over workers of {}, against the same backend with one worker. {}.",
            self.group.title(),
            lines.join("; ")
        )
    }

    pub(super) fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<B>) -> Drawn<B> {
        let room = WIDTH - 2.0 * MARGIN;
        let title = fitted(
            &one_line(&self.group.title()),
            TITLE.size,
            TITLE.weight,
            room,
        );
        canvas.text(&title, (MARGIN, 26.0), Anchor::Start, TITLE)?;
        let what = "speed-up over workers, against the same backend with one worker";
        canvas.text(what, (MARGIN, 47.0), Anchor::Start, DETAIL)?;
        let (x, y) = self.axes();
        self.draw_grid(canvas, &x, &y)?;
        self.draw_ideal(canvas, &x, &y)?;
        // The best is drawn last, so that it is on top.
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
        // Were the ideal always in full view, what stays far below it would be a bundle at the bottom.
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

    /// A dashed line along which twice the workers are twice as fast, as far as there is room.
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

    /// Names to the right of the last points, pushed apart where they would overlap.
    fn draw_names<B: DrawingBackend>(&self, canvas: &mut Canvas<B>, y: &Axis) -> Drawn<B> {
        let mut names: Vec<Name> = self.lines.iter().map(|line| Name::of(line, y)).collect();
        names.push(Name {
            text: "ideal".into(),
            color: MUTED,
            wanted: y.place(f64::from(self.max_workers)),
        });
        names.sort_by(|a, b| a.wanted.total_cmp(&b.wanted));
        let wanted: Vec<f64> = names.iter().map(|name| name.wanted).collect();
        for (name, at) in names.iter().zip(spread(&wanted)) {
            let end = PLOT_RIGHT + 28.0;
            canvas.path(&[(PLOT_RIGHT + 4.0, name.wanted), (end, at)], GRID, 1.0)?;
            canvas.dot((end + 6.0, at), 4.0, name.color, 1.0)?;
            canvas.text(&name.text, (end + 16.0, at), Anchor::Start, LABEL)?;
        }
        Ok(())
    }
}

struct Name {
    text: String,
    color: Color,
    wanted: f64,
}

impl Name {
    fn of(line: &Line, y: &Axis) -> Self {
        const MAX: f64 = 110.0;
        let (_, speed_up) = line.last();
        let mark = if line.is_limit { LIMIT_MARK } else { "" };
        let label = fitted(&one_line(line.label), LABEL.size, LABEL.weight, MAX);
        Self {
            text: format!("{label}{mark}  {}", units::ratio(speed_up)),
            color: line.color,
            wanted: y.place(speed_up),
        }
    }
}

fn draw_line<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    points: &[Point],
    color: Color,
) -> Drawn<B> {
    canvas.path(points, color, 2.0)?;
    for point in points {
        canvas.dot(*point, 5.0, PAPER, 1.0)?;
        canvas.dot(*point, 4.0, color, 1.0)?;
    }
    Ok(())
}

/// Places near those wanted, which are in order, and at least [`NAME_STEP`] apart: neighbours that are too
/// close become a block, which stands where its members want it on average.
fn spread(wanted: &[f64]) -> Vec<f64> {
    // Each block: how many it holds, and the sum of where its members want its first to stand.
    let mut blocks: Vec<(usize, f64)> = Vec::new();
    let start = |block: (usize, f64)| block.1 / block.0 as f64;
    for place in wanted {
        let mut block = (1, *place);
        while let Some(before) = blocks.last().copied() {
            let before_end = start(before) + before.0 as f64 * NAME_STEP;
            if before_end <= start(block) {
                break;
            }
            let moved = block.1 - (block.0 * before.0) as f64 * NAME_STEP;
            block = (before.0 + block.0, before.1 + moved);
            blocks.pop();
        }
        blocks.push(block);
    }
    let places = blocks
        .into_iter()
        .flat_map(|block| (0..block.0).map(move |index| start(block) + index as f64 * NAME_STEP));
    let mut least = NAMES_TOP;
    let lowered = places.map(|place| {
        let place = f64::max(place, least);
        least = place + NAME_STEP;
        place
    });
    lowered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_overlap_are_pushed_apart() {
        assert!(spread(&[]).is_empty());
        assert_eq!(spread(&[40.0, 100.0]), [40.0, 100.0]);
        assert_eq!(spread(&[50.0, 50.0]), [41.5, 58.5]);
        assert_eq!(spread(&[10.0, 12.0]), [30.0, 47.0]);
        assert_eq!(spread(&[50.0, 50.0, 51.0, 300.0])[3], 300.0);
        let places = spread(&[10.0, 12.0, 40.0, 41.0, 42.0]);
        for pair in places.windows(2) {
            assert!(pair[1] - pair[0] >= NAME_STEP - 1e-9, "{places:?}");
        }
    }
}
