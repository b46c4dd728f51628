//! The median of each backend on one workload, with its interval.

use plotters::backend::DrawingBackend;

use super::axis::{Axis, plain};
use super::canvas::{Anchor, Canvas, Drawn, Type};
use super::font::{Weight, fitted, width};
use super::palette::{Color, FAILURE, GRID, INK, MUTED, PAPER, backend};
use super::{DETAIL, LABEL, MARGIN, STRONG, WIDTH, draw_heading};
use crate::report::model::{Group, Measured, Report, Row, RowOutcome};
use crate::report::words::{LIMIT_MARK, LIMIT_SHORT, notes};
use crate::text;
use crate::units;

/// The height of the row of one case.
const ROW: f64 = 20.0;
/// The gap between two backends.
const GAP: f64 = 9.0;
/// The height above the first row, and below the last row.
const HEAD: f64 = 84.0;
const FOOT: f64 = 62.0;
/// The maximum width of a name.
const MAX_NAME: f64 = 170.0;
/// The right ends of the columns to the right of the plot: medians and ratios.
const MEDIAN_END: f64 = WIDTH - MARGIN - 104.0;
const RATIO_END: f64 = WIDTH - MARGIN - 46.0;
const PLOT_END: f64 = MEDIAN_END - 76.0;

/// The picture of a group.
pub(super) struct ComparisonPicture<'a> {
    group: &'a Group,
    backends: Vec<BackendRows<'a>>,
    /// The numbers of workers, which determine how opaque a bar is: more workers, more opaque.
    shades: Vec<u32>,
}

/// The rows of one backend, sorted by workers.
struct BackendRows<'a> {
    label: &'a str,
    color: Color,
    rows: Vec<&'a Row>,
}

impl<'a> ComparisonPicture<'a> {
    /// The picture of a group; `None` if no case was measured.
    pub(super) fn new(group: &'a Group, report: &Report) -> Option<Self> {
        group.measured().next()?;
        let mut backends: Vec<BackendRows> = Vec::new();
        // Rows are sorted from fastest to slowest, so backends are too.
        for row in &group.rows {
            match backends
                .iter_mut()
                .find(|backend| backend.label == row.label)
            {
                Some(backend) => backend.rows.push(row),
                None => backends.push(BackendRows {
                    label: &row.label,
                    color: backend(&row.backend, &report.backends),
                    rows: vec![row],
                }),
            }
        }
        for backend in &mut backends {
            backend.rows.sort_by_key(|row| row.workers);
        }
        let mut shades: Vec<u32> = group.rows.iter().map(|row| row.workers).collect();
        shades.sort_unstable();
        shades.dedup();
        Some(Self {
            group,
            backends,
            shades,
        })
    }

    pub(super) fn height(&self) -> f64 {
        HEAD + self.rows_height() + FOOT
    }

    fn rows_height(&self) -> f64 {
        let gaps = GAP * (self.backends.len() - 1) as f64;
        ROW * self.group.rows.len() as f64 + gaps
    }

    /// A text alternative for screen readers.
    pub(super) fn description(&self) -> String {
        let rows = self.group.measured().map(|(row, measured)| {
            let workers = row.workers;
            let median = units::time(measured.median_ns);
            format!("{} × {workers}: {median}", row.label)
        });
        let rows: Vec<String> = rows.collect();
        format!(
            "Median {} of one run of {}, fastest first. {}.",
            self.group.ranked_by.words(),
            self.group.title(),
            rows.join("; ")
        )
    }

    pub(super) fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<B>) -> Drawn<B> {
        let axis = self.axis();
        self.draw_head(canvas, &axis)?;
        self.draw_grid(canvas, &axis)?;
        let mut y = HEAD;
        for backend in &self.backends {
            self.draw_backend(canvas, &axis, backend, y)?;
            y += ROW * backend.rows.len() as f64 + GAP;
        }
        self.draw_foot(canvas)
    }

    fn axis(&self) -> Axis {
        let ends = self.group.measured().map(|(_, measured)| {
            let median = measured.median_ns;
            let interval = measured.interval;
            interval.map_or((median, median), |interval| (interval.low, interval.high))
        });
        let (low, high) = ends.fold((f64::INFINITY, 0.0f64), |range, ends| {
            (range.0.min(ends.0), range.1.max(ends.1))
        });
        Axis::new(low, high, (self.plot_start(), PLOT_END))
    }

    /// Where the column of workers ends and the plot begins.
    fn plot_start(&self) -> f64 {
        let names = self.backends.iter().map(|backend| self.name(backend));
        let widest = names.map(|name| width(&name, STRONG.size, STRONG.weight));
        MARGIN + widest.fold(0.0, f64::max) + 40.0
    }

    fn name(&self, backend: &BackendRows) -> String {
        let name = fitted(
            &text::line(backend.label),
            STRONG.size,
            STRONG.weight,
            MAX_NAME,
        );
        let mark = if backend.rows[0].is_limit {
            LIMIT_MARK
        } else {
            ""
        };
        format!("{name}{mark}")
    }

    fn draw_head<B: DrawingBackend>(&self, canvas: &mut Canvas<B>, axis: &Axis) -> Drawn<B> {
        let scale = if axis.is_log() {
            ", on a log scale"
        } else {
            ""
        };
        let time = self.group.ranked_by.words();
        let what = format!("{time} of one run: median and its 95% interval{scale}");
        draw_heading(canvas, &self.group.title(), &what)?;
        let y = HEAD - 13.0;
        let heads = [
            (self.plot_start() - 10.0, "workers"),
            (MEDIAN_END, "median"),
            (RATIO_END, "× best"),
        ];
        for (x, head) in heads {
            canvas.text(head, (x, y), Anchor::End, DETAIL)?;
        }
        Ok(())
    }

    fn draw_grid<B: DrawingBackend>(&self, canvas: &mut Canvas<B>, axis: &Axis) -> Drawn<B> {
        let (top, bottom) = (HEAD - 2.0, HEAD + self.rows_height() + 6.0);
        // On a logarithmic axis, each mark has its own unit. On a linear axis, all marks have the unit of the largest.
        let marks = axis.marks(5);
        let largest = marks.last().copied().unwrap_or(1.0);
        for mark in marks {
            let x = axis.place(mark);
            let unit_of = if axis.is_log() { mark } else { largest };
            let (factor, unit) = units::time_unit(unit_of);
            canvas.rule((x, top), (x, bottom), GRID, 1.0)?;
            let label = match mark {
                0.0 => "0".into(),
                _ => format!("{} {unit}", plain(mark / factor)),
            };
            canvas.text(&label, (x, bottom + 13.0), Anchor::Middle, DETAIL)?;
        }
        Ok(())
    }

    fn draw_backend<B: DrawingBackend>(
        &self,
        canvas: &mut Canvas<B>,
        axis: &Axis,
        backend: &BackendRows,
        top: f64,
    ) -> Drawn<B> {
        let name_y = top + ROW / 2.0;
        canvas.text(&self.name(backend), (MARGIN, name_y), Anchor::Start, STRONG)?;
        for (index, row) in backend.rows.iter().enumerate() {
            let y = top + ROW * (index as f64 + 0.5);
            let workers = row.workers.to_string();
            canvas.text(&workers, (self.plot_start() - 10.0, y), Anchor::End, DETAIL)?;
            match &row.outcome {
                RowOutcome::Measured(measured) => {
                    self.draw_mark(canvas, axis, (backend.color, row.workers), measured, y)?;
                    draw_figures(canvas, measured, y)?;
                }
                RowOutcome::Failed(_) => {
                    let look = Type {
                        color: FAILURE,
                        ..LABEL
                    };
                    let at = (self.plot_start() + 6.0, y);
                    canvas.text(&text::line(&notes(row).join(", ")), at, Anchor::Start, look)?;
                }
            }
        }
        Ok(())
    }

    /// Draws a bar from zero. A logarithmic scale has no zero, so a dot is drawn there.
    fn draw_mark<B: DrawingBackend>(
        &self,
        canvas: &mut Canvas<B>,
        axis: &Axis,
        (color, workers): (Color, u32),
        measured: &Measured,
        y: f64,
    ) -> Drawn<B> {
        const HALF: f64 = 6.0;
        const RADIUS: f64 = 5.0;
        let opacity = self.opacity(workers);
        let x = axis.place(measured.median_ns);
        if axis.is_log() {
            let start = self.plot_start();
            canvas.rule((start, y), (x, y), GRID, 1.0)?;
            draw_interval(canvas, axis, measured, y, RADIUS + 2.0)?;
            canvas.dot((x, y), RADIUS + 1.0, PAPER, 1.0)?;
            canvas.dot((x, y), RADIUS, color, opacity)
        } else {
            let (from, to) = ((axis.place(0.0), y - HALF), (x, y + HALF));
            // Draw the background first, so that the grid does not show through.
            canvas.rect(from, to, PAPER, 1.0)?;
            canvas.rect(from, to, color, opacity)?;
            draw_interval(canvas, axis, measured, y, 0.0)
        }
    }

    fn opacity(&self, workers: u32) -> f64 {
        const FAINTEST: f64 = 0.45;
        let place = self.shades.iter().position(|other| *other == workers);
        let steps = (self.shades.len() - 1).max(1) as f64;
        let missing = (self.shades.len() - 1 - place.unwrap_or(0)) as f64;
        1.0 - (1.0 - FAINTEST) * missing / steps
    }

    fn draw_foot<B: DrawingBackend>(&self, canvas: &mut Canvas<B>) -> Drawn<B> {
        if !self.group.rows.iter().any(|row| row.is_limit) {
            return Ok(());
        }
        let y = self.height() - 18.0;
        let note = format!("{LIMIT_MARK} {LIMIT_SHORT}");
        canvas.text(&note, (MARGIN, y), Anchor::Start, DETAIL)
    }
}

/// Draws an interval as a line, with a stroke at each end that is further than `covered` from the median.
fn draw_interval<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    axis: &Axis,
    measured: &Measured,
    y: f64,
    covered: f64,
) -> Drawn<B> {
    const CAP: f64 = 3.5;
    let Some(interval) = measured.interval else {
        return Ok(());
    };
    let (low, high) = (axis.place(interval.low), axis.place(interval.high));
    canvas.rule((low, y), (high, y), INK, 1.25)?;
    let median = axis.place(measured.median_ns);
    let ends = [low, high].into_iter();
    for x in ends.filter(|x| (x - median).abs() >= covered) {
        canvas.rule((x, y - CAP), (x, y + CAP), INK, 1.25)?;
    }
    Ok(())
}

fn draw_figures<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    measured: &Measured,
    y: f64,
) -> Drawn<B> {
    let is_first = measured.rank == Some(1);
    let look = Type {
        weight: if is_first {
            Weight::Medium
        } else {
            Weight::Regular
        },
        color: if is_first { INK } else { MUTED },
        ..LABEL
    };
    let median = units::time(measured.median_ns);
    canvas.text(&median, (MEDIAN_END, y), Anchor::End, look)?;
    if let Some(ratio) = measured.ratio {
        let ratio = units::ratio(ratio.ratio);
        canvas.text(&ratio, (RATIO_END, y), Anchor::End, look)?;
    }
    if measured.is_tied {
        canvas.text("tied", (RATIO_END + 10.0, y), Anchor::Start, DETAIL)?;
    }
    Ok(())
}
