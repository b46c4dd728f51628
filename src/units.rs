//! Formats times, sizes, ratios and counts for people.

/// Units of time, the largest first, in nanoseconds.
const TIMES: [(f64, &str); 4] = [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")];

/// Units of memory, the largest first, in bytes.
const SIZES: [(f64, &str); 8] = [
    ((1_u128 << 70) as f64, "ZiB"),
    ((1_u128 << 60) as f64, "EiB"),
    ((1_u128 << 50) as f64, "PiB"),
    ((1_u128 << 40) as f64, "TiB"),
    ((1_u128 << 30) as f64, "GiB"),
    ((1_u128 << 20) as f64, "MiB"),
    ((1_u128 << 10) as f64, "KiB"),
    (1.0, "B"),
];

/// A time in nanoseconds with three significant digits, in the largest unit in which it is at least 1: `1.23 µs`. Times
/// below a nanosecond are shown in nanoseconds.
pub(crate) fn time(ns: f64) -> String {
    scaled(ns, &TIMES)
}

/// The unit that [`time`] uses for a time in nanoseconds: its length in nanoseconds, and its name.
pub(crate) fn time_unit(ns: f64) -> (f64, &'static str) {
    unit(ns, &TIMES)
}

/// A number of bytes with three significant digits and a binary unit: `4.00 MiB`.
pub(crate) fn size(bytes: impl Into<u128>) -> String {
    scaled(bytes.into() as f64, &SIZES)
}

/// An interval of times in nanoseconds. Both ends have the unit and the decimals of the upper end: `1.21 – 1.25 µs`. If
/// they would look the same, they have up to two more: `9.99 – 10.02 ms`.
pub(crate) fn times(low: f64, high: f64) -> String {
    let (factor, unit) = unit(high, &TIMES);
    let (low, high) = (low / factor, high / factor);
    let few = decimals(high);
    let ends = |decimals: usize| [low, high].map(|end| format!("{end:.decimals$}"));
    let differ = |decimals: &usize| ends(*decimals)[0] != ends(*decimals)[1];
    let [low, high] = ends((few..=few + 2).find(differ).unwrap_or(few));
    format!("{low} – {high} {unit}")
}

/// A ratio: `1.07×`, `27,900×`.
pub(crate) fn ratio(ratio: f64) -> String {
    // From 100 on, decimals would only make columns wider, and nobody reads a fourth digit.
    match ratio < 99.95 {
        true => format!("{ratio:.2}×"),
        false => format!("{}×", count(rounded(ratio) as u64)),
    }
}

/// A ratio within a sentence, with as many digits as people read: `1.07`, `26.1`, `130`, `28,000`.
pub(crate) fn multiple(ratio: f64) -> String {
    match ratio {
        small if small < 9.995 => format!("{small:.2}"),
        medium if medium < 99.95 => format!("{medium:.1}"),
        large => {
            let unit = 10_f64.powf(large.log10().floor() - 1.0);
            count(((large / unit).round() * unit) as u64)
        }
    }
}

/// A share from 0 to 1 as a percentage: `97%`. More than 100% is possible if the share compares clocks of different
/// resolution.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// A count with separators between thousands: `12,345`.
pub(crate) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 case`, `1,200 cases`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{} {noun}s", count(number as u64)),
    }
}

fn scaled(value: f64, units: &[(f64, &'static str)]) -> String {
    let (factor, unit) = unit(value, units);
    format!("{} {unit}", digits(value / factor))
}

/// The largest unit in which the rounded `value` is at least 1; the smallest unit if there is none.
fn unit(value: f64, units: &[(f64, &'static str)]) -> (f64, &'static str) {
    let is_reached = |(factor, _): &&(f64, &str)| rounded(value.abs() / factor) >= 1.0;
    let found = units.iter().find(is_reached);
    *found.unwrap_or(&units[units.len() - 1])
}

/// Rounds to three significant digits, so that 999.6 ns becomes 1.00 µs before the unit is chosen.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// The number of decimals that gives three significant digits, at most 3.
fn decimals(value: f64) -> usize {
    match rounded(value.abs()) {
        magnitude if magnitude >= 100.0 || magnitude == 0.0 => 0,
        magnitude if magnitude >= 10.0 => 1,
        magnitude if magnitude >= 1.0 => 2,
        _ => 3,
    }
}

/// Three significant digits without an exponent.
fn digits(value: f64) -> String {
    let decimals = decimals(value);
    // The minus sign is as wide as a digit; the hyphen is not.
    format!("{value:.decimals$}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_significant_digits() {
        let cases = [
            (0.0, "0 ns"),
            (0.0426, "0.043 ns"),
            (0.5, "0.500 ns"),
            (7.0, "7.00 ns"),
            (99.96, "100 ns"),
            (999.4, "999 ns"),
            (999.6, "1.00 µs"),
            (12_345.0, "12.3 µs"),
            (1_234_567.0, "1.23 ms"),
            (4_000_400_000.0, "4.00 s"),
            (123_456_789_000.0, "123 s"),
            (-12_345.0, "−12.3 µs"),
        ];
        for (ns, expected) in cases {
            assert_eq!(time(ns), expected, "{ns}");
        }
    }

    #[test]
    fn an_interval_has_one_unit() {
        assert_eq!(times(1210.0, 1254.0), "1.21 – 1.25 µs");
        assert_eq!(times(3.0, 250.4), "3 – 250 ns");
        assert_eq!(times(980.0, 1020.0), "0.98 – 1.02 µs");
        assert_eq!(times(9_990_000.0, 10_020_000.0), "9.99 – 10.02 ms");
        assert_eq!(times(10_000_000.0, 10_000_000.0), "10.0 – 10.0 ms");
    }

    #[test]
    fn other_figures() {
        assert_eq!(size(0_u64), "0 B");
        assert_eq!(size(1023_u64), "1023 B");
        assert_eq!(size(1_u64 << 30), "1.00 GiB");
        assert_eq!(size(4_u64 << 20), "4.00 MiB");
        assert_eq!(size(u128::from(u64::MAX) + 1), "16.0 EiB");
        assert_eq!(ratio(1.0), "1.00×");
        assert_eq!([134.4, 27_905.0].map(ratio), ["134×", "27,900×"]);
        let multiples = [1.0, 9.994, 26.13, 99.96, 134.0, 27_905.0];
        let expected = ["1.00", "9.99", "26.1", "100", "130", "28,000"];
        assert_eq!(multiples.map(multiple), expected);
        assert_eq!(percent(0.974), "97%");
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "case"), "1 case");
        assert_eq!(counted(1200, "case"), "1,200 cases");
    }
}
