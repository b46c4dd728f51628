//! An array in shared memory that tasks sort, and the check that they did.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::memory::SharedSlice;
use crate::random::draw;

/// Numbers that tasks sort. Every element belongs to one task at a time, and the runtime that hands over a task also
/// hands over its elements. So all accesses are relaxed.
pub(in crate::recursion) struct SharedArray {
    /// The elements, and behind them the seed of the last run.
    words: SharedSlice<AtomicU64>,
}

impl SharedArray {
    /// Zeros.
    pub(in crate::recursion) fn new(len: usize) -> io::Result<Self> {
        Ok(Self {
            words: SharedSlice::new(len + 1)?,
        })
    }

    pub(in crate::recursion) fn len(&self) -> usize {
        self.words.len() - 1
    }

    #[inline]
    pub(in crate::recursion) fn get(&self, index: usize) -> u64 {
        self.words[index].load(Ordering::Relaxed)
    }

    #[inline]
    pub(in crate::recursion) fn set(&self, index: usize, value: u64) {
        self.words[index].store(value, Ordering::Relaxed);
    }

    #[inline]
    pub(in crate::recursion) fn swap(&self, one: usize, other: usize) {
        let value = self.get(one);
        self.set(one, self.get(other));
        self.set(other, value);
    }

    /// Keeps the seed of a run, for [`check`](Self::check).
    pub(in crate::recursion) fn keep_seed(&self, seed: u64) {
        self.set(self.len(), seed);
    }

    /// The number that a run with this seed has at `index` before it sorts.
    #[inline]
    pub(in crate::recursion) fn drawn(seed: u64, index: usize) -> u64 {
        draw([seed, index as u64])
    }

    /// Sorts `values`, puts them at `first`, and returns their sum, modulo 2^64.
    pub(in crate::recursion) fn put_sorted(&self, first: usize, mut values: Vec<u64>) -> u64 {
        values.sort_unstable();
        let places = first..;
        places
            .zip(&values)
            .for_each(|(at, value)| self.set(at, *value));
        values.into_iter().fold(0, u64::wrapping_add)
    }

    /// Checks that the elements are in order, and are those that were drawn.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub(in crate::recursion) fn check(&self) -> Result<(), String> {
        let seed = self.get(self.len());
        let mut drawn: Vec<u64> = (0..self.len()).map(|at| Self::drawn(seed, at)).collect();
        drawn.sort_unstable();
        match drawn
            .iter()
            .enumerate()
            .find(|(at, value)| self.get(*at) != **value)
        {
            None => Ok(()),
            Some((at, value)) => Err(format!(
                "the array is not the sorted input: element {at} is {}, and it should be {value}",
                self.get(at)
            )),
        }
    }
}
