//! Numbers of the page with no more digits than they mean.

/// A time as whole nanoseconds; 0 for what is below zero or no number.
pub(super) fn whole(ns: f64) -> u64 {
    ns.round() as u64
}

/// A number with five significant digits. Zero if it is no number, which JSON cannot hold.
pub(super) fn figure(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10f64.powi(4 - value.abs().log10().floor() as i32);
    let rounded = (value * scale).round() / scale;
    match rounded.is_finite() {
        true => rounded,
        false => value,
    }
}

/// [`figure`] of each.
pub(super) fn figures<const N: usize>(values: [f64; N]) -> [f64; N] {
    values.map(figure)
}
