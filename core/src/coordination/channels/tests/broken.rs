//! Channels that are broken on purpose.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use crate::sync::{ChannelEnds, ChannelKind, Halted, Message, Party, Receiver, Sender};

/// What a channel does with one of its messages.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fault {
    None,
    Drop,
    Duplicate,
    /// Delivers it after the message that follows.
    Delay,
    /// Delivers the message before it again in its stead.
    Replace,
    /// Changes a bit.
    Corrupt,
}

/// Makes channels that do `fault` to their message number `at`, and never block.
pub(super) struct Broken {
    pub(super) fault: Fault,
    pub(super) at: usize,
}

#[derive(Clone)]
pub(super) struct BrokenEnd(Arc<Mutex<Queue>>);

struct Queue {
    fault: Fault,
    at: usize,
    sent: Vec<Message>,
    delayed: Option<Message>,
    messages: VecDeque<Message>,
}

impl ChannelKind for Broken {
    type Sender = BrokenEnd;
    type Receiver = BrokenEnd;

    fn open(
        &self,
        sender_count: usize,
        receiver_count: usize,
    ) -> std::io::Result<ChannelEnds<Self>> {
        let end = BrokenEnd(Arc::new(Mutex::new(Queue {
            fault: self.fault,
            at: self.at,
            sent: Vec::new(),
            delayed: None,
            messages: VecDeque::new(),
        })));
        Ok((vec![end.clone(); sender_count], vec![end; receiver_count]))
    }
}

impl Queue {
    fn push(&mut self, message: Message) {
        let fault = match self.sent.len() == self.at {
            true => self.fault,
            false => Fault::None,
        };
        match fault {
            Fault::None => self.messages.push_back(message),
            Fault::Drop => {}
            Fault::Duplicate => self.messages.extend([message, message]),
            Fault::Delay => self.delayed = Some(message),
            Fault::Replace => self.messages.extend(self.sent.last()),
            Fault::Corrupt => self.messages.push_back(Message {
                word: message.word ^ 1 << 40,
                ..message
            }),
        }
        if self.sent.len() == self.at + 1 {
            self.messages.extend(self.delayed.take());
        }
        self.sent.push(message);
    }
}

impl Sender for BrokenEnd {
    async fn send(&mut self, _: Party<'_>, message: Message) -> Result<(), Halted> {
        self.0.lock().unwrap().push(message);
        Ok(())
    }
}

impl Receiver for BrokenEnd {
    /// Lets the other parties go on first.
    async fn receive(&mut self, _: Party<'_>) -> Result<Message, Halted> {
        let mut is_first = true;
        poll_fn(|_| {
            let found = match std::mem::take(&mut is_first) {
                true => None,
                false => self.0.lock().unwrap().messages.pop_front(),
            };
            found.map_or(Poll::Pending, |message| Poll::Ready(Ok(message)))
        })
        .await
    }
}
