//! Numbers on the command line.

use std::ops::RangeBounds;

/// Parses a number within `range`; the error says that `expected` was expected.
pub(super) fn number(
    text: &str,
    range: impl RangeBounds<f64>,
    expected: &str,
) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_within_the_range_is_refused() {
        let share = |text| number(text, 0.0..=1.0, "a share");
        assert_eq!(share("0.25"), Ok(0.25));
        for text in ["", "x", "nan", "inf", "-0.1", "1.1", "0,5", " 0.5"] {
            assert_eq!(share(text), Err("expected a share".into()), "{text:?}");
        }
    }
}
