//! Channels: messages pass from senders to receivers, each to one receiver, in the order in which they were sent.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError, TrySendError};

use super::party::{Halted, Party};

/// What a channel carries: 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Message {
    /// The content.
    pub word: u64,
    /// When the message was sent, by the clock of whoever sent it; 0 if nobody measures.
    pub sent_ns: u64,
}

impl Message {
    /// A message that nobody measures.
    pub fn untimed(word: u64) -> Self {
        Self { word, sent_ns: 0 }
    }
}

/// A kind of channel: its form and capacity, and how to open one.
pub trait ChannelKind: 'static {
    /// An end that sends.
    type Sender: Sender;
    /// An end that receives.
    type Receiver: Receiver;

    /// Opens a channel with this many ends.
    ///
    /// # Errors
    ///
    /// If the form does not support as many receivers, or the system refuses what the channel needs.
    fn open(&self, sender_count: usize, receiver_count: usize) -> io::Result<ChannelEnds<Self>>;
}

/// The ends of a new channel: those that send, and those that receive.
pub type ChannelEnds<C> = (
    Vec<<C as ChannelKind>::Sender>,
    Vec<<C as ChannelKind>::Receiver>,
);

/// The end of a channel that sends.
///
/// When the other ends are gone, the run has failed: a party that takes part without a fault keeps its end.
pub trait Sender: Send + 'static {
    /// Sends `message`, and waits while the channel is full.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed.
    fn send(
        &mut self,
        party: Party<'_>,
        message: Message,
    ) -> impl Future<Output = Result<(), Halted>> + Send;
}

/// The end of a channel that receives.
pub trait Receiver: Send + 'static {
    /// Receives the next message, and waits while the channel is empty.
    ///
    /// # Errors
    ///
    /// [`Halted`] if the run has failed.
    fn receive(&mut self, party: Party<'_>)
    -> impl Future<Output = Result<Message, Halted>> + Send;
}

/// What a blocked sender is said to wait for.
pub const ROOM: &str = "room in the channel";

/// What a blocked receiver is said to wait for.
pub const MESSAGE: &str = "a message in the channel";

/// Makes the channels of the standard library, which are for threads. They have one receiver.
pub struct ThreadChannel {
    /// How many messages a channel holds; `None` if there is no limit.
    pub capacity: Option<usize>,
}

/// The end that sends of a channel of the standard library.
pub enum ThreadSender {
    /// Waits while the channel is full.
    Bounded(mpsc::SyncSender<Message>),
    /// Never waits.
    Unbounded(mpsc::Sender<Message>),
}

impl ChannelKind for ThreadChannel {
    type Sender = ThreadSender;
    type Receiver = mpsc::Receiver<Message>;

    fn open(&self, sender_count: usize, receiver_count: usize) -> io::Result<ChannelEnds<Self>> {
        if receiver_count != 1 {
            let message = "a channel of the standard library has one receiver";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        let (senders, receiver) = match self.capacity {
            Some(capacity) => {
                let (sender, receiver) = mpsc::sync_channel(capacity);
                let bounded = |_| ThreadSender::Bounded(sender.clone());
                ((0..sender_count).map(bounded).collect(), receiver)
            }
            None => {
                let (sender, receiver) = mpsc::channel();
                let unbounded = |_| ThreadSender::Unbounded(sender.clone());
                ((0..sender_count).map(unbounded).collect(), receiver)
            }
        };
        Ok((senders, vec![receiver]))
    }
}

impl Sender for ThreadSender {
    #[inline]
    async fn send(&mut self, party: Party<'_>, message: Message) -> Result<(), Halted> {
        match self {
            Self::Bounded(sender) => match sender.try_send(message) {
                Ok(()) => Ok(()),
                Err(TrySendError::Full(message)) => {
                    // It cannot look while it is blocked: the standard library has no limit for this wait. It ends
                    // because the receiver is dropped when the run has failed.
                    let _waiting = party.waits_for(ROOM);
                    sender.send(message).map_err(|_| Halted)
                }
                Err(TrySendError::Disconnected(_)) => Err(Halted),
            },
            Self::Unbounded(sender) => sender.send(message).map_err(|_| Halted),
        }
    }
}

impl Receiver for mpsc::Receiver<Message> {
    #[inline]
    async fn receive(&mut self, party: Party<'_>) -> Result<Message, Halted> {
        match self.try_recv() {
            Ok(message) => Ok(message),
            Err(TryRecvError::Disconnected) => Err(Halted),
            Err(TryRecvError::Empty) => {
                party.blocks(MESSAGE, |limit| match self.recv_timeout(limit) {
                    Ok(message) => Some(Ok(message)),
                    Err(RecvTimeoutError::Disconnected) => Some(Err(Halted)),
                    Err(RecvTimeoutError::Timeout) => None,
                })?
            }
        }
    }
}
