//! The latencies of a case: percentiles, and the points of a curve.

use crate::latency::Histogram;
use crate::record::Record;

/// The percentiles that are shown: how each is written, and its ratio in thousandths.
pub(super) const PERCENTILES: [(&str, u64); 4] =
    [("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999)];

/// A percentile is shown only if at least this many latencies lie above it. With fewer, another run would give quite
/// another value: the number of latencies above a percentile varies by about its own square root.
pub(super) const LEAST_ABOVE: u64 = 10;

/// The latencies of one name in one case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Latency {
    /// What was timed, such as `hand over`.
    pub name: String,
    /// The number of latencies.
    pub count: u64,
    /// The values of [`PERCENTILES`]; `None` for those with too few latencies.
    pub percentiles_ns: [Option<u64>; PERCENTILES.len()],
    /// The largest latency.
    pub max_ns: u64,
    /// The curve of percentiles.
    pub points: Vec<PercentilePoint>,
}

/// A point of a curve of percentiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PercentilePoint {
    /// One of how many latencies is above: 100 for the 99th percentile.
    pub one_of: f64,
    /// The percentile.
    pub ns: f64,
}

/// The points of a curve per power of ten of [`PercentilePoint::one_of`].
const POINTS_PER_DECADE: i32 = 8;

impl Latency {
    /// All latencies of a record, by name.
    pub(super) fn all(record: &Record) -> Vec<Self> {
        let all = record.latencies.iter();
        all.filter_map(|(name, histogram)| Self::new(name, histogram))
            .collect()
    }

    /// `None` if there are no latencies.
    fn new(name: &str, histogram: &Histogram) -> Option<Self> {
        Some(Self {
            name: name.replace('_', " "),
            count: histogram.count(),
            percentiles_ns: PERCENTILES.map(|(_, thousandths)| percentile(histogram, thousandths)),
            max_ns: histogram.max()?,
            points: points(histogram),
        })
    }
}

/// The percentile at this many thousandths; `None` if too few latencies are above it.
pub(super) fn percentile(histogram: &Histogram, thousandths: u64) -> Option<u64> {
    let above = u128::from(histogram.count()) * u128::from(1000 - thousandths);
    let is_known = above >= u128::from(LEAST_ABOVE) * 1000;
    is_known.then(|| histogram.percentile(thousandths as f64 / 1000.0))?
}

/// The values of [`PercentilePoint::one_of`] at which a curve of this many latencies has points: up to the last one that
/// has enough latencies above it.
pub(super) fn curve_steps(count: u64) -> impl Iterator<Item = f64> {
    let most = count as f64 / LEAST_ABOVE as f64;
    let steps = (0..).map(|step| 10f64.powf(f64::from(step) / f64::from(POINTS_PER_DECADE)));
    steps.take_while(move |one_of| *one_of <= most)
}

/// The percentiles at [`curve_steps`].
fn points(histogram: &Histogram) -> Vec<PercentilePoint> {
    let steps = curve_steps(histogram.count());
    let point = |one_of: f64| {
        let ns = histogram.percentile(1.0 - 1.0 / one_of)? as f64;
        Some(PercentilePoint { one_of, ns })
    };
    steps.filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::case;
    use crate::report::table::tables;
    use crate::report::tests::{report, varied};
    use crate::report::words::{TOO_FEW_NOTE, latency_cells, latency_headings};

    fn latency(count: u64) -> Latency {
        Latency::new("hand_over", &(1..=count).collect()).unwrap()
    }

    #[test]
    fn a_percentile_with_too_few_latencies_above_it_is_not_shown() {
        let known = |count| latency(count).percentiles_ns.map(|one| one.is_some());
        assert_eq!(known(19), [false; 4]);
        assert_eq!(known(20), [true, false, false, false]);
        assert_eq!(known(99), [true, false, false, false]);
        assert_eq!(known(100), [true, true, false, false]);
        assert_eq!(known(1_000), [true, true, true, false]);
        assert_eq!(known(9_999), [true, true, true, false]);
        assert_eq!(known(10_000), [true; 4]);
    }

    #[test]
    fn the_figures_of_a_hundred_latencies() {
        let latency = latency(100);
        assert_eq!(latency.name, "hand over");
        assert_eq!(
            latency_cells(&latency),
            ["100", "50.0 ns", "90.0 ns", "–", "–", "100 ns"]
        );
        assert_eq!(latency_headings().count(), latency_cells(&latency).len());
    }

    #[test]
    fn a_curve_ends_where_too_few_latencies_are_above_it() {
        let points = latency(1_000).points;
        assert_eq!(
            points.first().map(|point| (point.one_of, point.ns)),
            Some((1.0, 1.0))
        );
        let last = points.last().unwrap();
        // The 99th percentile of 1 to 1000, up to the end of its bucket.
        assert_eq!((last.one_of, last.ns), (100.0, 991.0));
        assert_eq!(latency(9).points, []);
    }

    #[test]
    fn the_table_has_the_latencies_of_one_name_together() {
        let report = report([
            case("timer", "rayon", 2)
                .around_us(1000)
                .latencies("lateness", 1..=100),
            case("timer", "tokio", 2)
                .around_us(2000)
                .latencies("lateness", (1..=20_000).map(|i| i * 100))
                .latencies("hand_over", [7]),
            case("timer", "fork", 2)
                .error("timeout", "")
                .latencies("lateness", [1]),
        ]);
        let text = tables(&report);
        let (_, table) = text.split_once("latency").unwrap();
        insta::assert_snapshot!(table.split_once("fork").unwrap().0);
        assert!(text.contains(TOO_FEW_NOTE));
        assert!(!tables(&varied()).contains("latenc"));
    }

    #[test]
    fn a_record_without_latencies_has_none() {
        assert_eq!(Latency::all(&case("empty", "rayon", 2).record()), []);
    }
}
