//! How the tasks that depend on nothing are handed out.
//!
//! One index shared by all, from which each worker takes the next, makes that index's cache line travel
//! between cores once a task, and neighbouring outputs are then written by different cores, so their lines
//! travel too: 31 ns a task with two workers, against 6 ns this way (`benches/fork_probe.rs`). So every
//! worker begins with a range of its own, and who has none left takes half of another's.
//!
//! ```text
//! a range   63 ...... 32 31 ...... 0     sources[next..end], in one exchange
//!              end          next         the owner takes at `next`, thieves at `end`
//! ```
//!
//! A worker has two: its `share`, which the coordinator hands out at the beginning of a run, and its `loot`,
//! which it has taken from another. They are apart because a worker that is still searching since the run
//! before may rob one share while the coordinator hands out the next; it must not find its loot overwritten.
//!
//! No range returns within a run, since a source is taken once; so an exchange that succeeds has compared
//! what it meant to compare. Should it succeed in the next run, it takes what that run hands out.

use super::atomic::{AtomicU64, Ordering};

/// One worker's ranges: a view of words in shared pages. All zero is nothing.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    /// Raised by the coordinator, lowered by anyone.
    share: &'a AtomicU64,
    /// Raised by the owner, lowered by anyone.
    loot: &'a AtomicU64,
}

/// Indices `next..end` into the sources of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) next: u32,
    pub(super) end: u32,
}

impl Range {
    /// What worker `me` of `worker_count` gets of `source_count` sources: as even as can be.
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

    /// Hands out the owner's share. Coordinator only, when all ranges are empty.
    pub(super) fn hand_out(&self, range: Range) {
        // Release: whoever takes from it sees the run begun.
        self.share.store(range.pack(), Ordering::Release);
    }

    /// Keeps what was taken from another. Owner only, when both ranges are empty.
    pub(super) fn keep(&self, range: Range) {
        // Release: as above, passed on.
        self.loot.store(range.pack(), Ordering::Release);
    }

    /// Whether nothing is left in them. Others can still take of what is there, but only the coordinator and the owner
    /// put anything in.
    #[inline]
    pub(super) fn are_empty(&self) -> bool {
        // Relaxed: nothing is read on the strength of it.
        let is_empty = |word: &AtomicU64| Range::unpack(word.load(Ordering::Relaxed)).is_empty();
        is_empty(self.share) && is_empty(self.loot)
    }

    /// Takes the next source. Owner only.
    #[inline]
    pub(super) fn take(&self) -> Option<u32> {
        let one = |range: Range| Range {
            next: range.next + 1,
            ..range
        };
        let before = lower(self.share, one).or_else(|| lower(self.loot, one));
        before.map(|range| range.next)
    }

    /// Takes the further half of what is left, at least one. Anyone but the owner.
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

/// Changes a range that is not empty to `after` of it, and returns what it was.
#[inline]
fn lower(word: &AtomicU64, after: impl Fn(Range) -> Range) -> Option<Range> {
    // Relaxed: nothing is read on the strength of it. A worker about to sleep has passed the fence of
    // `Parking::sit`, which orders it.
    let mut seen = word.load(Ordering::Relaxed);
    loop {
        let range = Range::unpack(seen);
        if range.is_empty() {
            return None;
        }
        // Acquire: pairs with the Release in `hand_out` and `keep`; exchanges in between keep the release
        // sequence going. Relaxed on failure: as above.
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
