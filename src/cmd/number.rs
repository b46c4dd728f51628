//! Numbers on the command line.

use std::ops::{RangeBounds, RangeInclusive};

/// Parses a number within `range`; the error says that `expected` was expected.
pub(super) fn number(
    text: &str,
    range: impl RangeBounds<f64>,
    expected: &str,
) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("expected {expected}"))
}

/// A parser of whole numbers within `range`, which fit into `T`.
pub(super) fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number: Option<u64> = text.parse().ok().filter(|number| range.contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| {
            let (least, most) = (*range.start(), *range.end());
            match most {
                u64::MAX => format!("expected a whole number, {least} or more"),
                _ => format!("expected a whole number from {least} to {most}"),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_whole_number_within_the_range_is_refused() {
        let runs = whole::<u32>(1..=1000);
        assert_eq!((runs("1"), runs("1000")), (Ok(1), Ok(1000)));
        for text in ["", "x", "0", "-1", "1001", "1.5", "99999999999999999999999"] {
            let expected = "expected a whole number from 1 to 1000";
            assert_eq!(runs(text), Err(expected.into()), "{text:?}");
        }
    }

    #[test]
    fn a_whole_number_may_have_no_limit_but_the_type() {
        let seed = whole::<u64>(0..=u64::MAX);
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(seed("x"), Err("expected a whole number, 0 or more".into()));
        let small = whole::<u16>(0..=u64::MAX);
        assert!(small("65536").is_err());
    }

    #[test]
    fn what_is_no_number_within_the_range_is_refused() {
        let share = |text| number(text, 0.0..=1.0, "a share");
        assert_eq!(share("0.25"), Ok(0.25));
        for text in ["", "x", "nan", "inf", "-0.1", "1.1", "0,5", " 0.5"] {
            assert_eq!(share(text), Err("expected a share".into()), "{text:?}");
        }
    }
}
