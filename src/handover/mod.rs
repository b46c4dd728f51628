//! The file in which a parent hands a graph to its child. FORMAT.md defines it.
//!
//! The parent resolves every pattern and every file of another tool, so that a child, in whatever language, reads only
//! this. The file is memory without a name: it vanishes with the parent, however the parent ends.

use std::io;

use crate::graph::TaskGraph;

mod read;
mod write;

pub use read::{FileFault, HandedOver, HandoverError, parse, read};
pub use write::{GraphFile, encode};

/// The first bytes of the file.
const MAGIC: [u8; 8] = *b"taskdyno";

/// The version of the layout.
const VERSION: u32 = 1;

/// The flag of a file with durations; no other flag exists.
const HAS_DURATIONS: u32 = 1;

/// The length of the header.
const HEADER_BYTES: usize = 32;

/// The number of bytes that are encoded or decoded at a time, which a second-level cache holds.
const CHUNK_BYTES: usize = 1 << 17;

/// What the header says about the rest of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileHeader {
    flags: u32,
    task_count: u32,
    edge_count: u32,
    output_bytes: u32,
}

impl FileHeader {
    fn of(graph: &TaskGraph, output_bytes: u32) -> io::Result<Self> {
        // A graph has at most as many tasks and edges as 32-bit ids can number.
        let count = |count: usize| u32::try_from(count).map_err(io::Error::other);
        Ok(Self {
            flags: graph.durations_ns().map_or(0, |_| HAS_DURATIONS),
            task_count: count(graph.task_count())?,
            edge_count: count(graph.edge_count())?,
            output_bytes,
        })
    }

    fn has_durations(self) -> bool {
        self.flags & HAS_DURATIONS != 0
    }

    /// The length of the whole file.
    fn byte_len(self) -> u64 {
        let (tasks, edges) = (u64::from(self.task_count), u64::from(self.edge_count));
        let rows = 2 * 4 * (tasks + 1 + edges);
        let durations = if self.has_durations() { 8 * tasks } else { 0 };
        HEADER_BYTES as u64 + rows + durations
    }
}
