use std::io;

use super::recursive::{Recursion, Splitting};
use super::support::array::SharedArray;

/// Sorts an array in place: a task divides its part into the elements below and above a pivot, and its children sort
/// both. A part of at most `cut_off` elements is sorted without children. The first task draws the array.
pub struct Quicksort {
    array: SharedArray,
    cut_off: usize,
}

impl Quicksort {
    /// Sorts `len` elements.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared memory.
    pub fn new(len: usize, cut_off: usize) -> io::Result<Self> {
        Ok(Self {
            array: SharedArray::new(len)?,
            cut_off: cut_off.max(2),
        })
    }
}

impl Recursion for Quicksort {
    /// The first element of a part, the end of the part, and the place of its pivot once it is divided.
    type State = [u64; 3];

    fn root(&self, seed: u64) -> Self::State {
        self.array.keep_seed(seed);
        let len = self.array.len();
        (0..len).for_each(|at| self.array.set(at, SharedArray::drawn(seed, at)));
        [0, len as u64, 0]
    }

    fn split(&self, state: &mut Self::State) -> Splitting {
        let [first, end, pivot] = state;
        let part = *first as usize..*end as usize;
        if part.len() <= self.cut_off {
            let values = part.clone().map(|at| self.array.get(at)).collect();
            return Splitting::Leaf(self.array.put_sorted(part.start, values));
        }
        *pivot = self.divide(part.start, part.end) as u64;
        Splitting::Children(2)
    }

    fn child(&self, [first, end, pivot]: &Self::State, index: u32) -> Self::State {
        match index {
            0 => [*first, *pivot, 0],
            _ => [pivot + 1, *end, 0],
        }
    }

    fn combine(&self, [_, _, pivot]: &Self::State, sum: u64) -> u64 {
        self.array.get(*pivot as usize).wrapping_add(sum)
    }

    fn check(&self) -> Result<(), String> {
        self.array.check()
    }
}

impl Quicksort {
    /// Moves elements below a pivot before it and all others behind it, and returns its place. The pivot is the median of
    /// the first, the middle and the last element. There are at least three.
    fn divide(&self, first: usize, end: usize) -> usize {
        let array = &self.array;
        let mut candidates = [first, first + (end - first) / 2, end - 1];
        candidates.sort_unstable_by_key(|at| array.get(*at));
        array.swap(first, candidates[1]);
        let pivot = array.get(first);
        let mut place = first;
        for at in first + 1..end {
            if array.get(at) < pivot {
                place += 1;
                array.swap(place, at);
            }
        }
        array.swap(first, place);
        place
    }
}
