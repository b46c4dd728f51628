//! A known number of fused multiply-adds, whose result is known without computing them.

use std::hint::black_box;

use super::sequence::in_sequence;

/// The number of independent chains. A processor starts two vectors of four per cycle and has each result four
/// cycles later: eight vectors keep it busy, and fit into its 16 registers.
const LANES: usize = 32;

/// The most rounds for which every intermediate sum is exact.
pub(in crate::kernel) const ROUNDS_MAX: u64 = 1 << 40;

/// Does rounds of `2 × 32` floating-point operations: a multiply-add on each of 32 lanes.
///
/// Each multiply-add multiplies a lane by one and adds one, so the final value of a lane is its initial value plus
/// the number of rounds. All numbers stay between 2^52 and 2^53, where every integer is exact and is stored
/// unchanged in the low bits of the word. The result is therefore the same on every machine, proves that every round
/// was done, and can be computed without doing them. The compiler knows neither the factor nor the summand.
///
/// `f64::mul_add` is one instruction if the target is known to have it. A program that must run on every x86-64
/// processor instead calls a function of the C library for each lane: 75 ns per round instead of 1.1 (Zen 4). So the
/// rounds are compiled twice, and the processor decides which version runs. Separate multiplications and additions
/// would need no such decision, but take 4.2 ns, or 1.7 on wide vectors, which is not the peak rate.
///
/// Besides the rounds, the beginning and the end take some 7 ns. No number is converted: lanes begin as words and
/// are summed as words.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernel) struct MultiplyAdd {
    #[cfg(target_arch = "x86_64")]
    has_instruction: bool,
}

impl MultiplyAdd {
    pub(in crate::kernel) fn new() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            has_instruction: is_x86_feature_detected!("fma") && is_x86_feature_detected!("avx2"),
        }
    }

    /// Does `count` rounds, beginning when `seed` is known, and returns their result.
    #[inline]
    pub(in crate::kernel) fn rounds(self, seed: u64, count: u64) -> u64 {
        in_sequence(seed, |seed| {
            #[cfg(target_arch = "x86_64")]
            if self.has_instruction {
                // SAFETY: the processor reported both features.
                return unsafe { rounds_on_vectors(seed, count) };
            }
            rounds(seed, count)
        })
    }

    /// The result of [`rounds`](Self::rounds), without doing the rounds.
    pub(in crate::kernel) fn outcome(seed: u64, count: u64) -> u64 {
        // Lane i ends at `start + i + count`.
        let lanes = LANES as u64;
        let sum = lanes.wrapping_mul(start(seed) + count) + lanes * (lanes - 1) / 2;
        seed ^ sum
    }
}

/// The initial word of lane 0: 2^52 as a floating-point number, and 40 bits of the seed in its low bits, so that no
/// lane reaches 2^53.
fn start(seed: u64) -> u64 {
    0x4330_0000_0000_0000 | (seed >> 24)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn rounds_on_vectors(seed: u64, count: u64) -> u64 {
    rounds(seed, count)
}

// Always inline: it gets the target features of its caller.
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

/// The sum of all words, by halves: a chain of five additions instead of 31.
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
        // The lane with the highest final value.
        let highest = start(u64::MAX) + LANES as u64 - 1 + ROUNDS_MAX;
        assert!(f64::from_bits(highest) < 2f64.powi(53));
        assert_eq!(
            f64::from_bits(highest - 1).mul_add(1.0, 1.0).to_bits(),
            highest
        );
    }
}
