use std::cell::Cell;
use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::sequence::in_sequence;
use super::{Kernel, KernelKind, Setting};
use crate::graph::TaskId;
use crate::memory::SharedSlice;
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::random::mix;

/// A task that reads a known number of bytes from a memory that caches do not hold.
pub const MEMORY_BOUND: MemoryBoundKind = MemoryBoundKind;

/// See [`MEMORY_BOUND`].
#[derive(Debug)]
pub struct MemoryBoundKind;

/// Bytes of a cache line, on nearly every processor.
const LINE_BYTES: usize = 64;
/// Words of a cache line.
const LINE_WORDS: usize = LINE_BYTES / size_of::<u64>();

impl KernelKind for MemoryBoundKind {
    fn name(&self) -> &'static str {
        "memory-bound"
    }

    fn why(&self) -> &'static str {
        "reads: 64 bytes a line, on and on through a working set that all workers share"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "lines",
                why: "how many cache lines of 64 bytes a task reads",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 40,
                },
                default: None,
            },
            Parameter {
                name: "working_set_bytes",
                why: "size of the memory that is read through, whatever the size of a task",
                kind: ParameterKind::Count {
                    min: 4096,
                    max: 1 << 36,
                },
                // More than the share of a few cores in the last cache of most processors.
                default: Some(DefaultValue::Count(64 << 20)),
            },
        ]
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("lines")
    }

    fn byte_len(&self, parameters: &Parameters) -> u64 {
        parameters.count("working_set_bytes")
    }

    fn build(&self, parameters: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let bytes = parameters.count("working_set_bytes") as usize;
        let lines = parameters.count("lines");
        Ok(Box::new(MemoryBound::new(lines, bytes / LINE_BYTES)?))
    }
}

struct MemoryBound {
    /// Lines that a task reads.
    lines: u64,
    /// The working set: every word is one, so that a sum counts the words that were read, wherever they
    /// stand. Nobody writes it, so forked processes share its pages.
    ones: Box<[u64]>,
    /// How many threads have begun to read.
    reader_count: SharedSlice<AtomicU64>,
}

thread_local! {
    /// The line that this thread reads next, modulo the size of the working set.
    static NEXT_LINE: Cell<Option<u64>> = const { Cell::new(None) };
}

impl MemoryBound {
    fn new(lines: u64, set_lines: usize) -> io::Result<Self> {
        Ok(Self {
            lines,
            ones: vec![1; set_lines * LINE_WORDS].into(),
            reader_count: SharedSlice::new(1)?,
        })
    }

    /// Where the calling thread begins: each at a place of its own, since readers that follow each other
    /// closely would find in the cache what the first one has fetched.
    #[cold]
    fn first_line(&self) -> u64 {
        // Relaxed: any distinct number will do.
        let reader = self.reader_count[0].fetch_add(1, Ordering::Relaxed);
        mix(reader) >> 1
    }

    /// The sum of the words of `count` lines from line `first` on, the first line following the last.
    fn sum(&self, first: usize, count: u64) -> u64 {
        let set_lines = self.ones.len() / LINE_WORDS;
        let mut sum = 0;
        let mut line = first;
        let mut left = count;
        while left > 0 {
            let end = set_lines.min(line.saturating_add(left as usize));
            let words = &self.ones[line * LINE_WORDS..end * LINE_WORDS];
            sum += words.iter().sum::<u64>();
            left -= (end - line) as u64;
            line = 0;
        }
        sum
    }
}

impl Kernel for MemoryBound {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        let set_lines = (self.ones.len() / LINE_WORDS) as u64;
        let first = NEXT_LINE.get().unwrap_or_else(|| self.first_line()) % set_lines;
        let sum = in_sequence(seed, |seed| {
            // The address hangs on the seed, though only on what is left of it under a hidden zero.
            let first = first + (seed & black_box(0));
            self.sum(first as usize, self.lines)
        });
        // A task goes on where the one before it stopped, so that small tasks go through the whole set too.
        NEXT_LINE.set(Some(first + self.lines));
        // Nothing but `expected` if the sum is what it should be.
        self.expected(task, seed) ^ sum ^ (self.lines * LINE_WORDS as u64)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_reads_as_many_words_as_it_should_wherever_it_begins() {
        let kernel = MemoryBound::new(1, 5).unwrap();
        for first in 0..5 {
            for count in [1, 4, 5, 6, 23] {
                assert_eq!(kernel.sum(first, count), 8 * count, "{count} from {first}");
            }
        }
    }

    #[test]
    fn a_word_that_is_not_as_it_should_be_shows() {
        let mut kernel = MemoryBound::new(5, 5).unwrap();
        assert_eq!(kernel.run(TaskId(0), 9), kernel.expected(TaskId(0), 9));
        kernel.ones[17] = 0;
        assert_ne!(kernel.run(TaskId(0), 9), kernel.expected(TaskId(0), 9));
    }

    #[test]
    fn tasks_follow_each_other_through_the_whole_set() {
        let kernel = MemoryBound::new(3, 7).unwrap();
        kernel.run(TaskId(0), 1);
        let first = NEXT_LINE.get().unwrap();
        kernel.run(TaskId(1), 1);
        assert_eq!(NEXT_LINE.get().unwrap() % 7, (first + 3) % 7);
    }
}
