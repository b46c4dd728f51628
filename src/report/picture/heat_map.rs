//! The load of each core over the whole run.

use plotters::backend::DrawingBackend;

use super::axis::{Axis, plain};
use super::canvas::{Anchor, Canvas, Drawn};
use super::palette::{GRID, PAPER, UNKNOWN, heat};
use super::{DETAIL, LABEL, MARGIN, WIDTH, draw_heading};
use crate::record::LoadSource;
use crate::report::load::LoadMap;
use crate::units;

const PLOT_LEFT: f64 = MARGIN + 56.0;
const PLOT_RIGHT: f64 = WIDTH - MARGIN;
const PLOT_TOP: f64 = 72.0;
const FOOT: f64 = 88.0;

/// The picture of the load.
pub(super) struct HeatMap<'a> {
    load: &'a LoadMap,
}

impl<'a> HeatMap<'a> {
    /// The picture of a run; `None` if all cases were too short to measure the load.
    pub(super) fn new(load: &'a LoadMap) -> Option<Self> {
        (load.core_count > 0).then_some(Self { load })
    }

    /// The height of the row of a core. With many cores, rows are thinner, so that the picture does not become too
    /// high.
    fn row_height(&self) -> f64 {
        (480.0 / self.load.core_count as f64).clamp(4.0, 30.0)
    }

    fn plot_bottom(&self) -> f64 {
        PLOT_TOP + self.row_height() * self.load.core_count as f64
    }

    pub(super) fn height(&self) -> f64 {
        self.plot_bottom() + FOOT
    }

    /// A text alternative for screen readers.
    pub(super) fn description(&self) -> String {
        let means = (0..self.load.core_count).map(|core| {
            let busy = self.mean(core).map_or("unknown".into(), units::percent);
            format!("core {core}: {busy}")
        });
        let means: Vec<String> = means.collect();
        format!(
            "Load of each core over {}. Means over the time for which it is known: {}.",
            units::time(self.load.end_ns as f64),
            means.join(", ")
        )
    }

    fn mean(&self, core: usize) -> Option<f64> {
        let (mut busy_ns, mut known_ns) = (0.0, 0.0);
        for stretch in &self.load.stretches {
            if let Some(ratio) = stretch.cores.get(core) {
                busy_ns += ratio * stretch.length_ns as f64;
                known_ns += stretch.length_ns as f64;
            }
        }
        (known_ns > 0.0).then(|| busy_ns / known_ns)
    }

    pub(super) fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<B>) -> Drawn<B> {
        let what = format!("over the whole run, from {}", self.sources());
        draw_heading(canvas, "load of each core", &what)?;
        let seconds = self.load.end_ns as f64 / 1e9;
        let axis = Axis::linear(seconds, (PLOT_LEFT, PLOT_RIGHT));
        self.draw_cells(canvas, &axis)?;
        self.draw_axes(canvas, &axis)?;
        self.draw_key(canvas)
    }

    fn sources(&self) -> String {
        let names = self.load.sources.iter().map(|source| match source {
            LoadSource::Sysinfo => "sysinfo",
            LoadSource::ProcStat => "the kernel's counters",
            LoadSource::TooShort => "nothing",
        });
        names.collect::<Vec<_>>().join(" and ")
    }

    fn draw_cells<B: DrawingBackend>(&self, canvas: &mut Canvas<B>, axis: &Axis) -> Drawn<B> {
        let height = self.row_height();
        let gap = if height > 8.0 { 2.0 } else { 0.0 };
        let place = |ns: u64| axis.place(ns as f64 / 1e9);
        for stretch in &self.load.stretches {
            let left = place(stretch.start_ns);
            let right = place(stretch.start_ns + stretch.length_ns);
            for core in 0..self.load.core_count {
                let top = PLOT_TOP + height * core as f64;
                let color = stretch
                    .cores
                    .get(core)
                    .map_or(UNKNOWN, |ratio| heat(*ratio));
                canvas.rect((left, top), (right, top + height - gap), color, 1.0)?;
            }
        }
        Ok(())
    }

    fn draw_axes<B: DrawingBackend>(&self, canvas: &mut Canvas<B>, axis: &Axis) -> Drawn<B> {
        // The names of thin rows would overlap, so only some rows have a name.
        let step = (15.0 / self.row_height()).ceil() as usize;
        for core in (0..self.load.core_count).step_by(step) {
            let y = PLOT_TOP + self.row_height() * (core as f64 + 0.5) - 1.0;
            canvas.text(
                &format!("core {core}"),
                (PLOT_LEFT - 10.0, y),
                Anchor::End,
                LABEL,
            )?;
        }
        let bottom = self.plot_bottom() + 2.0;
        canvas.rule((PLOT_LEFT, bottom), (PLOT_RIGHT, bottom), GRID, 1.0)?;
        for mark in axis.marks(8) {
            let x = axis.place(mark);
            canvas.rule((x, bottom), (x, bottom + 4.0), GRID, 1.0)?;
            let label = format!("{} s", plain(mark));
            canvas.text(&label, (x, bottom + 15.0), Anchor::Middle, DETAIL)?;
        }
        Ok(())
    }

    fn draw_key<B: DrawingBackend>(&self, canvas: &mut Canvas<B>) -> Drawn<B> {
        const STEPS: u32 = 40;
        const STEP: f64 = 3.0;
        let y = self.plot_bottom() + 56.0;
        let (top, bottom) = (y - 6.0, y + 6.0);
        canvas.text("idle", (PLOT_LEFT, y), Anchor::Start, DETAIL)?;
        let ramp = PLOT_LEFT + 30.0;
        for step in 0..STEPS {
            let left = ramp + STEP * f64::from(step);
            let color = heat(f64::from(step) / f64::from(STEPS - 1));
            canvas.rect((left, top), (left + STEP, bottom), color, 1.0)?;
        }
        let after = ramp + STEP * f64::from(STEPS);
        canvas.text("busy", (after + 8.0, y), Anchor::Start, DETAIL)?;
        let unknown = after + 64.0;
        canvas.rect((unknown, top), (unknown + 20.0, bottom), UNKNOWN, 1.0)?;
        canvas.text(
            "too short to measure",
            (unknown + 28.0, y),
            Anchor::Start,
            DETAIL,
        )?;
        let blank = unknown + 184.0;
        canvas.rect((blank, top), (blank + 20.0, bottom), GRID, 1.0)?;
        canvas.rect(
            (blank + 1.0, top + 1.0),
            (blank + 19.0, bottom - 1.0),
            PAPER,
            1.0,
        )?;
        canvas.text("between cases", (blank + 28.0, y), Anchor::Start, DETAIL)
    }
}
