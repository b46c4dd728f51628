//! Pipes of the system, which move bytes between two parties.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionread, read, write};
use rustix::pipe::{PipeFlags, pipe_with};

use super::party::{Halted, LOOK_INTERVAL, Party};

/// A pipe that one party writes and another reads.
pub trait BytePipe: Send + Sync + 'static {
    /// Writes all of `bytes`, and waits whenever the pipe is full.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed.
    fn write_all(
        &self,
        party: Party<'_>,
        bytes: &[u8],
    ) -> impl Future<Output = Result<(), Halted>> + Send;

    /// Fills `bytes`, and waits whenever the pipe is empty.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed.
    fn read_exact(
        &self,
        party: Party<'_>,
        bytes: &mut [u8],
    ) -> impl Future<Output = Result<(), Halted>> + Send;

    /// How many bytes were written and not read. Nothing is running.
    fn left_byte_count(&self) -> u64;
}

/// A pipe whose ends are in this process, and in those that it forks. The calls that read and write it never block.
pub struct PipeEnds {
    /// The end that is read.
    pub reader: OwnedFd,
    /// The end that is written.
    pub writer: OwnedFd,
}

impl PipeEnds {
    /// A new pipe.
    ///
    /// # Errors
    ///
    /// If the system refuses it.
    pub fn new() -> io::Result<Self> {
        // A blocked party looks now and then whether the run has failed, so the system must not block it for longer.
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self { reader, writer })
    }

    /// Writes as much of `bytes` as fits; `None` if nothing does.
    pub fn try_write(&self, bytes: &[u8]) -> Option<usize> {
        moved(write(&self.writer, bytes))
    }

    /// Reads into `bytes` what is there; `None` if nothing is.
    pub fn try_read(&self, bytes: &mut [u8]) -> Option<usize> {
        moved(read(&self.reader, bytes))
    }

    /// How many bytes are in the pipe.
    pub fn byte_count(&self) -> u64 {
        ioctl_fionread(&self.reader).expect("a pipe says how many bytes it has")
    }
}

/// What a party waits for that writes into a full pipe.
pub const WAITS_TO_WRITE: &str = "space in a full pipe";

/// What a party waits for that reads an empty pipe.
pub const WAITS_TO_READ: &str = "bytes in an empty pipe";

fn moved(result: Result<usize, Errno>) -> Option<usize> {
    match result {
        Ok(count) => Some(count),
        Err(Errno::AGAIN | Errno::INTR) => None,
        Err(error) => panic!("this process has both ends of the pipe: {error}"),
    }
}

/// A pipe for threads and processes, which block.
pub struct BlockingPipe(PipeEnds);

impl BlockingPipe {
    /// A new pipe.
    ///
    /// # Errors
    ///
    /// If the system refuses it.
    pub fn new() -> io::Result<Self> {
        PipeEnds::new().map(Self)
    }
}

impl BytePipe for BlockingPipe {
    async fn write_all(&self, party: Party<'_>, mut bytes: &[u8]) -> Result<(), Halted> {
        while !bytes.is_empty() {
            let written = move_some(
                || self.0.try_write(bytes),
                party,
                WAITS_TO_WRITE,
                (&self.0.writer, PollFlags::OUT),
            )?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    async fn read_exact(&self, party: Party<'_>, bytes: &mut [u8]) -> Result<(), Halted> {
        let mut filled = 0;
        while filled < bytes.len() {
            filled += move_some(
                || self.0.try_read(&mut bytes[filled..]),
                party,
                WAITS_TO_READ,
                (&self.0.reader, PollFlags::IN),
            )?;
        }
        Ok(())
    }

    fn left_byte_count(&self) -> u64 {
        self.0.byte_count()
    }
}

/// Moves some bytes, and sleeps until the end of the pipe is ready while it moves none.
fn move_some(
    mut attempt: impl FnMut() -> Option<usize>,
    party: Party<'_>,
    what: &str,
    (end, event): (&OwnedFd, PollFlags),
) -> Result<usize, Halted> {
    if let Some(count) = attempt() {
        return Ok(count);
    }
    let _waiting = party.waits_for(what);
    let limit = Timespec::try_from(LOOK_INTERVAL).expect("well below the largest time");
    loop {
        match poll(&mut [PollFd::new(end, event)], Some(&limit)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => panic!("the end of a pipe is a valid descriptor: {error}"),
        }
        if let Some(count) = attempt() {
            return Ok(count);
        }
        party.look()?;
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::graph::TaskId;
    use crate::sync::{WaitTable, at_once};

    #[test]
    fn more_bytes_than_a_pipe_holds_arrive_in_order() {
        let table = WaitTable::new(2).unwrap();
        let pipe = BlockingPipe::new().unwrap();
        let sent: Vec<u8> = (0..1_000_003u32)
            .map(|at| at.to_le_bytes()[at as usize % 3])
            .collect();
        let mut received = vec![0; sent.len()];
        thread::scope(|scope| {
            let writer = Party::new(&table, TaskId(0));
            scope.spawn({
                let (pipe, sent) = (&pipe, &sent);
                move || at_once(pipe.write_all(writer, sent)).unwrap()
            });
            let reader = Party::new(&table, TaskId(1));
            at_once(pipe.read_exact(reader, &mut received)).unwrap();
        });
        assert!(received == sent);
        assert_eq!(pipe.left_byte_count(), 0);
    }

    #[test]
    fn a_failed_run_ends_the_wait_for_bytes_and_for_space() {
        let table = WaitTable::new(1).unwrap();
        let pipe = BlockingPipe::new().unwrap();
        let party = Party::new(&table, TaskId(0));
        table.halt();
        assert_eq!(at_once(pipe.read_exact(party, &mut [0; 8])), Err(Halted));
        assert_eq!(
            at_once(pipe.write_all(party, &vec![0; 1 << 24])),
            Err(Halted)
        );
        assert_eq!(table.waiting(), []);
    }
}
