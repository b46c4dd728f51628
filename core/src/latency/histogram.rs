use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{highest, lowest};

/// How many latencies fell into each bucket, and the largest latency exactly. In files it is
/// `{ "buckets": [[lowest_ns, count], ...], "max_ns": n }`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "WireHistogram", into = "WireHistogram")]
pub struct Histogram {
    /// The number of latencies of each bucket that has any, by the lowest latency of the bucket.
    counts: BTreeMap<u64, u64>,
    /// 0 if there are no latencies.
    max_ns: u64,
}

impl Histogram {
    /// A histogram of buckets that are known to be valid. A maximum below the last bucket is raised to it.
    pub(super) fn of_buckets(counts: BTreeMap<u64, u64>, max_ns: u64) -> Self {
        let last_ns = counts
            .last_key_value()
            .map_or(0, |(lowest_ns, _)| *lowest_ns);
        Self {
            max_ns: max_ns.max(last_ns),
            counts,
        }
    }

    /// Adds all latencies of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (lowest_ns, count) in &other.counts {
            self.add(*lowest_ns, *count);
        }
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// The number of latencies.
    pub fn count(&self) -> u64 {
        // Files may contain any numbers.
        self.counts
            .values()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The largest latency, exactly; `None` if there are none.
    pub fn max(&self) -> Option<u64> {
        (!self.counts.is_empty()).then_some(self.max_ns)
    }

    /// The buckets that have latencies, in ascending order: the lowest latency of each, and how many it has.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts
            .iter()
            .map(|(lowest_ns, count)| (*lowest_ns, *count))
    }

    /// The smallest latency that is not exceeded by at least `ratio` of all latencies, in nanoseconds: of n sorted
    /// latencies, number ⌈ratio × n⌉, counted from 1. `None` if there are none, or if `ratio` is not from 0 to 1.
    ///
    /// It is the highest latency of its bucket, or the maximum if that is smaller. So it is never below the exact
    /// percentile, and above it by at most [`RELATIVE_ERROR`](super::RELATIVE_ERROR).
    pub fn percentile(&self, ratio: f64) -> Option<u64> {
        if !(0.0..=1.0).contains(&ratio) {
            return None;
        }
        let rank = rank(ratio, self.count());
        let mut sum = 0u64;
        let mut counts = self.counts.iter();
        let found = counts.find(|(_, count)| {
            sum = sum.saturating_add(**count);
            sum >= rank
        });
        found.map(|(lowest_ns, _)| highest(*lowest_ns).min(self.max_ns))
    }

    fn add(&mut self, lowest_ns: u64, count: u64) {
        let sum = self.counts.entry(lowest_ns).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// The number of the latency at `ratio` of `count` sorted ones, from 1.
fn rank(ratio: f64, count: u64) -> u64 {
    let exact = ratio * count as f64;
    // 0.9 of 10 is the ninth value, even if a rounding error makes the product larger than 9. The factor undoes the
    // errors of the ratio and of the product.
    let rank = (exact - exact * f64::EPSILON).ceil() as u64;
    rank.clamp(1, count.max(1))
}

impl FromIterator<u64> for Histogram {
    /// The histogram of these latencies in nanoseconds.
    fn from_iter<I: IntoIterator<Item = u64>>(latencies: I) -> Self {
        let mut histogram = Self::default();
        for ns in latencies {
            histogram.add(lowest(ns), 1);
            histogram.max_ns = histogram.max_ns.max(ns);
        }
        histogram
    }
}

/// A histogram as it is in files.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct WireHistogram {
    /// The lowest latency in nanoseconds and the count of each bucket that has any, in ascending order.
    buckets: Vec<(u64, u64)>,
    /// The largest latency, exactly; 0 if there are none.
    max_ns: u64,
}

/// Why something is not a histogram.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// A number that no bucket begins with.
    #[error(
        "no bucket of a histogram begins at {found} ns; the bucket of {found} ns begins at {expected}"
    )]
    NoBucket {
        /// The number.
        found: u64,
        /// Where its bucket begins.
        expected: u64,
    },
    /// A bucket that does not follow the one before it.
    #[error(
        "the bucket of {after} ns follows the bucket of {before} ns; expected ascending buckets, each once"
    )]
    Order {
        /// The earlier bucket in the list.
        before: u64,
        /// The bucket after it.
        after: u64,
    },
    /// A bucket without latencies.
    #[error("the bucket of {0} ns has the count 0; leave out buckets without latencies")]
    NoLatencies(u64),
    /// A maximum outside the last bucket.
    #[error(
        "`max_ns` is {max_ns}; expected a number from {least} to {most}, as the last bucket says"
    )]
    Max {
        /// The maximum.
        max_ns: u64,
        /// The lowest latency of the last bucket.
        least: u64,
        /// The highest latency of the last bucket.
        most: u64,
    },
}

impl TryFrom<WireHistogram> for Histogram {
    type Error = HistogramError;

    fn try_from(wire: WireHistogram) -> Result<Self, HistogramError> {
        let mut before = None;
        for (found, count) in &wire.buckets {
            let (found, expected) = (*found, lowest(*found));
            if found != expected {
                return Err(HistogramError::NoBucket { found, expected });
            }
            if let Some(before) = before.filter(|before| *before >= found) {
                return Err(HistogramError::Order {
                    before,
                    after: found,
                });
            }
            if *count == 0 {
                return Err(HistogramError::NoLatencies(found));
            }
            before = Some(found);
        }
        let (least, most) = before.map_or((0, 0), |last| (last, highest(last)));
        let max_ns = wire.max_ns;
        if !(least..=most).contains(&max_ns) {
            return Err(HistogramError::Max {
                max_ns,
                least,
                most,
            });
        }
        Ok(Self::of_buckets(wire.buckets.into_iter().collect(), max_ns))
    }
}

impl From<Histogram> for WireHistogram {
    fn from(histogram: Histogram) -> Self {
        Self {
            buckets: histogram.counts.into_iter().collect(),
            max_ns: histogram.max_ns,
        }
    }
}

#[cfg(test)]
mod tests;
