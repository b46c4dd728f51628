//! The channels of other crates.

#[cfg(feature = "crossbeam")]
pub use of_crossbeam::CrossbeamChannel;
#[cfg(feature = "flume")]
pub use of_flume::FlumeChannel;
#[cfg(feature = "tokio")]
pub use of_tokio::TokioChannel;

/// Declares the channel of a crate whose ends block, have the same interface as each other, and can be cloned.
#[cfg(any(feature = "crossbeam", feature = "flume"))]
macro_rules! blocking_channel {
    ($library:ident, $channel:ident, $sender:ident, $receiver:ident) => {
        use std::io;

        use $library::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};

        use crate::sync::{
            ChannelEnds, ChannelKind, Halted, MESSAGE, Message, Party, ROOM, Receiver, Sender,
        };

        /// Makes channels of this crate, which have any number of senders and receivers.
        pub struct $channel {
            /// How many messages a channel holds; `None` if there is no limit.
            pub capacity: Option<usize>,
        }

        /// The end that sends.
        pub struct $sender($library::Sender<Message>);

        /// The end that receives.
        pub struct $receiver($library::Receiver<Message>);

        impl ChannelKind for $channel {
            type Sender = $sender;
            type Receiver = $receiver;

            fn open(
                &self,
                sender_count: usize,
                receiver_count: usize,
            ) -> io::Result<ChannelEnds<Self>> {
                let (sender, receiver) = match self.capacity {
                    Some(capacity) => $library::bounded(capacity),
                    None => $library::unbounded(),
                };
                let senders = (0..sender_count).map(|_| $sender(sender.clone()));
                let receivers = (0..receiver_count).map(|_| $receiver(receiver.clone()));
                Ok((senders.collect(), receivers.collect()))
            }
        }

        impl Sender for $sender {
            #[inline]
            async fn send(&mut self, party: Party<'_>, message: Message) -> Result<(), Halted> {
                let mut message = match self.0.try_send(message) {
                    Ok(()) => return Ok(()),
                    Err(TrySendError::Disconnected(_)) => return Err(Halted),
                    Err(TrySendError::Full(message)) => message,
                };
                party.blocks(ROOM, |limit| match self.0.send_timeout(message, limit) {
                    Ok(()) => Some(Ok(())),
                    Err(SendTimeoutError::Disconnected(_)) => Some(Err(Halted)),
                    Err(SendTimeoutError::Timeout(unsent)) => {
                        message = unsent;
                        None
                    }
                })?
            }
        }

        impl Receiver for $receiver {
            #[inline]
            async fn receive(&mut self, party: Party<'_>) -> Result<Message, Halted> {
                match self.0.try_recv() {
                    Ok(message) => Ok(message),
                    Err(TryRecvError::Disconnected) => Err(Halted),
                    Err(TryRecvError::Empty) => {
                        party.blocks(MESSAGE, |limit| match self.0.recv_timeout(limit) {
                            Ok(message) => Some(Ok(message)),
                            Err(RecvTimeoutError::Disconnected) => Some(Err(Halted)),
                            Err(RecvTimeoutError::Timeout) => None,
                        })?
                    }
                }
            }
        }
    };
}

#[cfg(feature = "crossbeam")]
mod of_crossbeam {
    blocking_channel!(
        crossbeam_channel,
        CrossbeamChannel,
        CrossbeamSender,
        CrossbeamReceiver
    );
}

#[cfg(feature = "flume")]
mod of_flume {
    blocking_channel!(flume, FlumeChannel, FlumeSender, FlumeReceiver);
}

#[cfg(feature = "tokio")]
mod of_tokio {
    use std::future::poll_fn;
    use std::io;

    use tokio::sync::mpsc::{self, error::TrySendError};

    use crate::sync::{
        ChannelEnds, ChannelKind, Halted, MESSAGE, Message, Party, ROOM, Receiver, Sender,
    };

    /// Makes the `mpsc` channels of tokio, which have one receiver.
    pub struct TokioChannel {
        /// How many messages a channel holds, at least one; `None` if there is no limit.
        pub capacity: Option<usize>,
    }

    /// The end that sends.
    #[derive(Clone)]
    pub enum TokioSender {
        /// Waits while the channel is full.
        Bounded(mpsc::Sender<Message>),
        /// Never waits.
        Unbounded(mpsc::UnboundedSender<Message>),
    }

    /// The end that receives.
    pub enum TokioReceiver {
        /// Of a channel with a capacity.
        Bounded(mpsc::Receiver<Message>),
        /// Of a channel without a limit.
        Unbounded(mpsc::UnboundedReceiver<Message>),
    }

    impl ChannelKind for TokioChannel {
        type Sender = TokioSender;
        type Receiver = TokioReceiver;

        fn open(
            &self,
            sender_count: usize,
            receiver_count: usize,
        ) -> io::Result<ChannelEnds<Self>> {
            if receiver_count != 1 {
                let message = "a channel of tokio has one receiver";
                return Err(io::Error::new(io::ErrorKind::Unsupported, message));
            }
            let (sender, receiver) = match self.capacity {
                Some(capacity) => {
                    let (sender, receiver) = mpsc::channel(capacity);
                    (
                        TokioSender::Bounded(sender),
                        TokioReceiver::Bounded(receiver),
                    )
                }
                None => {
                    let (sender, receiver) = mpsc::unbounded_channel();
                    (
                        TokioSender::Unbounded(sender),
                        TokioReceiver::Unbounded(receiver),
                    )
                }
            };
            Ok((vec![sender; sender_count], vec![receiver]))
        }
    }

    impl Sender for TokioSender {
        #[inline]
        async fn send(&mut self, party: Party<'_>, message: Message) -> Result<(), Halted> {
            match self {
                Self::Bounded(sender) => match sender.try_send(message) {
                    Ok(()) => Ok(()),
                    Err(TrySendError::Full(message)) => {
                        let sent = party.awaits(ROOM, sender.send(message)).await;
                        sent.map_err(|_| Halted)
                    }
                    Err(TrySendError::Closed(_)) => Err(Halted),
                },
                Self::Unbounded(sender) => sender.send(message).map_err(|_| Halted),
            }
        }
    }

    impl Receiver for TokioReceiver {
        #[inline]
        async fn receive(&mut self, party: Party<'_>) -> Result<Message, Halted> {
            let poll = poll_fn(|context| match self {
                Self::Bounded(receiver) => receiver.poll_recv(context),
                Self::Unbounded(receiver) => receiver.poll_recv(context),
            });
            party.awaits(MESSAGE, poll).await.ok_or(Halted)
        }
    }
}
