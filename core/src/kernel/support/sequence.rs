//! Prevents the work of a task from overlapping in the processor with that of the previous task.

use std::cell::Cell;
use std::hint::black_box;

thread_local! {
    /// The result of the last work on this thread.
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// Does `work` on `seed`, but not before the last work on this thread has its result.
///
/// A processor executes some hundreds of instructions ahead. The end of one short task and the beginning of the
/// next, which need not depend on it, would overlap, and both would look shorter than they are. So the seed is made
/// to depend on the last result: on this result masked with zero, where neither compiler nor processor knows the
/// mask. This takes about 1 ns. A serialising instruction would take longer, and differs between processors.
#[inline]
pub(in crate::kernel) fn in_sequence(seed: u64, work: impl FnOnce(u64) -> u64) -> u64 {
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
