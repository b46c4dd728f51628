//! The colours of all pictures.

/// A colour in RGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Color(pub(crate) u8, pub(crate) u8, pub(crate) u8);

impl Color {
    /// Mixes the colour with `other`: 0 gives the colour itself, 1 gives `other`.
    fn towards(self, other: Self, share: f64) -> Self {
        let mix = |from: u8, to: u8| {
            (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8
        };
        Self(
            mix(self.0, other.0),
            mix(self.1, other.1),
            mix(self.2, other.2),
        )
    }
}

pub(crate) const PAPER: Color = Color(0xFF, 0xFF, 0xFF);
pub(crate) const INK: Color = Color(0x1F, 0x23, 0x28);
/// For explanations. The contrast to the background is at least 4.5 : 1.
pub(crate) const MUTED: Color = Color(0x5E, 0x66, 0x70);
pub(crate) const GRID: Color = Color(0xE3, 0xE6, 0xEA);
pub(crate) const FAILURE: Color = Color(0xB4, 0x23, 0x18);
/// The backends `static` and `serial` are references for the others, so they are grey.
const LIMIT: Color = Color(0x3A, 0x41, 0x4A);
const SERIAL: Color = Color(0x8A, 0x93, 0x9E);
/// Holds: the green of the colours of backends.
pub(crate) const HOLDS: Color = BACKENDS[2];
pub(crate) const UNKNOWN: Color = Color(0xCF, 0xD4, 0xDA);

/// Colours that people with any colour vision can distinguish: first Okabe and Ito, "Color Universal Design" (2008),
/// without black, which is the text colour here, and without yellow, which is too pale on white; then the dark half of
/// Paul Tol's "muted" scheme (SRON/EPS/TN/09-002).
const BACKENDS: [Color; 9] = [
    Color(0x00, 0x72, 0xB2),
    Color(0xD5, 0x5E, 0x00),
    Color(0x00, 0x9E, 0x73),
    Color(0xCC, 0x79, 0xA7),
    Color(0xE6, 0x9F, 0x00),
    Color(0x56, 0xB4, 0xE9),
    Color(0x88, 0x22, 0x55),
    Color(0x99, 0x99, 0x33),
    Color(0x44, 0xAA, 0x99),
];

/// The colour of a backend among all backends of the report. With more than nine backends, colours repeat. This is
/// acceptable, because everything that is drawn has a name beside it.
pub(super) fn backend(name: &str, all: &[String]) -> Color {
    match name {
        crate::report::LIMIT => return LIMIT,
        crate::report::SERIAL => return SERIAL,
        _ => {}
    }
    let colored = all
        .iter()
        .filter(|name| *name != crate::report::LIMIT && *name != crate::report::SERIAL);
    let place = colored.take_while(|other| *other != name).count();
    BACKENDS[place % BACKENDS.len()]
}

/// The colour of a busy ratio from 0 to 1: one hue, darker for busier cores.
pub(super) fn heat(ratio: f64) -> Color {
    const STOPS: [Color; 4] = [
        Color(0xEE, 0xF4, 0xFB),
        Color(0x9C, 0xC4, 0xE4),
        Color(0x2F, 0x7E, 0xBC),
        Color(0x08, 0x2F, 0x68),
    ];
    let position = ratio.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let below = (position as usize).min(STOPS.len() - 2);
    STOPS[below].towards(STOPS[below + 1], position - below as f64)
}
