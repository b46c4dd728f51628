//! The last bytes that came through a pipe.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The usual capacity of a pipe.
const CHUNK_BYTES: usize = 64 << 10;
/// The number of chunks in the largest pipe that a program may ask for.
pub(super) const FILLS_OF_A_PIPE: usize = (1 << 20) / CHUNK_BYTES;

/// The last bytes that came through a pipe.
pub(crate) struct Tail {
    pipe: File,
    bytes: Vec<u8>,
    most_bytes: usize,
    has_ended: bool,
}

impl Tail {
    /// Keeps the last `most_bytes` of what comes through `pipe`.
    pub(crate) fn new(pipe: OwnedFd, most_bytes: usize) -> Self {
        Self {
            pipe: pipe.into(),
            bytes: Vec::new(),
            most_bytes,
            has_ended: false,
        }
    }

    /// The pipe, to poll for input.
    pub(crate) fn pipe(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Whether the stream has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Reads what is available; blocks if nothing is.
    pub(crate) fn fill(&mut self) -> io::Result<()> {
        let mut chunk = [0; CHUNK_BYTES];
        let count = self.pipe.read(&mut chunk)?;
        self.has_ended = count == 0;
        self.bytes.extend_from_slice(&chunk[..count]);
        let surplus = self.bytes.len().saturating_sub(self.most_bytes);
        self.bytes.drain(..surplus);
        Ok(())
    }

    /// Reads what is available now, without waiting: another process may hold the pipe open forever, or write to it
    /// without end.
    pub(crate) fn fill_up(&mut self) {
        for _ in 0..FILLS_OF_A_PIPE {
            if self.has_ended || !self.has_more() || self.fill().is_err() {
                break;
            }
        }
    }

    fn has_more(&self) -> bool {
        let mut fds = [PollFd::new(&self.pipe, PollFlags::IN)];
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut fds, Some(&at_once)).is_ok_and(|count| count > 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The kept bytes as text, without surrounding white space.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).trim().to_owned()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
