use std::io;

use super::held::Ends;
use crate::coordination::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::sync::{ChannelKind, Message, Party, RacyCounter, Receiver, Sender, SharedCounter};

/// A counter with one owner, which is party 0. The others send it a message per increment, and a mark when they have sent
/// all of them.
///
/// **Invariant.** The counter is the number of increments. No lock protects it: only the owner uses it.
pub struct Actor<C: ChannelKind> {
    senders: Ends<C::Sender>,
    mailbox: Ends<C::Receiver>,
    counter: RacyCounter,
    sender_count: u64,
    /// By each sender and run.
    increments: u64,
}

/// The message of a sender that has sent all its increments. Any other message is an increment by its word.
const END: u64 = 0;

impl<C: ChannelKind> Actor<C> {
    /// `party_count` parties, at least two, with a mailbox of `channel`. All but the owner send `increments` increments per
    /// run.
    ///
    /// # Errors
    ///
    /// If the channel cannot be opened, or the system refuses the shared page.
    pub fn new(channel: &C, party_count: usize, increments: u64) -> io::Result<Self> {
        let (senders, mailbox) = channel.open(party_count - 1, 1)?;
        Ok(Self {
            senders: Ends::new(senders),
            mailbox: Ends::new(mailbox),
            counter: RacyCounter::new()?,
            sender_count: party_count as u64 - 1,
            increments,
        })
    }

    async fn own(&self, party: Party<'_>) -> Result<(), PartyError> {
        let mut mailbox = self.mailbox.take(0, party)?;
        let mut busy_count = self.sender_count;
        while busy_count > 0 {
            match mailbox.receive(party).await?.word {
                END => busy_count -= 1,
                amount => self.counter.add(amount),
            }
        }
        Ok(())
    }

    async fn send(&self, party: Party<'_>) -> Result<(), PartyError> {
        let mut sender = self.senders.take(party.index - 1, party)?;
        for _ in 0..self.increments {
            sender.send(party, Message::untimed(1)).await?;
        }
        sender.send(party, Message::untimed(END)).await?;
        Ok(())
    }
}

impl<C: ChannelKind> Coordination for Actor<C> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        match party.index {
            0 => self.own(party).await?,
            _ => self.send(party).await?,
        }
        Ok(seed)
    }

    fn reset(&self) {
        self.counter.reset();
    }

    fn halt(&self) {
        self.senders.drop_all();
        self.mailbox.drop_all();
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let expected = self.increments * self.sender_count * run_count;
        match self.counter.value() {
            found if found == expected => Ok(Findings::new()),
            found => Err(format!(
                "the counter of the owner is {found} after {expected} increments"
            )),
        }
    }
}
