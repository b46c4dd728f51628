//! Numbers that look random, and are the same on every machine: they depend on nothing but what they are
//! drawn from.

/// The next number of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014).
pub fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The number that belongs to `words`, in this order: one step of [`next`] for each of them, a permutation
/// that spreads every bit of it.
pub fn draw<const N: usize>(words: [u64; N]) -> u64 {
    words
        .into_iter()
        .fold(0, |drawn, word| next(&mut (drawn ^ word)))
}

/// A drawn number as a fraction, from 0 up to but not including 1, in steps of 2^-53.
pub fn ratio(drawn: u64) -> f64 {
    (drawn >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_mix_gives_the_published_numbers() {
        let mut state = 1234567;
        let numbers: Vec<u64> = (0..3).map(|_| next(&mut state)).collect();
        let published = [
            6457827717110365317,
            3203168211198807973,
            9817491932198370423,
        ];
        assert_eq!(numbers, published);
    }

    #[test]
    fn every_word_and_its_place_count() {
        let drawn = [[1, 2], [2, 1], [1, 3], [0, 2]].map(draw);
        for (index, one) in drawn.iter().enumerate() {
            assert!(!drawn[..index].contains(one));
        }
    }

    #[test]
    fn ratios_are_spread_over_zero_to_one() {
        assert_eq!(ratio(0), 0.0);
        assert!(ratio(u64::MAX) < 1.0);
        let mean = (0..10_000).map(|word| ratio(draw([word]))).sum::<f64>() / 10_000.0;
        // The deviation of such a mean is 0.0029.
        assert!((mean - 0.5).abs() < 0.015, "{mean}");
    }
}
