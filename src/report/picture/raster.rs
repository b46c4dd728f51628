//! PNG: draws a picture with four pixels per CSS pixel in each direction, and writes the means of two by two.

use ab_glyph::{Font, Glyph, PxScale, point};
use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters_backend::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind, FontStyle,
};

use super::canvas::LINE_HEIGHT;
use super::font::{Weight, units_per_em, width};

type Inner<'a> = BitMapBackend<'a>;
type Error = <Inner<'static> as DrawingBackend>::ErrorType;

/// The bitmap backend of plotters, with text as browsers render it.
///
/// plotters itself ignores the left bearing of each glyph and rounds its position to a pixel, so letters are uneven. It
/// also places lines of text at a different height than its SVG backend.
pub(super) struct Raster<'a>(Inner<'a>);

impl<'a> Raster<'a> {
    /// Draws into `buffer`: three bytes per pixel, row by row.
    pub(super) fn new(buffer: &'a mut [u8], size: (u32, u32)) -> Self {
        Self(Inner::with_buffer(buffer, size))
    }
}

impl DrawingBackend for Raster<'_> {
    type ErrorType = Error;

    fn get_size(&self) -> (u32, u32) {
        self.0.get_size()
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Error>> {
        self.0.ensure_prepared()
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Error>> {
        self.0.present()
    }

    fn draw_pixel(
        &mut self,
        at: BackendCoord,
        color: BackendColor,
    ) -> Result<(), DrawingErrorKind<Error>> {
        self.0.draw_pixel(at, color)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Result<(), DrawingErrorKind<Error>> {
        self.0.draw_rect(from, to, style, fill)
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        at: BackendCoord,
    ) -> Result<(), DrawingErrorKind<Error>> {
        let weight = match style.style() {
            FontStyle::Bold => Weight::Medium,
            _ => Weight::Regular,
        };
        let em = style.size() / LINE_HEIGHT;
        let width = width(text, em, weight);
        let left = match style.anchor().h_pos {
            HPos::Left => f64::from(at.0),
            HPos::Center => f64::from(at.0) - width / 2.0,
            HPos::Right => f64::from(at.0) - width,
        };
        // This is "0.5ex" in the SVG backend, with the x-height of the font.
        let baseline = f64::from(at.1) + em * 0.5 * X_HEIGHT;
        self.draw_glyphs(text, weight, em, (left, baseline), style.color())
    }
}

/// The height of a lower-case letter in Roboto, in em: 1082 of 2048 units.
const X_HEIGHT: f64 = 0.528;

impl Raster<'_> {
    fn draw_glyphs(
        &mut self,
        text: &str,
        weight: Weight,
        em: f64,
        (left, baseline): (f64, f64),
        color: BackendColor,
    ) -> Result<(), DrawingErrorKind<Error>> {
        let font = weight.font();
        let em_per_unit = em / units_per_em(font);
        let scale = PxScale::from((f64::from(font.height_unscaled()) * em_per_unit) as f32);
        let mut pen = left;
        for c in text.chars() {
            let id = font.glyph_id(c);
            let position = point(pen as f32, baseline as f32);
            let glyph = Glyph {
                id,
                scale,
                position,
            };
            pen += f64::from(font.h_advance_unscaled(id)) * em_per_unit;
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let bounds = outline.px_bounds();
            let mut result = Ok(());
            outline.draw(|x, y, coverage| {
                let at = (
                    bounds.min.x as i32 + x as i32,
                    bounds.min.y as i32 + y as i32,
                );
                let covered = color.mix(f64::from(coverage.min(1.0)));
                if result.is_ok() && coverage > 0.0 {
                    result = self.0.draw_pixel(at, covered);
                }
            });
            result?;
        }
        Ok(())
    }
}

/// Encodes a PNG with half the size of `buffer` in each direction. The PNG states twice the resolution of a screen, so
/// viewers show it at the size of the picture.
pub(super) fn png(
    buffer: &[u8],
    (width, height): (u32, u32),
) -> Result<Vec<u8>, png::EncodingError> {
    /// 2 × 96 dots per inch, in dots per metre.
    const PIXELS_PER_METRE: u32 = 7559;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width / 2, height / 2);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Drawings consist of flat areas, which compress better without filters: to less than half the size.
    encoder.set_filter(png::Filter::NoFilter);
    // The best compression takes three times as long, and files are only slightly smaller.
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: PIXELS_PER_METRE,
        yppu: PIXELS_PER_METRE,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&halved(buffer, width as usize))?;
    writer.finish()?;
    Ok(bytes)
}

/// Halves the size of an image in each direction: each pixel is the mean of two by two.
fn halved(buffer: &[u8], width: usize) -> Vec<u8> {
    let row = width * 3;
    let mut pixels = Vec::with_capacity(buffer.len() / 4);
    for pair in buffer.chunks_exact(2 * row) {
        let (upper, lower) = pair.split_at(row);
        for (upper, lower) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            pixels.extend([0, 1, 2].map(|channel| {
                let sum = [
                    upper[channel],
                    upper[channel + 3],
                    lower[channel],
                    lower[channel + 3],
                ];
                (sum.map(u16::from).iter().sum::<u16>() / 4) as u8
            }));
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_takes_the_mean_of_two_by_two() {
        let upper = [0, 10, 255, 4, 10, 255, 8, 8, 8, 8, 8, 8];
        let lower = [8, 10, 255, 12, 10, 255, 0, 0, 0, 0, 0, 4];
        assert_eq!(halved(&[upper, lower].concat(), 4), [6, 10, 255, 4, 4, 5]);
    }
}
