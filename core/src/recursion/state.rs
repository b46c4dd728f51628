//! How the state of a task is carried from one worker to another.

/// The most 64-bit words of a state. Four words and a result fill a cache line.
pub const MOST_WORDS: usize = 4;

/// A state as it is carried. Words that the state does not have are 0.
pub type Words = [u64; MOST_WORDS];

/// The state of a task: plain words, at most [`MOST_WORDS`], so that it can cross into other processes.
pub trait Carried: Copy + Send + Sync + 'static {
    /// The words to carry.
    fn to_words(self) -> Words;
    /// The state of these words.
    fn from_words(words: Words) -> Self;
}

impl<const N: usize> Carried for [u64; N] {
    #[inline]
    fn to_words(self) -> Words {
        const { assert!(N <= MOST_WORDS, "a state has at most MOST_WORDS words") };
        let mut words = [0; MOST_WORDS];
        words[..N].copy_from_slice(&self);
        words
    }

    #[inline]
    fn from_words(words: Words) -> Self {
        const { assert!(N <= MOST_WORDS, "a state has at most MOST_WORDS words") };
        let mut state = [0; N];
        state.copy_from_slice(&words[..N]);
        state
    }
}
