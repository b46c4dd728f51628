//! The font that is embedded in all pictures, see `assets/font/README.md`.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef};

const REGULAR: &[u8] = include_bytes!("../../../assets/font/Roboto-Regular.ttf");
const MEDIUM: &[u8] = include_bytes!("../../../assets/font/Roboto-Medium.ttf");

/// The name of the font family.
pub(crate) const FAMILY: &str = "Roboto";

static PARSED_REGULAR: LazyLock<FontRef<'static>> = LazyLock::new(|| parsed(REGULAR));
static PARSED_MEDIUM: LazyLock<FontRef<'static>> = LazyLock::new(|| parsed(MEDIUM));

/// The weight of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Medium,
}

impl Weight {
    pub(super) fn font(self) -> &'static FontRef<'static> {
        match self {
            Self::Regular => &PARSED_REGULAR,
            Self::Medium => &PARSED_MEDIUM,
        }
    }
}

fn parsed(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the font is part of the program, and a test parses it")
}

/// The width of a line of text in pixels, with an em of `size` pixels.
pub(super) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let font = weight.font();
    let advances = text
        .chars()
        .map(|c| f64::from(font.h_advance_unscaled(font.glyph_id(c))));
    advances.sum::<f64>() * size / units_per_em(font)
}

/// `text` if it fits into `max_width`, or else its beginning with an ellipsis.
pub(super) fn fitted(text: &str, size: f64, weight: Weight, max_width: f64) -> String {
    if width(text, size, weight) <= max_width {
        return text.into();
    }
    let mut kept: String = text.into();
    while kept.pop().is_some() {
        let candidate = format!("{}…", kept.trim_end());
        if width(&candidate, size, weight) <= max_width {
            return candidate;
        }
    }
    "…".into()
}

pub(super) fn units_per_em(font: &FontRef) -> f64 {
    // Fonts without this entry have 1000 units per em. The embedded font has the entry.
    f64::from(font.units_per_em().unwrap_or(1000.0))
}

/// CSS rules that embed the font.
pub(crate) fn style() -> String {
    let face = |weight: u32, bytes| {
        format!(
            "@font-face{{font-family:{FAMILY};font-weight:{weight};\
             src:url(data:font/ttf;base64,{}) format(\"truetype\")}}",
            base64(bytes)
        )
    };
    // The heavier text of pictures is "bold", which means 700. It is drawn with the weight Medium.
    face(400, REGULAR) + &face(700, MEDIUM)
}

/// Encodes bytes as base64 (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let group = u32::from_be_bytes(group);
        for place in 0..4 {
            let digit = (group >> (18 - 6 * place)) & 63;
            let is_padding = place > chunk.len();
            text.push(if is_padding {
                '='
            } else {
                char::from(ALPHABET[digit as usize])
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_agrees_with_the_vectors_of_its_rfc() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn the_font_has_every_letter_that_reports_use() {
        for weight in [Weight::Regular, Weight::Medium] {
            for c in ('!'..='~').chain("µ×±–≤≥−†…·÷".chars()) {
                assert_ne!(weight.font().glyph_id(c).0, 0, "{c}");
            }
        }
    }

    #[test]
    fn text_is_cut_to_fit() {
        let full = width("stencil", 12.0, Weight::Regular);
        assert_eq!(fitted("stencil", 12.0, Weight::Regular, full), "stencil");
        let cut = fitted("stencil", 12.0, Weight::Regular, full - 1.0);
        assert_eq!(cut, "sten…");
        assert_eq!(fitted("stencil", 12.0, Weight::Regular, 0.0), "…");
    }

    #[test]
    fn width_grows_with_size_and_length() {
        let one = width("0", 10.0, Weight::Regular);
        assert!((width("00", 20.0, Weight::Regular) - 4.0 * one).abs() < 1e-9);
    }
}
