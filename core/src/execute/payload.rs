//! The bytes that tasks pass on besides their output words.
//!
//! Every task writes the same number of bytes, which are derived from the task, its output and the run. Every
//! consumer derives them too, and compares them with all bytes of all its predecessors. The bytes therefore move
//! between cores like those of a real program, and stale or torn bytes are always found.
//!
//! The bytes are stored as words in shared pages, which are read and written one by one without any order among
//! them. A task writes them before it stores its output word (Release). Its consumers read them after they have read
//! that word (Acquire). If a backend breaks this order, the race is between atomics, so it is found and has no worse
//! effect.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Seed;
use crate::graph::TaskId;
use crate::memory::SharedSlice;
use crate::random::GAMMA;

/// The number of bytes of a word.
const WORD_BYTES: u64 = size_of::<AtomicU64>() as u64;

/// The bytes of all tasks.
pub(super) struct Payload {
    words: SharedSlice<AtomicU64>,
    words_per_task: usize,
    /// The bits of a task's last word that are used.
    last_mask: u64,
}

impl Payload {
    /// Space for `byte_count` bytes per task. Pages are allocated when they are first written.
    pub(super) fn new(task_count: usize, byte_count: u32) -> io::Result<Self> {
        let words_per_task = u64::from(byte_count).div_ceil(WORD_BYTES) as usize;
        let word_count = task_count.checked_mul(words_per_task);
        let unused_bits = 8 * (words_per_task as u64 * WORD_BYTES - u64::from(byte_count)) as u32;
        Ok(Self {
            words: SharedSlice::new(word_count.ok_or(io::ErrorKind::OutOfMemory)?)?,
            words_per_task,
            // The first bytes in memory, on either byte order.
            last_mask: u64::from_le(u64::MAX >> unused_bits),
        })
    }

    /// The words of `task`.
    pub(super) fn of(&self, task: TaskId) -> &[AtomicU64] {
        let start = task.index() * self.words_per_task;
        &self.words[start..start + self.words_per_task]
    }

    /// Writes the bytes of `task`, whose output word is `word`.
    pub(super) fn write(&self, task: TaskId, word: u64) {
        let mut content = Content::new(task, word);
        let Some((last, others)) = self.of(task).split_last() else {
            return;
        };
        // Relaxed: see the module's documentation.
        for place in others {
            place.store(content.next_word(), Ordering::Relaxed);
        }
        last.store(content.next_word() & self.last_mask, Ordering::Relaxed);
    }

    /// Compares every byte of `task`, whose output word is `word`, with the expected byte.
    ///
    /// # Errors
    ///
    /// The index of the first wrong byte.
    pub(super) fn check(&self, task: TaskId, word: u64) -> Result<(), u32> {
        let mut content = Content::new(task, word);
        let Some((last, others)) = self.of(task).split_last() else {
            return Ok(());
        };
        // Relaxed: see the module's documentation.
        for (index, place) in others.iter().enumerate() {
            same(index, place.load(Ordering::Relaxed), content.next_word())?;
        }
        let found = last.load(Ordering::Relaxed);
        same(others.len(), found, content.next_word() & self.last_mask)
    }

    /// The bytes of memory that the payload of `task_count` tasks takes.
    pub(super) fn byte_len(task_count: u64, byte_count: u32) -> u64 {
        let a_task = u64::from(byte_count).next_multiple_of(WORD_BYTES);
        task_count.saturating_mul(a_task)
    }
}

/// # Errors
///
/// The index of the first byte in which the word at `index` is not as expected.
#[inline]
fn same(index: usize, found: u64, expected: u64) -> Result<(), u32> {
    let different = found ^ expected;
    if different == 0 {
        return Ok(());
    }
    // In the order of memory, on either byte order.
    let byte = different.to_le().trailing_zeros() / 8;
    Err(index as u32 * WORD_BYTES as u32 + byte)
}

/// The words that a task must write, in order: evenly spread numbers from a start that depends on task, output and
/// run. Each takes one addition, so that deriving them costs less than moving them.
#[derive(Debug)]
pub struct Content(u64);

impl Content {
    /// What `task` must pass on if its output word is `word`.
    pub fn new(task: TaskId, word: u64) -> Self {
        let mut start = Seed::new(task, 0);
        start.fold(word);
        Self(start.finish())
    }

    /// The next word. Words do not end.
    #[inline]
    pub fn next_word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASKS: [TaskId; 3] = [TaskId(0), TaskId(1), TaskId(2)];

    /// The bytes of `task` as they are in memory.
    fn bytes(payload: &Payload, task: TaskId) -> Vec<u8> {
        let words = payload.of(task).iter();
        words
            .flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes())
            .collect()
    }

    #[test]
    fn what_was_written_is_found_whatever_its_length() {
        for byte_count in [1, 7, 8, 9, 64, 1001] {
            let payload = Payload::new(3, byte_count).unwrap();
            TASKS.iter().for_each(|task| payload.write(*task, 5));
            assert_eq!(TASKS.map(|task| payload.check(task, 5)), [Ok(()); 3]);
        }
    }

    #[test]
    fn every_byte_that_is_wrong_is_found_and_named() {
        for byte_count in [1, 7, 8, 9, 20] {
            let payload = Payload::new(3, byte_count).unwrap();
            TASKS.iter().for_each(|task| payload.write(*task, 5));
            for byte in 0..byte_count {
                let word = &payload.of(TaskId(1))[byte as usize / 8];
                let mut garbled = [0; 8];
                garbled[byte as usize % 8] = 0x10;
                let garbled = u64::from_ne_bytes(garbled);
                // Relaxed: there is one thread.
                word.fetch_xor(garbled, Ordering::Relaxed);
                let found = TASKS.map(|task| payload.check(task, 5));
                assert_eq!(found, [Ok(()), Err(byte), Ok(())], "of {byte_count}");
                word.fetch_xor(garbled, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn the_bytes_of_another_task_output_or_run_are_wrong() {
        let payload = Payload::new(3, 4).unwrap();
        payload.write(TaskId(1), 5);
        assert!(payload.check(TaskId(1), 6).is_err());
        let other = Payload::new(3, 4).unwrap();
        other.write(TaskId(2), 5);
        assert_ne!(bytes(&payload, TaskId(1)), bytes(&other, TaskId(2)));
    }

    #[test]
    fn bytes_beyond_the_last_stay_untouched() {
        let payload = Payload::new(3, 11).unwrap();
        TASKS.iter().for_each(|task| payload.write(*task, u64::MAX));
        assert_eq!(bytes(&payload, TaskId(1))[11..], [0; 5]);
        assert_eq!(Payload::byte_len(3, 11), 3 * 16);
    }
}
