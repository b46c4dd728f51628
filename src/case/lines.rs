//! The output of a child, line by line.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::io::ioctl_fionread;

/// Splits the output of a pipe into lines.
pub(super) struct Lines {
    pub(super) pipe: File,
    buffer: Vec<u8>,
    /// The first bytes of `buffer`, which are known to contain no line end.
    searched: usize,
    /// Whether nothing more will be read.
    pub(super) ended: bool,
}

impl Lines {
    pub(super) fn new(pipe: OwnedFd) -> Self {
        Self {
            pipe: pipe.into(),
            buffer: Vec::new(),
            searched: 0,
            ended: false,
        }
    }

    /// Reads what is available, or waits for it. Notices the end.
    pub(super) fn fill(&mut self) -> io::Result<()> {
        let mut chunk = [0; 1 << 16];
        let count = self.pipe.read(&mut chunk)?;
        self.ended = count == 0;
        self.buffer.extend_from_slice(&chunk[..count]);
        Ok(())
    }

    /// Reads what is in the pipe now, without waiting, and ends. For a child that has exited: all that it wrote is there,
    /// and what another process writes later is not its reply.
    pub(super) fn fill_last(&mut self) -> io::Result<()> {
        let available = ioctl_fionread(&self.pipe)?;
        (&self.pipe).take(available).read_to_end(&mut self.buffer)?;
        self.ended = true;
        Ok(())
    }

    /// The next whole line.
    pub(super) fn next_line(&mut self) -> Option<Vec<u8>> {
        let rest = &self.buffer[self.searched..];
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let line = self.buffer.drain(..=self.searched + end).collect();
        self.searched = 0;
        Some(line)
    }

    /// What was read after the last whole line.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer
    }
}
