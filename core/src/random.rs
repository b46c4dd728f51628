//! Pseudorandom numbers that depend only on a seed, so that everything drawn can be drawn again.
//!
//! SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. Not for
//! cryptography.

/// An odd number near 2^64 divided by the golden ratio: the distance between two states. It spreads the bits of what it
/// multiplies (Knuth, The Art of Computer Programming, volume 3, section 6.4).
pub(crate) const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// A sequence of pseudorandom numbers.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The sequence of this seed. All seeds are equally good.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, uniform over 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let number = mix(self.0);
        self.0 = self.0.wrapping_add(GAMMA);
        number
    }

    /// The next number below `limit`; 0 if `limit` is 0.
    ///
    /// The remainder favours small numbers, by less than `limit` in 2^64.
    #[inline]
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_u64().checked_rem(limit).unwrap_or(0)
    }

    /// Shuffles `items` so that all orders have the same probability (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(last as u64 + 1);
            items.swap(last, chosen as usize);
        }
    }
}

/// The first number of the sequence of this seed: a permutation of all numbers in which each bit of the seed affects
/// all bits.
#[inline]
pub fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(GAMMA);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The number for `words` in this order: applies [`mix`] to each word combined with the result so far.
#[inline]
pub fn draw<const N: usize>(words: [u64; N]) -> u64 {
    words.into_iter().fold(0, |drawn, word| mix(drawn ^ word))
}

/// Folds `value` into `state`: what seeds, digests and chains of nonces are made with. It mixes less than [`mix`], and
/// takes less time.
#[inline]
pub fn fold(state: u64, value: u64) -> u64 {
    (state.rotate_left(5) ^ value).wrapping_mul(GAMMA)
}

/// The content that follows from `word`, eight bytes at a time. The first eight are the word.
fn content(word: u64) -> impl Iterator<Item = [u8; 8]> {
    (0..).map(move |at: u64| word.wrapping_add(at.wrapping_mul(GAMMA)).to_le_bytes())
}

/// Fills `bytes` with the content that follows from `word`. This takes little more time than copying.
pub fn fill(bytes: &mut [u8], word: u64) {
    for (chunk, expected) in bytes.chunks_mut(8).zip(content(word)) {
        chunk.copy_from_slice(&expected[..chunk.len()]);
    }
}

/// The position of the first of `bytes` that is not what [`fill`] writes for `word`; `None` if all are.
pub fn first_wrong_byte(bytes: &[u8], word: u64) -> Option<usize> {
    let mut chunks = bytes.chunks(8).zip(content(word)).enumerate();
    let (at, (chunk, expected)) =
        chunks.find(|(_, (chunk, expected))| **chunk != expected[..chunk.len()])?;
    let inside = chunk.iter().zip(expected);
    let inside = inside.take_while(|(found, expected)| *found == expected);
    Some(8 * at + inside.count())
}

/// A drawn number as a fraction, from 0 up to but not including 1, in steps of 2^-53.
#[inline]
pub fn ratio(drawn: u64) -> f64 {
    (drawn >> 11) as f64 / (1u64 << 53) as f64
}

/// Shuffles `items` into an order that depends only on `seed`.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    SplitMix64::new(seed).shuffle(items);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_published_ones() {
        let mut numbers = SplitMix64::new(1234567);
        let published = [
            6457827717110365317,
            3203168211198807973,
            9817491932198370423,
        ];
        assert_eq!([(); 3].map(|()| numbers.next_u64()), published);
        assert_eq!(mix(1234567), published[0]);
    }

    #[test]
    fn content_begins_with_its_word_and_every_byte_of_it_is_checked() {
        let mut bytes = [0; 21];
        fill(&mut bytes, 7);
        assert_eq!(bytes[..8], 7u64.to_le_bytes());
        assert_eq!(first_wrong_byte(&bytes, 7), None);
        for at in 0..bytes.len() {
            bytes[at] ^= 0x10;
            assert_eq!(first_wrong_byte(&bytes, 7), Some(at));
            bytes[at] ^= 0x10;
        }
    }

    #[test]
    fn a_number_is_below_its_limit_and_every_such_number_comes() {
        let mut numbers = SplitMix64::new(3);
        let mut seen = [false; 5];
        (0..1000).for_each(|_| seen[numbers.below(5) as usize] = true);
        assert_eq!(seen, [true; 5]);
        assert_eq!(numbers.below(0), 0);
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
        // The standard deviation of this mean is 0.0029.
        assert!((mean - 0.5).abs() < 0.015, "{mean}");
    }

    #[test]
    fn a_shuffle_keeps_every_item_and_depends_on_the_seed_alone() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..100).collect();
            shuffle(&mut items, seed);
            items
        };
        assert_eq!(shuffled(7), shuffled(7));
        assert_ne!(shuffled(7), shuffled(8));
        let mut sorted = shuffled(7);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_is_shuffled_into_nothing() {
        shuffle::<u32>(&mut [], 7);
    }
}
