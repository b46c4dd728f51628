use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{CHUNK_BYTES, FileHeader, HAS_DURATIONS, HEADER_BYTES, MAGIC, VERSION};
use crate::graph::{GraphError, Rows, TaskGraph, TaskId};

/// What a file held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// The graph, with durations if the file states them.
    pub graph: TaskGraph,
    /// The number of bytes that each task hands on.
    pub output_bytes: u32,
}

/// Why no graph was taken over from a file.
#[derive(Debug, thiserror::Error)]
#[error("cannot take over the graph in {}: {fault}", path.display())]
pub struct HandoverError {
    path: PathBuf,
    fault: FileFault,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// The system cannot read it.
    #[error("{0}; the file exists only as long as the process that wrote it")]
    Unreadable(#[from] io::Error),
    /// It has no length that could be compared with its header.
    #[error("it is not a regular file")]
    NotRegular,
    /// It is shorter than a header.
    #[error("it has {0} bytes, and its header alone must have {HEADER_BYTES}")]
    NoHeader(u64),
    /// It is something else.
    #[error("it begins with \"{}\" and not with \"{}\", as a graph file does", .0.escape_ascii(), MAGIC.escape_ascii())]
    Foreign([u8; 8]),
    /// A program of another version wrote it.
    #[error(
        "its version is {0}, and this program reads only version {VERSION}; use a parent and a child that agree on it"
    )]
    UnknownVersion(u32),
    /// A flag is set that this version does not have.
    #[error(
        "its flags are {0:#x}, and version {VERSION} has only {HAS_DURATIONS:#x}, for durations"
    )]
    UnknownFlags(u32),
    /// The last word of the header is not 0.
    #[error("the last word of its header is {0:#x}, and must be 0")]
    Reserved(u32),
    /// It is shorter or longer than its header says.
    #[error(
        "it has {found} bytes, and with {task_count} tasks and {edge_count} edges it must have {expected}"
    )]
    WrongLength {
        /// The length of the file.
        found: u64,
        /// The length that follows from the header.
        expected: u64,
        /// The number of tasks in the header.
        task_count: u32,
        /// The number of edges in the header.
        edge_count: u32,
    },
    /// It is not the file that was announced.
    #[error("its CRC-32 is {found:08x}, and must be {expected:08x}; it was damaged or replaced")]
    WrongChecksum {
        /// The checksum of what was read.
        found: u32,
        /// The checksum that was announced.
        expected: u32,
    },
    /// The offsets of its predecessors or successors are wrong.
    #[error("{direction}: {error}")]
    NotRows {
        /// Which of the two.
        direction: &'static str,
        /// What is wrong.
        error: GraphError,
    },
    /// Its rows are no graph.
    #[error(transparent)]
    NotAGraph(#[from] GraphError),
}

/// Reads the file at `path`, which must have this CRC-32. Memory is taken only for what the file holds, whatever its
/// header claims: as much as the file is long, and at most as much again while it is checked.
///
/// # Errors
///
/// If the file cannot be read, or is not what [`GraphFile`](super::GraphFile) writes.
pub fn read(path: &Path, crc32: u32) -> Result<HandedOver, HandoverError> {
    read_regular(path, crc32).map_err(|fault| HandoverError {
        path: path.into(),
        fault,
    })
}

fn read_regular(path: &Path, crc32: u32) -> Result<HandedOver, FileFault> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(FileFault::NotRegular);
    }
    parse(file, metadata.len(), crc32)
}

/// Reads the file from `stream`, which has `byte_len` bytes and must have this CRC-32.
///
/// # Errors
///
/// As for [`read`].
pub fn parse(stream: impl Read, byte_len: u64, crc32: u32) -> Result<HandedOver, FileFault> {
    if byte_len < HEADER_BYTES as u64 {
        return Err(FileFault::NoHeader(byte_len));
    }
    let mut parts = Parts::new(stream);
    let header = parts.header()?;
    if header.byte_len() != byte_len {
        return Err(FileFault::WrongLength {
            found: byte_len,
            expected: header.byte_len(),
            task_count: header.task_count,
            edge_count: header.edge_count,
        });
    }
    let predecessors = parts.rows(header)?;
    let successors = parts.rows(header)?;
    let durations = match header.has_durations() {
        true => Some(parts.values(header.task_count as usize, u64::from_le_bytes)?),
        false => None,
    };
    let found = parts.crc32.finalize();
    if found != crc32 {
        let expected = crc32;
        return Err(FileFault::WrongChecksum { found, expected });
    }
    let graph = TaskGraph::from_rows(
        predecessors.checked("predecessors")?,
        successors.checked("successors")?,
    )?;
    Ok(HandedOver {
        graph: match durations {
            Some(durations) => graph.with_durations(durations),
            None => graph,
        },
        output_bytes: header.output_bytes,
    })
}

/// Offsets and ids as a file has them.
struct UncheckedRows {
    offsets: Box<[u32]>,
    ids: Box<[TaskId]>,
}

impl UncheckedRows {
    fn checked(self, direction: &'static str) -> Result<Rows, FileFault> {
        let rows = Rows::new(self.offsets, self.ids);
        rows.map_err(|error| FileFault::NotRows { direction, error })
    }
}

/// Reads the parts of a file in their order.
struct Parts<R> {
    stream: R,
    crc32: crc32fast::Hasher,
    chunk: Box<[u8]>,
}

impl<R: Read> Parts<R> {
    fn new(stream: R) -> Self {
        Self {
            stream,
            crc32: crc32fast::Hasher::new(),
            chunk: vec![0; CHUNK_BYTES].into(),
        }
    }

    fn header(&mut self) -> Result<FileHeader, FileFault> {
        let magic = self.values(MAGIC.len(), u8::from_le_bytes)?;
        if *magic != MAGIC {
            let magic = (*magic).try_into().expect("as many bytes as it has");
            return Err(FileFault::Foreign(magic));
        }
        let words = self.values(6, u32::from_le_bytes)?;
        let [version, flags, task_count, edge_count, output_bytes, zero] = words[..] else {
            unreachable!("six values were read");
        };
        // The version comes first: another version may have other flags.
        if version != VERSION {
            return Err(FileFault::UnknownVersion(version));
        }
        if flags & !HAS_DURATIONS != 0 {
            return Err(FileFault::UnknownFlags(flags));
        }
        if zero != 0 {
            return Err(FileFault::Reserved(zero));
        }
        Ok(FileHeader {
            flags,
            task_count,
            edge_count,
            output_bytes,
        })
    }

    fn rows(&mut self, header: FileHeader) -> io::Result<UncheckedRows> {
        let offsets = self.values(header.task_count as usize + 1, u32::from_le_bytes)?;
        let ids = self.values(header.edge_count as usize, |id| {
            TaskId(u32::from_le_bytes(id))
        })?;
        Ok(UncheckedRows { offsets, ids })
    }

    /// The next `count` values of `N` bytes each.
    fn values<T, const N: usize>(
        &mut self,
        count: usize,
        from_bytes: impl Fn([u8; N]) -> T,
    ) -> io::Result<Box<[T]>> {
        let mut values = Vec::new();
        values.try_reserve_exact(count)?;
        while values.len() < count {
            let byte_len = ((count - values.len()) * N).min(CHUNK_BYTES);
            let bytes = &mut self.chunk[..byte_len];
            self.stream.read_exact(bytes)?;
            self.crc32.update(bytes);
            let (arrays, _) = bytes.as_chunks();
            values.extend(arrays.iter().map(|array| from_bytes(*array)));
        }
        Ok(values.into())
    }
}
