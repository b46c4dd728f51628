//! How many predecessors a task still waits for, and who may run it once it waits for none.
//!
//! Whoever counts the last one runs the task, or puts it where others find it. That takes three trips of a cache
//! line between cores where the next to run it is another worker: the count comes to the one, the queue goes to the
//! other, and the inputs follow. So a worker that has nothing else to do may *reserve* a task when it counts the
//! last but one: it then watches the output of the predecessor that is missing, and runs the task as soon as that is
//! there. One line comes, and it is an input.
//!
//! ```text
//! word   31        30 ...... 0
//!        reserved  predecessors that have not been counted
//!
//! n ──count──> n-1 ··· 2 ──count──> 1 ──count──> 0: the counter has it     (and at once n, for the next run)
//!                      └─reserve──> r+1 ──count──> r+0: the reserver has it  (and at once n)
//!                                    └──release──> 1
//! ```
//!
//! A task with one predecessor is not counted at all: it is the worker's that ran that one.
//!
//! **Invariant: one of them has it.** The last count and the release are both exchanges of the whole word, so one of
//! them comes first. A count that finds `1` has the task and one that finds `r+1` has not; a release that finds
//! `r+1` has no longer got it, and one that finds anything else has. Nobody else touches a word that is reserved.
//!
//! **Invariant: a reserver is awake.** Nobody wakes it. It gives the task back before it parks and before it takes
//! other work, so a task that is ready waits for no worker that does something else. (One that loses its core in the
//! meantime takes the task along, as it does the task that it runs.)

use super::atomic::{AtomicU32, Ordering};

/// The bit that says that a task is reserved.
const RESERVED: u32 = 1 << 31;

/// The most predecessors that a task can have.
pub(super) const MOST_PREDECESSORS: u32 = RESERVED - 1;

/// The word of a task that has predecessors.
#[derive(Clone, Copy)]
pub(super) struct Pending<'a>(pub(super) &'a AtomicU32);

impl Pending<'_> {
    /// Counts one predecessor, which has stored its output; `true` if it was the last and the task is the caller's.
    /// `full` is how many there are.
    // Always: a call is a tenth of an empty task.
    #[inline(always)]
    pub(super) fn count_down(self, full: u32) -> bool {
        // Nobody else counts it, and nobody can have reserved it.
        if full == 1 {
            return true;
        }
        // Acquire and Release: a count publishes the predecessor's output, and the last one to count sees all of
        // them.
        let before = self.0.fetch_sub(1, Ordering::AcqRel);
        if before & !RESERVED != 1 {
            return false;
        }
        // Nobody counts this task again before the next run, which the backend's hand-over orders after this store.
        // Release: a reserver that gives the task back may find this in place of its reservation, and the task is
        // then its own: it must see the last output.
        self.0.store(full, Ordering::Release);
        before == 1
    }

    /// Counts one predecessor and reserves the task, if there is just one other to come. `false` if not, and then
    /// nothing has been counted.
    #[inline]
    pub(super) fn count_down_and_reserve(self) -> bool {
        // Acquire and Release: as for a count. The output of the one to come is acquired when it is seen. Relaxed on
        // failure: nothing is read on the strength of it.
        self.0
            .compare_exchange(2, RESERVED | 1, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Gives a reserved task back. `false` if the last predecessor has been counted: the task is the caller's.
    pub(super) fn release(self) -> bool {
        // Relaxed: it goes on with the release sequence of the reservation, and nothing was written since. Acquire on
        // failure: the last output, see `count_down`.
        self.0
            .compare_exchange(RESERVED | 1, 1, Ordering::Relaxed, Ordering::Acquire)
            .is_ok()
    }
}
