//! Receives task numbers from a socket, in the coordinator and in the workers.

use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;

use crate::graph::TaskId;

/// The number of bytes of a task's number.
const ID_BYTES: usize = size_of::<u32>();

/// Reads task numbers from a socket, which may split its stream anywhere.
pub(super) struct Inbox {
    /// Space for a window of the largest size.
    bytes: Box<[u8; 1024 * ID_BYTES]>,
    start: usize,
    end: usize,
}

/// The result of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// Data arrived; there may be more.
    More,
    /// No data is available now.
    Nothing,
    /// The stream has ended.
    End,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            bytes: Box::new([0; _]),
            start: 0,
            end: 0,
        }
    }

    /// Reads once. Call it when [`take`](Self::take) returns `None`.
    pub(super) fn fill(&mut self, mut socket: &UnixStream) -> Filled {
        // The remainder is shorter than one number.
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        match socket.read(&mut self.bytes[self.end..]) {
            Ok(0) => Filled::End,
            Ok(count) => {
                self.end += count;
                Filled::More
            }
            Err(error) if is_for_later(&error) => Filled::Nothing,
            Err(_) => Filled::End,
        }
    }

    /// The next complete number.
    pub(super) fn take(&mut self) -> Option<TaskId> {
        let id = self.bytes[self.start..self.end].first_chunk()?;
        self.start += ID_BYTES;
        Some(TaskId(u32::from_ne_bytes(*id)))
    }
}

/// Whether a socket has no data, or no space, only at the moment.
pub(super) fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn numbers_survive_being_cut_anywhere() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let mut inbox = Inbox::new();
        assert_eq!(inbox.fill(&theirs), Filled::Nothing);
        let sent = [7u32, 0x0102_0304, u32::MAX].map(TaskId);
        let bytes: Vec<u8> = sent.iter().flat_map(|id| id.0.to_ne_bytes()).collect();
        let mut taken = Vec::new();
        for piece in bytes.chunks(5) {
            ours.write_all(piece).unwrap();
            assert_eq!(inbox.fill(&theirs), Filled::More);
            taken.extend(std::iter::from_fn(|| inbox.take()));
        }
        assert_eq!(taken, sent);
        drop(ours);
        assert_eq!(inbox.fill(&theirs), Filled::End);
    }
}
