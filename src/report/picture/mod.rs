//! Pictures. Each is drawn by one function, which writes both SVG and PNG.

use plotters::backend::{DrawingBackend, SVGBackend};

use self::canvas::{Anchor, Canvas, Drawn, Type, UNITS};
use self::claim::ClaimPicture;
use self::comparison::ComparisonPicture;
use self::efficiency::Efficiency;
use self::font::{Weight, fitted};
use self::heat_map::HeatMap;
use self::latency::LatencyPicture;
use self::palette::{INK, MUTED, PAPER};
use self::raster::{Raster, png};
use self::speed_up::SpeedUp;
use self::timeline::Timelines;
use super::error::ReportError;
use super::model::{Group, Report, Sweep};
use crate::compare::{History, JudgedClaim};
use crate::record::slug;
use crate::text;

mod axis;
mod canvas;
mod claim;
mod comparison;
mod efficiency;
pub(super) mod font;
mod heat_map;
mod latency;
mod names;
pub(super) mod palette;
mod raster;
mod speed_up;
mod timeline;

/// The width of every picture, in CSS pixels.
const WIDTH: f64 = 800.0;
const MARGIN: f64 = 28.0;

const TITLE: Type = Type {
    size: 16.0,
    weight: Weight::Medium,
    color: INK,
};
const STRONG: Type = Type {
    size: 13.0,
    weight: Weight::Medium,
    color: INK,
};
const LABEL: Type = Type {
    size: 12.5,
    weight: Weight::Regular,
    color: INK,
};
const DETAIL: Type = Type {
    size: 12.0,
    weight: Weight::Regular,
    color: MUTED,
};

/// A picture that can be drawn.
pub(super) struct Picture<'a> {
    /// The file name without its extension.
    pub(super) name: String,
    subject: Subject<'a>,
}

enum Subject<'a> {
    Comparison(ComparisonPicture<'a>),
    SpeedUp(SpeedUp<'a>),
    HeatMap(HeatMap<'a>),
    Efficiency(Efficiency<'a>),
    Latency(LatencyPicture<'a>),
    Timelines(Timelines<'a>),
    Claim(ClaimPicture<'a>),
}

/// All pictures of a report. Pictures without data are omitted.
pub(super) fn pictures(report: &Report) -> Vec<Picture<'_>> {
    let groups = report.groups.iter();
    let of_groups = groups.flat_map(|group| {
        let times = [comparison(group, report), speed_up(group, report)];
        let latencies = latencies(group, report).into_iter().map(Some);
        times.into_iter().chain(latencies)
    });
    let of_sweeps = report.sweeps.iter().map(|sweep| efficiency(sweep, report));
    let of_claims = report.claims.iter().map(claim);
    let all = of_groups
        .chain(of_sweeps)
        .chain(of_claims)
        .chain([load(report)]);
    all.flatten().collect()
}

/// The median of each backend on a workload; `None` if all cases failed.
pub(super) fn comparison<'a>(group: &'a Group, report: &Report) -> Option<Picture<'a>> {
    Some(Picture {
        name: format!("{}-comparison", group.slug),
        subject: Subject::Comparison(ComparisonPicture::new(group, report)?),
    })
}

/// The speed-up of each backend over workers; `None` if no backend was measured both with one worker and with several.
pub(super) fn speed_up<'a>(group: &'a Group, report: &Report) -> Option<Picture<'a>> {
    Some(Picture {
        name: format!("{}-speed-up", group.slug),
        subject: Subject::SpeedUp(SpeedUp::new(group, report)?),
    })
}

/// The latencies of each backend on a workload: one picture per name.
pub(super) fn latencies<'a>(group: &'a Group, report: &Report) -> Vec<Picture<'a>> {
    let pictures = LatencyPicture::all(group, report).into_iter();
    let pictures = pictures.map(|picture| Picture {
        name: format!("{}-{}", group.slug, slug(picture.name())),
        subject: Subject::Latency(picture),
    });
    pictures.collect()
}

/// The efficiency of each backend over task granularity; `None` if no size was measured.
pub(super) fn efficiency<'a>(sweep: &'a Sweep, report: &Report) -> Option<Picture<'a>> {
    Some(Picture {
        name: format!("{}-efficiency", sweep.slug),
        subject: Subject::Efficiency(Efficiency::new(sweep, report)?),
    })
}

/// The ratios of a claim; `None` if none of its inequalities has an interval.
pub(super) fn claim(claim: &JudgedClaim) -> Option<Picture<'_>> {
    Some(Picture {
        name: format!("claim-{}", slug(&claim.id)),
        subject: Subject::Claim(ClaimPicture::new(claim)?),
    })
}

/// The load of each core; `None` if all cases were too short to measure it.
pub(super) fn load(report: &Report) -> Option<Picture<'_>> {
    Some(Picture {
        name: "load".into(),
        subject: Subject::HeatMap(HeatMap::new(&report.load)?),
    })
}

/// The median of each case over its sessions.
pub(super) fn timelines(history: &History) -> Picture<'_> {
    Picture {
        name: "history".into(),
        subject: Subject::Timelines(Timelines::new(history)),
    }
}

/// Draws the title of a picture, shortened if it is too wide, and below it what the picture shows.
fn draw_heading<B: DrawingBackend>(canvas: &mut Canvas<B>, title: &str, what: &str) -> Drawn<B> {
    let room = WIDTH - 2.0 * MARGIN;
    let title = fitted(&text::line(title), TITLE.size, TITLE.weight, room);
    canvas.text(&title, (MARGIN, 26.0), Anchor::Start, TITLE)?;
    canvas.text(what, (MARGIN, 47.0), Anchor::Start, DETAIL)
}

impl Picture<'_> {
    /// A text alternative for screen readers.
    pub(super) fn description(&self) -> String {
        match &self.subject {
            Subject::Comparison(comparison) => comparison.description(),
            Subject::SpeedUp(speed_up) => speed_up.description(),
            Subject::HeatMap(heat_map) => heat_map.description(),
            Subject::Efficiency(efficiency) => efficiency.description(),
            Subject::Latency(latency) => latency.description(),
            Subject::Timelines(timelines) => timelines.description(),
            Subject::Claim(claim) => claim.description(),
        }
    }

    fn height(&self) -> f64 {
        match &self.subject {
            Subject::Comparison(comparison) => comparison.height(),
            Subject::SpeedUp(speed_up) => speed_up.height(),
            Subject::HeatMap(heat_map) => heat_map.height(),
            Subject::Efficiency(efficiency) => efficiency.height(),
            Subject::Latency(latency) => latency.height(),
            Subject::Timelines(timelines) => timelines.height(),
            Subject::Claim(claim) => claim.height(),
        }
    }

    /// Width and height in units of the canvas.
    fn size(&self) -> (u32, u32) {
        (
            (WIDTH * UNITS) as u32,
            (self.height().ceil() * UNITS) as u32,
        )
    }

    fn draw<B: DrawingBackend>(&self, backend: B) -> Drawn<B> {
        let mut canvas = Canvas::new(backend);
        canvas.rect((0.0, 0.0), (WIDTH, self.height().ceil()), PAPER, 1.0)?;
        match &self.subject {
            Subject::Comparison(comparison) => comparison.draw(&mut canvas)?,
            Subject::SpeedUp(speed_up) => speed_up.draw(&mut canvas)?,
            Subject::HeatMap(heat_map) => heat_map.draw(&mut canvas)?,
            Subject::Efficiency(efficiency) => efficiency.draw(&mut canvas)?,
            Subject::Latency(latency) => latency.draw(&mut canvas)?,
            Subject::Timelines(timelines) => timelines.draw(&mut canvas)?,
            Subject::Claim(claim) => claim.draw(&mut canvas)?,
        }
        canvas.finish()
    }

    /// The picture as an SVG document.
    ///
    /// # Errors
    ///
    /// If plotters cannot draw it.
    pub(super) fn svg(&self) -> Result<String, ReportError> {
        let (width, height) = self.size();
        let mut drawn = String::new();
        self.draw(SVGBackend::with_string(&mut drawn, (width, height)))
            .map_err(|error| ReportError::undrawable(&self.name, error))?;
        let (_, shapes) = drawn
            .split_once('>')
            .ok_or_else(|| ReportError::undrawable(&self.name, "the SVG has no first tag"))?;
        let style = format!("<style>{}</style>", font::style());
        // Replace the first tag by one that sets the size of a unit and contains the text alternative.
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" role=\"img\" width=\"{}\" height=\"{}\" \
             viewBox=\"0 0 {width} {height}\" aria-label=\"{}\">{style}{shapes}",
            WIDTH,
            self.height().ceil(),
            text::xml(&self.description())
        ))
    }

    /// The picture as a PNG, with two pixels per CSS pixel in each direction.
    ///
    /// # Errors
    ///
    /// If plotters cannot draw it, or if it cannot be encoded.
    pub(super) fn png(&self) -> Result<Vec<u8>, ReportError> {
        let size = self.size();
        let mut buffer = vec![0; 3 * size.0 as usize * size.1 as usize];
        self.draw(Raster::new(&mut buffer, size))
            .map_err(|error| ReportError::undrawable(&self.name, error))?;
        png(&buffer, size).map_err(|error| ReportError::undrawable(&self.name, error))
    }
}

#[cfg(test)]
mod tests;
