//! Task numbers as they come through a socket, on either side.

use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;

use crate::graph::TaskId;

/// Bytes of a task's number.
const ID_BYTES: usize = size_of::<u32>();

/// Task numbers as they come out of a socket, which may cut its stream anywhere.
pub(super) struct Inbox {
    /// Room for a window of the largest size.
    bytes: Box<[u8; 1024 * ID_BYTES]>,
    start: usize,
    end: usize,
}

/// What came of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// Something came; there may be more.
    More,
    /// Nothing came for now.
    Nothing,
    /// Nothing will ever come.
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

    /// Reads once. Call it when nothing is left to [`take`](Self::take).
    pub(super) fn fill(&mut self, mut socket: &UnixStream) -> Filled {
        // Less than a number.
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

    /// The next number that has come whole.
    pub(super) fn take(&mut self) -> Option<TaskId> {
        let id = self.bytes[self.start..self.end].first_chunk()?;
        self.start += ID_BYTES;
        Some(TaskId(u32::from_ne_bytes(*id)))
    }
}

/// Whether a socket only has nothing to give or no room to take at the moment.
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
