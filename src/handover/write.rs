use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use super::{CHUNK_BYTES, FileHeader, MAGIC, VERSION};
use crate::graph::TaskGraph;

/// A graph in a file for children. The file exists until this is dropped or the process ends; whoever has opened it
/// before can still read it.
#[derive(Debug)]
pub struct GraphFile {
    file: File,
    header: FileHeader,
    crc32: u32,
}

impl GraphFile {
    /// Writes `graph` with its durations, if it has any, and the number of bytes that each task hands on.
    ///
    /// # Errors
    ///
    /// If the system has no memory for the file.
    pub fn write(graph: &TaskGraph, output_bytes: u32) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let mut file = File::from(memfd_create("taskdyno-graph", flags)?);
        let mut crc32 = crc32fast::Hasher::new();
        encode(graph, output_bytes, |bytes| {
            crc32.update(bytes);
            file.write_all(bytes)
        })?;
        // No child can change what the next one reads.
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        Ok(Self {
            file,
            header: FileHeader::of(graph, output_bytes)?,
            crc32: crc32.finalize(),
        })
    }

    /// Where other processes of this user find the file.
    pub fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", process::id(), self.file.as_raw_fd()).into()
    }

    /// The CRC-32 of the whole file.
    pub fn crc32(&self) -> u32 {
        self.crc32
    }

    /// The number of tasks.
    pub fn task_count(&self) -> u32 {
        self.header.task_count
    }

    /// The number of dependences.
    pub fn edge_count(&self) -> u32 {
        self.header.edge_count
    }

    /// The length of the file.
    pub fn byte_len(&self) -> u64 {
        self.header.byte_len()
    }
}

/// Passes the bytes of the file to `put`, part by part.
///
/// # Errors
///
/// Those of `put`.
pub fn encode(
    graph: &TaskGraph,
    output_bytes: u32,
    mut put: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let header = FileHeader::of(graph, output_bytes)?;
    put(&MAGIC)?;
    let words = [
        VERSION,
        header.flags,
        header.task_count,
        header.edge_count,
        header.output_bytes,
        0,
    ];
    put_all(&words, |word| word.to_le_bytes(), &mut put)?;
    for rows in [graph.predecessor_rows(), graph.successor_rows()] {
        put_all(rows.offsets(), |offset| offset.to_le_bytes(), &mut put)?;
        put_all(rows.ids(), |id| id.0.to_le_bytes(), &mut put)?;
    }
    let durations = graph.durations_ns().unwrap_or_default();
    put_all(durations, |duration| duration.to_le_bytes(), &mut put)
}

/// Passes the bytes of all `values` to `put`.
fn put_all<T, const N: usize>(
    values: &[T],
    to_bytes: impl Fn(&T) -> [u8; N],
    put: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let most_count = CHUNK_BYTES / N;
    let mut bytes = vec![[0; N]; most_count.min(values.len())];
    for chunk in values.chunks(most_count) {
        for (place, value) in bytes.iter_mut().zip(chunk) {
            *place = to_bytes(value);
        }
        put(bytes[..chunk.len()].as_flattened())?;
    }
    Ok(())
}
