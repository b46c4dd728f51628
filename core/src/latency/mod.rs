//! Latencies: how long something took beside the run itself, such as the hand-over of a message or the lateness of a
//! timer.
//!
//! A kernel records each latency in a [`Recorder`], whose memory threads and forked processes share. After the runs the
//! latencies become a [`Histogram`]: plain data that is merged, stored, and asked for percentiles.
//!
//! # Buckets
//!
//! Latencies below 2 × [`SUB_BUCKETS`] nanoseconds are counted exactly. Above that, each power of two is divided into
//! [`SUB_BUCKETS`] buckets of equal width. So a bucket is at most [`RELATIVE_ERROR`] of its lowest latency wide, whether
//! that is a microsecond or an hour. All values of 64 bits have a bucket, so none is ever refused or cut.
//!
//! The bucket of `ns` begins at `ns >> shift << shift`, where `shift` is the number of bits of `ns` minus 7, and at
//! least 0. Any language computes this in one line.
//!
//! # Why not `hdrhistogram`
//!
//! The crate `hdrhistogram` divides its range in the same way, but does not fit here:
//!
//! - Its counts are in a vector on the heap of one process. A worker process that was forked would record into a copy
//!   that ends with it. Several threads record through its `SyncHistogram`, which passes each thread's counts through a
//!   channel; that does not reach another process either.
//! - Its serialised form is compressed binary: numbers of variable length, with deflate around them. Every child in
//!   another language would need a library for it. A sorted list of pairs takes a child of any language three lines.
//! - It would be a dependency of everybody who writes a backend, for arithmetic that fits into this module.

mod histogram;
mod recorder;

pub use histogram::{Histogram, HistogramError};
pub use recorder::Recorder;

/// The number of buckets per power of two.
pub const SUB_BUCKETS: u64 = 1 << SUB_BUCKET_BITS;

/// The width of a bucket divided by its lowest latency is at most this. A percentile exceeds the exact one by at most
/// this fraction.
pub const RELATIVE_ERROR: f64 = 1.0 / SUB_BUCKETS as f64;

const SUB_BUCKET_BITS: u32 = 6;

/// The number of buckets for all values of 64 bits.
const BUCKET_COUNT: usize = index(u64::MAX) + 1;

/// How many low bits the latencies of a bucket may differ in.
const fn shift(ns: u64) -> u32 {
    (u64::BITS - ns.leading_zeros()).saturating_sub(SUB_BUCKET_BITS + 1)
}

/// The position of the bucket of `ns` among all buckets.
const fn index(ns: u64) -> usize {
    // The shifted value has at most 7 bits; it has 7 whenever the shift is not 0. So the next power of two continues
    // where the last one ended.
    (shift(ns) as u64 * SUB_BUCKETS + (ns >> shift(ns))) as usize
}

/// The lowest latency in the bucket of `ns`.
const fn lowest(ns: u64) -> u64 {
    ns >> shift(ns) << shift(ns)
}

/// The highest latency in the bucket of `ns`.
const fn highest(ns: u64) -> u64 {
    lowest(ns) + ((1 << shift(ns)) - 1)
}

/// The lowest latency in the bucket at `index`.
const fn lowest_at(index: usize) -> u64 {
    let shift = (index as u64 / SUB_BUCKETS).saturating_sub(1);
    (index as u64 - shift * SUB_BUCKETS) << shift
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_buckets_are_numbered_without_a_gap_and_adjoin() {
        let mut next = 0;
        for at in 0..BUCKET_COUNT {
            let lowest_ns = lowest_at(at);
            assert_eq!(lowest_ns, next);
            assert_eq!((index(lowest_ns), lowest(lowest_ns)), (at, lowest_ns));
            let highest_ns = highest(lowest_ns);
            assert_eq!((index(highest_ns), lowest(highest_ns)), (at, lowest_ns));
            next = highest_ns.wrapping_add(1);
        }
        assert_eq!(next, 0, "the last bucket ends with the largest number");
    }

    #[test]
    fn small_latencies_are_exact_and_a_bucket_of_seconds_is_milliseconds_wide() {
        assert_eq!((lowest(127), highest(127)), (127, 127));
        assert_eq!((lowest(129), highest(129)), (128, 129));
        assert_eq!(lowest(1_000_000_000), 998_244_352);
        assert_eq!(highest(1_000_000_000), 1_006_632_959);
    }

    proptest! {
        #[test]
        fn no_bucket_is_wider_than_the_error(ns in any::<u64>(), bits in 0..64u32) {
            let ns = ns >> bits;
            prop_assert!(lowest(ns) <= ns && ns <= highest(ns));
            let width = (highest(ns) - lowest(ns)) as f64;
            prop_assert!(width <= lowest(ns) as f64 * RELATIVE_ERROR);
        }
    }
}
