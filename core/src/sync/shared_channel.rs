//! Channels for processes: a ring in shared pages, and a pipe.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

use super::atomic::AtomicU64;
use super::channel::{ChannelEnds, ChannelKind, MESSAGE, Message, ROOM, Receiver, Sender};
use super::party::{Halted, Party};
use super::ring::{Place, Ring};
use crate::memory::{Padded, Shareable, SharedSlice};

/// Makes rings in shared pages.
pub struct RingChannel {
    /// How many messages a ring holds; at least one.
    pub capacity: usize,
}

/// An end of a ring in shared pages: every end can do both.
#[derive(Clone)]
pub struct RingEnd(Arc<RingPages>);

struct RingPages {
    /// The next position to send to, and the next to receive from.
    counters: SharedSlice<Padded<AtomicU64>>,
    places: SharedSlice<Place>,
}

// SAFETY: zero is the valid turn of the first sender; every field is atomic and needs no drop.
unsafe impl Shareable for Place {}

impl ChannelKind for RingChannel {
    type Sender = RingEnd;
    type Receiver = RingEnd;

    fn open(&self, sender_count: usize, receiver_count: usize) -> io::Result<ChannelEnds<Self>> {
        let end = RingEnd(Arc::new(RingPages {
            counters: SharedSlice::new(2)?,
            places: SharedSlice::new(self.capacity)?,
        }));
        Ok((vec![end.clone(); sender_count], vec![end; receiver_count]))
    }
}

impl RingEnd {
    #[inline]
    fn ring(&self) -> Ring<'_> {
        Ring {
            tail: &self.0.counters[0],
            head: &self.0.counters[1],
            places: &self.0.places,
        }
    }
}

impl Sender for RingEnd {
    #[inline]
    async fn send(&mut self, party: Party<'_>, message: Message) -> Result<(), Halted> {
        self.ring().send(party, message)
    }
}

impl Receiver for RingEnd {
    #[inline]
    async fn receive(&mut self, party: Party<'_>) -> Result<Message, Halted> {
        self.ring().receive(party)
    }
}

/// Makes pipes. A pipe holds bytes, as many as the system grants: a power of two of pages.
pub struct PipeChannel {
    /// How many bytes a pipe holds.
    pub byte_len: usize,
}

/// The bytes of a message in a pipe.
///
/// **Invariant.** The system writes at most `PIPE_BUF` bytes (4096) at once or not at all, and reads and writes never
/// overlap, because each holds the lock of the pipe. All messages have the same length, and so have all reads. So the pipe
/// always holds whole messages, and every read gets one.
pub const PIPE_MESSAGE_BYTES: usize = 16;

/// An end of a pipe that sends.
#[derive(Clone)]
pub struct PipeSender(Arc<OwnedFd>);

/// An end of a pipe that receives.
#[derive(Clone)]
pub struct PipeReceiver(Arc<OwnedFd>);

impl ChannelKind for PipeChannel {
    type Sender = PipeSender;
    type Receiver = PipeReceiver;

    fn open(&self, sender_count: usize, receiver_count: usize) -> io::Result<ChannelEnds<Self>> {
        // Nobody could look whether the run has failed while the system blocks.
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let wanted = self.byte_len;
        let refused =
            |why: String| io::Error::other(format!("cannot make a pipe of {wanted} bytes: {why}"));
        match fcntl_setpipe_size(&writer, wanted) {
            Ok(granted) if granted == wanted => {}
            Ok(granted) => return Err(refused(format!("the system makes it {granted}"))),
            Err(error) => return Err(refused(error.to_string())),
        }
        let sender = PipeSender(Arc::new(writer));
        let receiver = PipeReceiver(Arc::new(reader));
        Ok((vec![sender; sender_count], vec![receiver; receiver_count]))
    }
}

impl Sender for PipeSender {
    async fn send(&mut self, party: Party<'_>, message: Message) -> Result<(), Halted> {
        let mut bytes = [0; PIPE_MESSAGE_BYTES];
        bytes[..8].copy_from_slice(&message.word.to_le_bytes());
        bytes[8..].copy_from_slice(&message.sent_ns.to_le_bytes());
        let write = || whole(rustix::io::write(&self.0, &bytes));
        if write() {
            return Ok(());
        }
        party.blocks(ROOM, |limit| {
            await_event(&self.0, PollFlags::OUT, limit);
            write().then_some(())
        })
    }
}

impl Receiver for PipeReceiver {
    async fn receive(&mut self, party: Party<'_>) -> Result<Message, Halted> {
        let mut bytes = [0; PIPE_MESSAGE_BYTES];
        if !whole(rustix::io::read(&self.0, &mut bytes)) {
            party.blocks(MESSAGE, |limit| {
                await_event(&self.0, PollFlags::IN, limit);
                whole(rustix::io::read(&self.0, &mut bytes)).then_some(())
            })?;
        }
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        Ok(Message {
            word: number(0),
            sent_ns: number(8),
        })
    }
}

/// Whether a whole message was moved, and not nothing.
fn whole(moved: Result<usize, Errno>) -> bool {
    match moved {
        Ok(PIPE_MESSAGE_BYTES) => true,
        Ok(moved) => panic!("the pipe moved {moved} bytes of a message of {PIPE_MESSAGE_BYTES}"),
        Err(Errno::AGAIN | Errno::INTR) => false,
        Err(error) => panic!("this process has both ends of the pipe open: {error}"),
    }
}

/// Sleeps until the pipe may be ready, for at most `limit`.
fn await_event(end: &impl AsFd, event: PollFlags, limit: Duration) {
    let limit = Timespec::try_from(limit).expect("well below the largest time");
    match poll(&mut [PollFd::new(end, event)], Some(&limit)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => panic!("the descriptor of a pipe is valid: {error}"),
    }
}
