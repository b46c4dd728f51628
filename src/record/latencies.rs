//! The latencies of a case.

use std::collections::BTreeMap;

use crate::latency::Histogram;

/// Latencies by what they measure, such as `lateness`. Each histogram has at least one latency.
pub type Latencies = BTreeMap<String, Histogram>;

/// Adds `more` to `latencies`. Histograms without a latency are left out.
pub(crate) fn add_latencies(latencies: &mut Latencies, more: Latencies) {
    for (name, histogram) in more {
        if histogram.count() > 0 {
            latencies.entry(name).or_default().merge(&histogram);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_of_one_name_are_merged_and_empty_ones_left_out() {
        let of = |name: &str, ns: &[u64]| {
            BTreeMap::from([(name.to_owned(), ns.iter().copied().collect::<Histogram>())])
        };
        let mut latencies = Latencies::new();
        add_latencies(&mut latencies, of("lateness", &[5]));
        add_latencies(&mut latencies, of("lateness", &[7, 7]));
        add_latencies(&mut latencies, of("request", &[3]));
        add_latencies(&mut latencies, of("hand_over", &[]));
        let mut expected = of("lateness", &[5, 7, 7]);
        expected.extend(of("request", &[3]));
        assert_eq!(latencies, expected);
    }
}
