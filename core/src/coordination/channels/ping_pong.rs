use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use super::HAND_OVER;
use super::held::Ends;
use crate::coordination::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::latency::{Histogram, Recorder};
use crate::random::mix;
use crate::sync::{ChannelKind, Message, Party, Receiver, Sender};

/// Two parties that send each other one message at a time.
///
/// **Invariant.** The messages are a hash chain: each is the hash of the one before it, so none can be left out, repeated
/// or exchanged. Both parties check every message, and the end of the chain is in their outputs.
pub struct PingPong<C: ChannelKind> {
    /// Of each party: where it sends, and where it receives.
    ends: Ends<(C::Sender, C::Receiver)>,
    round_trip_count: u64,
    /// The end of the chain.
    last_link: u64,
    hand_overs: Recorder,
}

/// The first link of the chain.
const FIRST_LINK: u64 = 0;

impl<C: ChannelKind> PingPong<C> {
    /// Two parties that send `round_trip_count` messages each.
    ///
    /// # Errors
    ///
    /// If a channel cannot be opened, or the system refuses shared pages.
    pub fn new(channel: &C, round_trip_count: u64) -> io::Result<Self> {
        let (there, served) = channel.open(1, 1)?;
        let (back, returned) = channel.open(1, 1)?;
        let senders = there.into_iter().chain(back);
        Ok(Self {
            ends: Ends::new(senders.zip(returned.into_iter().chain(served))),
            round_trip_count,
            last_link: (0..2 * round_trip_count).fold(FIRST_LINK, |link, _| mix(link)),
            hand_overs: Recorder::new()?,
        })
    }

    /// Begins each round trip. Half of the time that it takes is the latency of a hand-over.
    async fn serve(
        &self,
        party: Party<'_>,
        (out, back): &mut (C::Sender, C::Receiver),
    ) -> Result<u64, PartyError> {
        let is_timed = self.hand_overs.is_on();
        let mut link = FIRST_LINK;
        for round_trip in 0..self.round_trip_count {
            let sent = is_timed.then(Instant::now);
            out.send(party, Message::untimed(link)).await?;
            let found = back.receive(party).await?.word;
            if let Some(sent) = sent {
                self.hand_overs.record(sent.elapsed().as_nanos() as u64 / 2);
            }
            follows(found, mix(link), party, round_trip)?;
            link = mix(found);
        }
        Ok(link)
    }

    async fn answer(
        &self,
        party: Party<'_>,
        (out, back): &mut (C::Sender, C::Receiver),
    ) -> Result<u64, PartyError> {
        let mut link = FIRST_LINK;
        for round_trip in 0..self.round_trip_count {
            let found = back.receive(party).await?.word;
            follows(found, link, party, round_trip)?;
            let answer = mix(found);
            out.send(party, Message::untimed(answer)).await?;
            link = mix(answer);
        }
        Ok(link)
    }
}

/// Checks that a message is the next link of the chain.
#[inline]
fn follows(found: u64, link: u64, party: Party<'_>, round_trip: u64) -> Result<(), PartyError> {
    match found == link {
        true => Ok(()),
        false => Err(PartyError::Violated(format!(
            "the message that party {} received in round trip {round_trip} does not follow from the one before it",
            party.index
        ))),
    }
}

impl<C: ChannelKind> Coordination for PingPong<C> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        let mut ends = self.ends.take(party.index, party)?;
        let last_link = match party.index {
            0 => self.serve(party, &mut ends).await?,
            _ => self.answer(party, &mut ends).await?,
        };
        Ok(mix(seed ^ last_link))
    }

    fn expected(&self, _: usize, seed: u64) -> u64 {
        mix(seed ^ self.last_link)
    }

    fn halt(&self) {
        self.ends.drop_all();
    }

    fn verify(&self, _: u64) -> Result<Findings, String> {
        // The outputs say that both parties came to the end of the chain.
        Ok(Findings::new())
    }

    fn record_latencies(&self, on: bool) {
        self.hand_overs.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::from([(HAND_OVER.into(), self.hand_overs.take())])
    }
}
