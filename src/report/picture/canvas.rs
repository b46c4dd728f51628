//! The surface that pictures are drawn on: any backend of plotters, with coordinates in CSS pixels.

use plotters::backend::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontFamily, FontStyle, RGBAColor, ShapeStyle, TextStyle};
use plotters_backend::DrawingErrorKind;

use super::font::{FAMILY, Weight};
use super::palette::Color;
use crate::text;

/// Units of the backend per pixel. Backends accept only integers, so positions are exact to a quarter of a pixel.
pub(super) const UNITS: f64 = 4.0;

/// The height of a line in em. plotters expects it as the size of a font.
pub(super) const LINE_HEIGHT: f64 = 1.24;

/// The result of drawing on `B`.
pub(super) type Drawn<B> = Result<(), DrawingErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A point, in pixels from the upper left corner.
pub(super) type Point = (f64, f64);

/// Where the given point lies within a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// At its left end.
    Start,
    /// In its middle.
    Middle,
    /// At its right end.
    End,
}

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    pub(super) size: f64,
    pub(super) weight: Weight,
    pub(super) color: Color,
}

/// A picture that is being drawn.
pub(super) struct Canvas<B> {
    backend: B,
}

impl<B: DrawingBackend> Canvas<B> {
    pub(super) fn new(backend: B) -> Self {
        Self { backend }
    }

    /// Finishes the picture.
    pub(super) fn finish(mut self) -> Drawn<B> {
        self.backend.present()
    }

    /// Draws a filled rectangle.
    pub(super) fn rect(&mut self, from: Point, to: Point, color: Color, opacity: f64) -> Drawn<B> {
        self.backend
            .draw_rect(units(from), units(to), &rgba(color, opacity), true)
    }

    /// Draws a horizontal or vertical line, centred on its points. It is drawn as a rectangle, so its edges are sharp.
    pub(super) fn rule(&mut self, from: Point, to: Point, color: Color, width: f64) -> Drawn<B> {
        let half = width / 2.0;
        let is_level = from.1 == to.1;
        let (dx, dy) = if is_level { (0.0, half) } else { (half, 0.0) };
        self.rect(
            (from.0 - dx, from.1 - dy),
            (to.0 + dx, to.1 + dy),
            color,
            1.0,
        )
    }

    /// Draws a line through all points.
    pub(super) fn path(&mut self, points: &[Point], color: Color, width: f64) -> Drawn<B> {
        let style = ShapeStyle {
            color: rgba(color, 1.0),
            filled: false,
            stroke_width: (width * UNITS).round() as u32,
        };
        self.backend
            .draw_path(points.iter().copied().map(units), &style)
    }

    /// Draws a filled circle.
    pub(super) fn dot(&mut self, at: Point, radius: f64, color: Color, opacity: f64) -> Drawn<B> {
        let radius = (radius * UNITS).round() as u32;
        self.backend
            .draw_circle(units(at), radius, &rgba(color, opacity), true)
    }

    /// Draws a line of text. Capitals and digits are vertically centred on `at`.
    pub(super) fn text(&mut self, text: &str, at: Point, anchor: Anchor, look: Type) -> Drawn<B> {
        // Backends centre lower-case letters. Capitals are higher by this fraction.
        const RISE: f64 = 0.09;
        let style = match look.weight {
            Weight::Regular => FontStyle::Normal,
            Weight::Medium => FontStyle::Bold,
        };
        let size = look.size * UNITS * LINE_HEIGHT;
        let h_pos = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let color = rgba(look.color, 1.0);
        let style = TextStyle::from((FontFamily::Name(FAMILY), size, style))
            .color(&color)
            .pos(Pos::new(h_pos, VPos::Center));
        let at = (at.0, at.1 + RISE * look.size);
        self.backend.draw_text(&text::line(text), &style, units(at))
    }
}

fn units(point: Point) -> (i32, i32) {
    (
        (point.0 * UNITS).round() as i32,
        (point.1 * UNITS).round() as i32,
    )
}

fn rgba(color: Color, opacity: f64) -> RGBAColor {
    RGBAColor(color.0, color.1, color.2, opacity)
}
