//! Fused multiply-adds, a known number of them, with an outcome that is known without doing them.

use std::hint::black_box;

use super::sequence::in_sequence;

/// Chains that run side by side. A processor starts two vectors of four a cycle and has each result four
/// cycles later: eight vectors keep it busy, and fit into its 16 registers.
const LANES: usize = 32;

/// The most rounds for which every intermediate sum is exact.
pub(super) const ROUNDS_MAX: u64 = 1 << 40;

/// Does rounds of `2 × 32` floating-point operations: a multiply-add on each of 32 lanes.
///
/// Each multiply-add multiplies a lane by one and adds one, so what a lane holds in the end is what it began
/// with plus the number of rounds. All numbers stay between 2^52 and 2^53, where every integer is exact and
/// stands as it is in the low bits of the word, so the outcome is the same on every machine, proves that every
/// round was done, and can be told without doing them. Neither factor nor summand is known to the compiler.
///
/// `f64::mul_add` is one instruction where the processor is known to have it. On x86-64 a program that must
/// run everywhere does not know, and calls a function of the C library for each lane: 75 ns a round and not
/// 1.1 (Zen 4). So the rounds are compiled twice, and the processor is asked. Multiplying and
/// adding apart would need no question, but takes 4.2 ns, or 1.7 on wide vectors: that is no peak.
///
/// To begin and to end takes some 7 ns beside the rounds: no number is converted, lanes begin as words and are
/// summed up as words.
#[derive(Debug, Clone, Copy)]
pub(super) struct MultiplyAdd {
    #[cfg(target_arch = "x86_64")]
    has_instruction: bool,
}

impl MultiplyAdd {
    pub(super) fn new() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            has_instruction: is_x86_feature_detected!("fma") && is_x86_feature_detected!("avx2"),
        }
    }

    /// Does `count` rounds, beginning when `seed` is known, and returns their outcome.
    #[inline]
    pub(super) fn rounds(self, seed: u64, count: u64) -> u64 {
        in_sequence(seed, |seed| {
            #[cfg(target_arch = "x86_64")]
            if self.has_instruction {
                // SAFETY: the processor was asked, and has both features.
                return unsafe { rounds_on_vectors(seed, count) };
            }
            rounds(seed, count)
        })
    }

    /// What [`rounds`](Self::rounds) returns, at once.
    pub(super) fn outcome(seed: u64, count: u64) -> u64 {
        // Lane i ends at `start + i + count`.
        let lanes = LANES as u64;
        let sum = lanes.wrapping_mul(start(seed) + count) + lanes * (lanes - 1) / 2;
        seed ^ sum
    }
}

/// The word that lane 0 begins with: 2^52 as a floating-point number, and in its low bits 40 bits of the seed,
/// so that no lane reaches 2^53.
fn start(seed: u64) -> u64 {
    0x4330_0000_0000_0000 | (seed >> 24)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn rounds_on_vectors(seed: u64, count: u64) -> u64 {
    rounds(seed, count)
}

// Always: it takes on the features of its caller.
#[inline(always)]
fn rounds(seed: u64, count: u64) -> u64 {
    let start = start(seed);
    let mut lanes: [f64; LANES] = std::array::from_fn(|lane| f64::from_bits(start + lane as u64));
    let (factor, summand) = (black_box(1.0), black_box(1.0));
    for _ in 0..count {
        for lane in &mut lanes {
            *lane = lane.mul_add(factor, summand);
        }
    }
    seed ^ sum(lanes.map(f64::to_bits))
}

/// The sum of all words, half onto half: a chain of five additions and not of 31.
#[inline(always)]
fn sum(mut words: [u64; LANES]) -> u64 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            words[lane] = words[lane].wrapping_add(words[lane + half]);
        }
        half /= 2;
    }
    words[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: [u64; 4] = [0, 1, 0x0123_4567_89AB_CDEF, u64::MAX];

    #[test]
    fn the_outcome_is_the_one_foretold_with_and_without_the_instruction() {
        for seed in SEEDS {
            for count in [0, 1, 2, 3, 1000] {
                let foretold = MultiplyAdd::outcome(seed, count);
                assert_eq!(MultiplyAdd::new().rounds(seed, count), foretold);
                assert_eq!(rounds(seed, count), foretold);
            }
        }
    }

    #[test]
    fn every_round_and_every_seed_shows() {
        for count in 0..10 {
            let [here, next] = [count, count + 1].map(|count| MultiplyAdd::outcome(1, count));
            assert_ne!(here, next);
        }
        let mut outcomes = SEEDS.map(|seed| MultiplyAdd::outcome(seed, 5)).to_vec();
        outcomes.dedup();
        assert_eq!(outcomes.len(), SEEDS.len());
    }

    #[test]
    fn lanes_are_exact_up_to_the_last_round() {
        // The lane that ends highest.
        let highest = start(u64::MAX) + LANES as u64 - 1 + ROUNDS_MAX;
        assert!(f64::from_bits(highest) < 2f64.powi(53));
        assert_eq!(
            f64::from_bits(highest - 1).mul_add(1.0, 1.0).to_bits(),
            highest
        );
    }
}
