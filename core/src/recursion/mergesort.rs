use std::io;

use super::recursive::{Recursion, Splitting};
use super::support::array::SharedArray;

/// Sorts an array: a task splits its part into halves, and merges them after its children have sorted them. A part of at
/// most `cut_off` elements is drawn and sorted without children.
pub struct Mergesort {
    /// Where the sorted array ends up, and the array to which every second level of tasks merges.
    arrays: [SharedArray; 2],
    cut_off: usize,
}

impl Mergesort {
    /// Sorts `len` elements.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared memory.
    pub fn new(len: usize, cut_off: usize) -> io::Result<Self> {
        Ok(Self {
            arrays: [SharedArray::new(len)?, SharedArray::new(len)?],
            cut_off: cut_off.max(1),
        })
    }
}

impl Recursion for Mergesort {
    /// The first element of a part, the end of the part, the array to which it is sorted, and the seed of the run.
    type State = [u64; 4];

    fn root(&self, seed: u64) -> Self::State {
        self.arrays[0].keep_seed(seed);
        [0, self.arrays[0].len() as u64, 0, seed]
    }

    fn split(&self, state: &mut Self::State) -> Splitting {
        let [first, end, target, seed] = *state;
        let part = first as usize..end as usize;
        match part.len() <= self.cut_off {
            true => {
                let drawn = part
                    .clone()
                    .map(|at| SharedArray::drawn(seed, at))
                    .collect();
                let sum = self.arrays[target as usize].put_sorted(part.start, drawn);
                Splitting::Leaf(sum)
            }
            false => Splitting::Children(2),
        }
    }

    fn child(&self, [first, end, target, seed]: &Self::State, index: u32) -> Self::State {
        let middle = middle(*first, *end);
        match index {
            0 => [*first, middle, 1 - target, *seed],
            _ => [middle, *end, 1 - target, *seed],
        }
    }

    fn combine(&self, [first, end, target, _]: &Self::State, sum: u64) -> u64 {
        let (from, to) = (
            &self.arrays[1 - *target as usize],
            &self.arrays[*target as usize],
        );
        let (mut left, left_end) = (*first as usize, middle(*first, *end) as usize);
        let (mut right, right_end) = (left_end, *end as usize);
        for at in *first as usize..right_end {
            let is_left =
                right == right_end || (left < left_end && from.get(left) <= from.get(right));
            let taken = if is_left { &mut left } else { &mut right };
            to.set(at, from.get(*taken));
            *taken += 1;
        }
        sum
    }

    fn check(&self) -> Result<(), String> {
        self.arrays[0].check()
    }
}

fn middle(first: u64, end: u64) -> u64 {
    first + (end - first) / 2
}
