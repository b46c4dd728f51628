//! Parties: tasks that wait for each other, and a table that says what each of them waits for.

use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::graph::TaskId;
use crate::memory::{Shareable, SharedPages, SharedSlice};

/// How often a blocked party looks whether the run has failed. Nothing that succeeds waits for it.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The most bytes of a description that are kept.
const TEXT_BYTES: usize = 56;

/// What one party waits for. One cache line, which only that party writes.
#[repr(align(64))]
struct WaitLine {
    /// The length of the text; 0 if the party does not wait.
    byte_len: AtomicU64,
    text: [AtomicU64; TEXT_BYTES / 8],
}

// SAFETY: zero is the valid value "does not wait"; every field is atomic and needs no drop.
unsafe impl Shareable for WaitLine {}

/// What each party of a run waits for, in pages that forked processes share, and that another process can read while a
/// party is blocked.
///
/// A party writes its line only after it found that it must wait, so an operation that does not wait pays nothing.
pub struct WaitTable {
    /// Line 0 says whether the run is over: its length is then not 0. Line `i + 1` is that of party `i`.
    lines: SharedSlice<WaitLine>,
}

impl WaitTable {
    /// The bytes of a table for `party_count` parties.
    pub fn byte_len(party_count: usize) -> usize {
        party_count
            .saturating_add(1)
            .saturating_mul(size_of::<WaitLine>())
    }

    /// A table for `party_count` parties, in pages that only this process and its children see.
    ///
    /// # Errors
    ///
    /// If the system refuses the pages.
    pub fn new(party_count: usize) -> io::Result<Self> {
        let pages = SharedPages::new(Self::byte_len(party_count))?;
        Ok(Self::on(pages, party_count))
    }

    /// A table for `party_count` parties in `file`, which has at least [`byte_len`](Self::byte_len) bytes, at first all
    /// zero.
    ///
    /// # Errors
    ///
    /// If the file is shorter, or the system refuses the pages.
    pub fn map(file: &File, party_count: usize) -> io::Result<Self> {
        let pages = SharedPages::map(file, Self::byte_len(party_count))?;
        Ok(Self::on(pages, party_count))
    }

    fn on(mut pages: SharedPages, party_count: usize) -> Self {
        Self {
            lines: pages.cut(party_count + 1),
        }
    }

    /// The number of parties.
    pub fn party_count(&self) -> usize {
        self.lines.len() - 1
    }

    /// Tells every blocked party that the run has failed.
    pub fn halt(&self) {
        // Relaxed: it only says that the reader must stop waiting.
        self.lines[0].byte_len.store(1, Ordering::Relaxed);
    }

    /// Whether the run has failed, so that nobody may wait any longer.
    pub fn is_halted(&self) -> bool {
        // Relaxed: as in `halt`.
        self.lines[0].byte_len.load(Ordering::Relaxed) != 0
    }

    /// What each blocked party waits for, by the number of the party. Parties that run at the same time may change it
    /// meanwhile.
    pub fn waiting(&self) -> Vec<(usize, String)> {
        let lines = self.lines.iter().skip(1).enumerate();
        lines
            .filter_map(|(party, line)| Some((party, line.read()?)))
            .collect()
    }
}

impl WaitLine {
    fn write(&self, text: &str) {
        let bytes = &text.as_bytes()[..text.len().min(TEXT_BYTES)];
        for (word, chunk) in self.text.iter().zip(bytes.chunks(8)) {
            let mut padded = [0; 8];
            padded[..chunk.len()].copy_from_slice(chunk);
            // Relaxed: the store of the length releases it.
            word.store(u64::from_le_bytes(padded), Ordering::Relaxed);
        }
        // Release: who reads the length reads the text.
        self.byte_len.store(bytes.len() as u64, Ordering::Release);
    }

    fn clear(&self) {
        // Relaxed: no text is read for this length.
        self.byte_len.store(0, Ordering::Relaxed);
    }

    fn read(&self) -> Option<String> {
        // Acquire: pairs with the Release in `write`.
        let byte_len = self.byte_len.load(Ordering::Acquire) as usize;
        let words = self.text.iter();
        let mut bytes: Vec<u8> = words
            .flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes())
            .collect();
        bytes.truncate(byte_len);
        (byte_len > 0).then(|| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// A task that waits for other tasks of the same run, which must be in progress at the same time.
#[derive(Clone, Copy)]
pub struct Party<'a> {
    /// The number of the party, which is that of its task.
    pub index: usize,
    table: &'a WaitTable,
}

/// The run has failed while a party waited, so what it waited for may never come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run has failed while this party waited")]
pub struct Halted;

impl<'a> Party<'a> {
    /// The party that `task` is.
    pub fn new(table: &'a WaitTable, task: TaskId) -> Self {
        Self {
            index: task.0 as usize,
            table,
        }
    }

    /// Says that the party waits for `what`, until the result is dropped. To be called when it is certain that it must
    /// wait: this writes to shared memory.
    #[must_use]
    pub fn waits_for(&self, what: &str) -> Waiting<'a> {
        let line = &self.table.lines[self.index + 1];
        line.write(what);
        Waiting { line }
    }

    /// To be called by a blocked party every [`LOOK_INTERVAL`].
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed.
    pub fn look(&self) -> Result<(), Halted> {
        match self.table.is_halted() {
            true => Err(Halted),
            false => Ok(()),
        }
    }

    /// Repeats `attempt`, which waits for at most the given time, until it returns something. To be called when it is
    /// certain that the party must wait for `what`.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed meanwhile.
    pub fn blocks<T>(
        self,
        what: &str,
        mut attempt: impl FnMut(Duration) -> Option<T>,
    ) -> Result<T, Halted> {
        let _waiting = self.waits_for(what);
        loop {
            if let Some(result) = attempt(LOOK_INTERVAL) {
                return Ok(result);
            }
            self.look()?;
        }
    }

    /// [`blocks`](Self::blocks), but for no longer than `limit`: `None` if the attempt has not returned anything by then.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed meanwhile.
    pub fn blocks_within<T>(
        self,
        what: &str,
        limit: Duration,
        mut attempt: impl FnMut(Duration) -> Option<T>,
    ) -> Result<Option<T>, Halted> {
        let end = Instant::now() + limit;
        self.blocks(what, |interval| {
            let left = end.saturating_duration_since(Instant::now());
            let result = attempt(left.min(interval));
            (result.is_some() || left.is_zero()).then_some(result)
        })
    }

    /// Awaits `operation`. If it is not ready at once, the party says meanwhile that it waits for `what`.
    pub async fn awaits<T>(self, what: &str, operation: impl Future<Output = T>) -> T {
        let mut operation = pin!(operation);
        let mut waiting = None;
        poll_fn(|context| {
            let polled = operation.as_mut().poll(context);
            if polled.is_pending() && waiting.is_none() {
                waiting = Some(self.waits_for(what));
            }
            polled
        })
        .await
    }
}

/// A party waits for as long as this lives.
pub struct Waiting<'a> {
    line: &'a WaitLine,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_who_waits_for_what_as_long_as_it_does() {
        let table = WaitTable::new(3).unwrap();
        let party = Party::new(&table, TaskId(2));
        assert_eq!(table.waiting(), []);
        let waiting = party.waits_for("lock 1");
        assert_eq!(table.waiting(), [(2, "lock 1".to_owned())]);
        drop(waiting);
        assert_eq!(table.waiting(), []);
    }

    #[test]
    fn a_long_description_is_shortened() {
        let table = WaitTable::new(1).unwrap();
        let _waiting = Party::new(&table, TaskId(0)).waits_for(&"x".repeat(100));
        assert_eq!(table.waiting(), [(0, "x".repeat(TEXT_BYTES))]);
    }

    #[test]
    fn a_failed_run_ends_every_wait() {
        let table = WaitTable::new(1).unwrap();
        let party = Party::new(&table, TaskId(0));
        assert_eq!(party.look(), Ok(()));
        table.halt();
        assert_eq!(party.look(), Err(Halted));
    }

    #[test]
    fn a_wait_with_a_limit_ends_with_success_at_the_limit_or_with_the_run() {
        let table = WaitTable::new(1).unwrap();
        let party = Party::new(&table, TaskId(0));
        let wait = |limit, attempt: &mut dyn FnMut(Duration) -> Option<Duration>| {
            party.blocks_within("it", limit, attempt)
        };
        let hours = Duration::from_hours(9);
        assert_eq!(wait(hours, &mut Some), Ok(Some(LOOK_INTERVAL)));
        let mut last = None;
        let result = wait(Duration::from_millis(1), &mut |limit| {
            assert_eq!(table.waiting(), [(0, "it".to_owned())]);
            last = Some(limit);
            None
        });
        assert_eq!((result, last), (Ok(None), Some(Duration::ZERO)));
        table.halt();
        assert_eq!(wait(hours, &mut |_| None), Err(Halted));
        assert_eq!(table.waiting(), []);
    }

    #[test]
    fn a_table_in_a_file_is_seen_by_whoever_maps_it() {
        let file = tempfile::tempfile().unwrap();
        assert!(WaitTable::map(&file, 2).is_err(), "the file is too short");
        file.set_len(WaitTable::byte_len(2) as u64).unwrap();
        let ours = WaitTable::map(&file, 2).unwrap();
        let theirs = WaitTable::map(&file, 2).unwrap();
        let _waiting = Party::new(&theirs, TaskId(1)).waits_for("barrier");
        assert_eq!(ours.waiting(), [(1, "barrier".to_owned())]);
    }
}
