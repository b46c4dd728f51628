//! Whether the processes of a case were steady while a gate measured them.

use super::pair::{Pair, SliceSample};
use crate::compare::Side;
use crate::record::run_ns;
use crate::stats::median;
use crate::stats::steady::{LEVEL_RATIO, unsteady};

/// Into how many blocks the samples of a process are divided, at most. A search takes time in proportion to the square
/// of their number, and a slice of short samples has hundreds.
const MOST_BLOCKS: usize = 40;

/// How many of the processes of these pairs were not steady; `None` if at most half of them. Some always are, because
/// the machine disturbs them, and pairs average that out. A case that had not warmed up is unsteady in most processes.
pub(super) fn not_steady(pairs: &[Pair]) -> Option<String> {
    let processes = pairs
        .iter()
        .flat_map(|pair| [Side::Base, Side::Head].map(|side| blocks(pair, side)));
    let found: Vec<bool> = processes.map(|times| unsteady(&times).is_some()).collect();
    let (count, all) = (found.iter().filter(|one| **one).count(), found.len());
    (2 * count > all).then(|| {
        format!(
            "in {count} of {all} processes the last samples differ from the first by a factor of more than {LEVEL_RATIO}, so a longer \
             warm-up may give another verdict"
        )
    })
}

/// The times of one side of a pair in the order of the samples, as medians of blocks.
fn blocks(pair: &Pair, side: Side) -> Vec<f64> {
    let slices = pair.slices.iter().filter(|slice| slice.side == side);
    let time = |sample: &SliceSample| run_ns(sample.wall_ns, sample.run_count);
    let times: Vec<f64> = slices
        .flat_map(|slice| slice.samples.iter().map(time))
        .collect();
    let len = times.len().div_ceil(MOST_BLOCKS).max(1);
    times.chunks(len).filter_map(median).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::pair::PairSlice;
    use crate::record::Calibration;

    /// A pair whose processes get faster by `factor` after a third of their 120 samples.
    fn pair(factor: u64) -> Pair {
        let slice = |round, side| PairSlice {
            round,
            side,
            calibration: Calibration {
                single_ns: 1,
                parallel_ns: None,
            },
            samples: (0..40)
                .map(|index| SliceSample {
                    wall_ns: (1_000 + index) * if round == 0 { factor } else { 1 },
                    cpu_ns: None,
                    run_count: 1,
                })
                .collect(),
            usage: None,
        };
        let sides = [Side::Base, Side::Head];
        let slices = (0..3).flat_map(|round| sides.map(|side| slice(round, side)));
        Pair::invented(slices.collect())
    }

    #[test]
    fn a_gate_says_it_if_most_processes_had_not_warmed_up() {
        assert_eq!(blocks(&pair(2), Side::Head).len(), 40);
        let said = not_steady(&[pair(2), pair(2), pair(1)]).unwrap();
        assert!(said.starts_with("in 4 of 6 processes "), "{said}");
        assert_eq!(not_steady(&[pair(2), pair(1)]), None);
        assert_eq!(not_steady(&[]), None);
    }
}
