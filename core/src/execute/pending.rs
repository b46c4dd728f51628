//! How many predecessors a task still waits for, and who may run it when it waits for none.
//!
//! The worker that counts the last predecessor runs the task, or puts it where others find it. If another worker
//! runs it next, this moves three cache lines between cores: the count to the first worker, the queue to the second,
//! and then the inputs. To avoid this, a worker that has nothing else to do may *reserve* a task when it counts the
//! last predecessor but one. It then watches the output of the missing predecessor, and runs the task as soon as
//! this output is there. Only one line moves, and it is an input.
//!
//! ```text
//! word   31        30 ...... 0
//!        reserved  predecessors that have not been counted
//!
//! n ──count──> n-1 ··· 2 ──count──> 1 ──count──> 0: the counter owns it   (and resets it to n, for the next run)
//!                      └─reserve──> r+1 ──count──> r+0: the reserver owns it  (and resets it to n)
//!                                    └──release──> 1
//! ```
//!
//! A task with one predecessor is not counted: it belongs to the worker that ran this predecessor.
//!
//! **Invariant: exactly one worker owns a ready task.** The last count and the release both exchange the whole word,
//! so one of them comes first. A count that finds `1` owns the task, and one that finds `r+1` does not. A release
//! that finds `r+1` gives the task up, and one that finds anything else owns it. No other worker changes a reserved
//! word.
//!
//! **Invariant: a worker that reserves a task is awake.** No worker wakes it. It gives the task back before it parks
//! and before it takes other work, so a ready task never waits for a worker that does something else. (If this
//! worker loses its core in the meantime, the task waits with it, like the task that a worker runs.)

use super::atomic::{AtomicU32, Ordering};

/// The bit that marks a reserved task.
const RESERVED: u32 = 1 << 31;

/// The most predecessors that a task can have.
pub(super) const MOST_PREDECESSORS: u32 = RESERVED - 1;

/// The word of a task that has predecessors.
#[derive(Clone, Copy)]
pub(super) struct Pending<'a>(pub(super) &'a AtomicU32);

impl Pending<'_> {
    /// Counts one predecessor, which has stored its output. Returns `true` if it was the last; the task then belongs
    /// to the caller. `full` is the number of predecessors.
    // Always inline: a call takes a tenth of the time of an empty task.
    #[inline(always)]
    pub(super) fn count_down(self, full: u32) -> bool {
        // No other worker counts it, and none can have reserved it.
        if full == 1 {
            return true;
        }
        // Acquire and Release: a count publishes the predecessor's output, and the last count acquires all outputs.
        let before = self.0.fetch_sub(1, Ordering::AcqRel);
        if before & !RESERVED != 1 {
            return false;
        }
        // No worker counts this task again before the next run, and the backend's hand-over orders that run after
        // this store. Release: a reserver that gives the task back may find this value instead of its reservation.
        // It then owns the task and must see the last output.
        self.0.store(full, Ordering::Release);
        before == 1
    }

    /// Counts one predecessor and reserves the task if exactly one other is missing. Otherwise returns `false` and
    /// counts nothing.
    #[inline]
    pub(super) fn count_down_and_reserve(self) -> bool {
        // Acquire and Release: as for a count. The missing output is acquired when it is read. Relaxed on failure:
        // no other data is read because of it.
        self.0
            .compare_exchange(2, RESERVED | 1, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Gives a reserved task back. Returns `false` if the last predecessor has been counted; the task then belongs
    /// to the caller.
    pub(super) fn release(self) -> bool {
        // Relaxed: it continues the release sequence of the reservation, and nothing was written since. Acquire on
        // failure: for the last output, see `count_down`.
        self.0
            .compare_exchange(RESERVED | 1, 1, Ordering::Relaxed, Ordering::Acquire)
            .is_ok()
    }
}
