//! Keeps the work of a task from overlapping, in the processor, with that of the task before it.

use std::cell::Cell;
use std::hint::black_box;

thread_local! {
    /// The outcome of the work that this thread did last.
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// Does `work` on `seed`, not before the work that this thread did last has come to its outcome.
///
/// A processor works ahead by some hundreds of instructions. The end of one short task and the beginning of
/// the next, which need not depend on it, would run at the same time, and both would look shorter than
/// they are. So the seed is made to hang on the last outcome: on what is left of it under a mask of zero,
/// which is nothing, but neither the compiler nor the processor knows the mask. It costs about 1 ns; a
/// serialising instruction would cost more, and each processor has another.
#[inline]
pub(super) fn in_sequence(seed: u64, work: impl FnOnce(u64) -> u64) -> u64 {
    LAST.with(|last| {
        let nothing = last.get() & black_box(0);
        let outcome = work(seed ^ nothing);
        last.set(outcome);
        outcome
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_gets_the_seed_as_it_is_whatever_went_before() {
        for seed in [0, 1, u64::MAX] {
            assert_eq!(in_sequence(seed, |given| given), seed);
            assert_eq!(in_sequence(7, |_| u64::MAX), u64::MAX);
        }
    }
}
