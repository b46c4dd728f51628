//! How the tasks that depend on nothing are handed out.
//!
//! Every worker begins with a range of its own. A worker whose range is empty takes half of another worker's range.
//! This takes 6 ns per task with two workers (`benches/fork_probe.rs`). Rejected: one index shared by all workers,
//! which takes 31 ns. Its cache line moves between cores once per task, and so do the lines of the outputs, because
//! different cores write neighbouring outputs.
//!
//! ```text
//! a range   63 ...... 32 31 ...... 0     sources[next..end], in one exchange
//!              end          next         the owner takes at `next`, thieves at `end`
//! ```
//!
//! A worker has two ranges: its `share`, which the coordinator hands out at the beginning of a run, and its `loot`,
//! which it has taken from another worker. They are separate because a worker that still searches after the previous
//! run may rob one share while the coordinator hands out the next. The coordinator must not overwrite this loot.
//!
//! A range never returns to an earlier value within a run, because a source is taken only once, so an exchange that
//! succeeds has compared the value that it meant. If it succeeds in the next run, it takes what that run hands out.

use super::atomic::{AtomicU64, Ordering};

/// One worker's ranges: a view of words in shared pages. All zero means empty.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    /// Raised only by the coordinator, lowered by any worker.
    share: &'a AtomicU64,
    /// Raised only by the owner, lowered by any worker.
    loot: &'a AtomicU64,
}

/// Indices `next..end` into the sources of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) next: u32,
    pub(super) end: u32,
}

impl Range {
    /// The share of worker `me` of `worker_count`. The shares of `source_count` sources differ by at most one.
    pub(super) fn share(source_count: usize, me: usize, worker_count: usize) -> Self {
        let (each, more) = (source_count / worker_count, source_count % worker_count);
        let next = me * each + me.min(more);
        let end = next + each + usize::from(me < more);
        Self {
            // A graph has fewer than 2^32 tasks.
            next: next as u32,
            end: end as u32,
        }
    }

    fn is_empty(self) -> bool {
        self.next >= self.end
    }

    fn pack(self) -> u64 {
        u64::from(self.end) << 32 | u64::from(self.next)
    }

    fn unpack(word: u64) -> Self {
        Self {
            next: word as u32,
            end: (word >> 32) as u32,
        }
    }
}

impl<'a> Sources<'a> {
    pub(super) fn new(share: &'a AtomicU64, loot: &'a AtomicU64) -> Self {
        Self { share, loot }
    }

    /// Hands out the owner's share. Only for the coordinator, when all ranges are empty.
    pub(super) fn hand_out(&self, range: Range) {
        // Release: a worker that takes from it sees that the run has begun.
        self.share.store(range.pack(), Ordering::Release);
    }

    /// Keeps a range taken from another worker. Only for the owner, when both ranges are empty.
    pub(super) fn keep(&self, range: Range) {
        // Release: passes on what `hand_out` released.
        self.loot.store(range.pack(), Ordering::Release);
    }

    /// Whether both ranges are empty. Other workers can still take from them, but only the coordinator and the owner
    /// put anything in.
    #[inline]
    pub(super) fn are_empty(&self) -> bool {
        // Relaxed: no other data is read because of the result.
        let is_empty = |word: &AtomicU64| Range::unpack(word.load(Ordering::Relaxed)).is_empty();
        is_empty(self.share) && is_empty(self.loot)
    }

    /// Takes the next source. Only for the owner.
    #[inline]
    pub(super) fn take(&self) -> Option<u32> {
        let one = |range: Range| Range {
            next: range.next + 1,
            ..range
        };
        let before = lower(self.share, one).or_else(|| lower(self.loot, one));
        before.map(|range| range.next)
    }

    /// Takes the second half of what is left, at least one source. For all workers except the owner.
    pub(super) fn rob(&self) -> Option<Range> {
        let middle = |range: Range| range.next + (range.end - range.next) / 2;
        let nearer = |range: Range| Range {
            end: middle(range),
            ..range
        };
        let before = lower(self.share, nearer).or_else(|| lower(self.loot, nearer))?;
        Some(Range {
            next: middle(before),
            ..before
        })
    }
}

/// Replaces a range that is not empty by `after(range)`, and returns the old range. `None` if the range is empty.
#[inline]
fn lower(word: &AtomicU64, after: impl Fn(Range) -> Range) -> Option<Range> {
    // Relaxed: no other data is read because of it. A worker about to sleep has passed the fence of `Parking::sit`,
    // which orders it.
    let mut seen = word.load(Ordering::Relaxed);
    loop {
        let range = Range::unpack(seen);
        if range.is_empty() {
            return None;
        }
        // Acquire: pairs with the Release in `hand_out` and `keep`. Exchanges in between continue the release
        // sequence. Relaxed on failure: as above.
        match word.compare_exchange_weak(
            seen,
            after(range).pack(),
            Ordering::Acquire,
            Ordering::Relaxed,
        ) {
            Ok(_) => return Some(range),
            Err(now) => seen = now,
        }
    }
}
