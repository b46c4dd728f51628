use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::held::Ends;
use crate::coordination::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::memory::{Padded, SharedSlice};
use crate::random::mix;
use crate::sync::{ChannelKind, Message, Party, Receiver, Sender};

/// Parties in a ring that hand a token on, one hand-over at a time. Party 0 has it first. The last holder then sends its
/// own number round the ring.
///
/// **Invariant.** The token carries the number of its hand-overs, which each party knows beforehand: it gets the token
/// each time it has gone round. The output of every party contains the number of the last holder.
pub struct ThreadRing<C: ChannelKind> {
    /// Of each party: where it sends, and where it receives.
    ends: Ends<(C::Sender, C::Receiver)>,
    party_count: u64,
    hand_over_count: u64,
    /// How often any party has handed the token on.
    handed_over: SharedSlice<Padded<AtomicU64>>,
}

/// The bit in the word of a message that says that the rest is the number of the last holder.
const IS_OVER: u64 = 1 << 63;

impl<C: ChannelKind> ThreadRing<C> {
    /// `party_count` parties that hand the token on `hand_over_count` times per run.
    ///
    /// # Errors
    ///
    /// If a channel cannot be opened, or the system refuses the shared page.
    pub fn new(channel: &C, party_count: usize, hand_over_count: u64) -> io::Result<Self> {
        let (mut senders, mut receivers) = (Vec::new(), Vec::new());
        for _ in 0..party_count {
            let (sender, receiver) = channel.open(1, 1)?;
            senders.extend(sender);
            receivers.extend(receiver);
        }
        // Each party sends to the next.
        senders.rotate_left(1.min(party_count));
        Ok(Self {
            ends: Ends::new(senders.into_iter().zip(receivers)),
            party_count: party_count as u64,
            hand_over_count,
            handed_over: SharedSlice::new(1)?,
        })
    }

    fn last_holder(&self) -> u64 {
        self.hand_over_count % self.party_count
    }

    /// Holds the token whenever it comes, until the last holder is known.
    async fn go_round(
        &self,
        party: Party<'_>,
        (next, own): &mut (C::Sender, C::Receiver),
    ) -> Result<u64, PartyError> {
        let index = party.index as u64;
        let mut due = index;
        let mut given_first = (index == 0).then_some(0);
        let mut passed_count = 0;
        let last = loop {
            let word = match given_first.take() {
                Some(word) => word,
                None => own.receive(party).await?.word,
            };
            if word & IS_OVER != 0 {
                break word ^ IS_OVER;
            }
            if word != due {
                return Err(PartyError::Violated(format!(
                    "party {index} got the token of hand-over {word} instead of {due}"
                )));
            }
            if word == self.hand_over_count {
                break index;
            }
            next.send(party, Message::untimed(word + 1)).await?;
            passed_count += 1;
            due += self.party_count;
        };
        if (index + 1) % self.party_count != last {
            next.send(party, Message::untimed(last | IS_OVER)).await?;
        }
        // Relaxed: only the total matters, and the end of the run orders the reader after it.
        self.handed_over[0].fetch_add(passed_count, Ordering::Relaxed);
        Ok(last)
    }
}

impl<C: ChannelKind> Coordination for ThreadRing<C> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        let mut ends = self.ends.take(party.index, party)?;
        let last = self.go_round(party, &mut ends).await?;
        Ok(mix(seed ^ last))
    }

    fn expected(&self, _: usize, seed: u64) -> u64 {
        mix(seed ^ self.last_holder())
    }

    fn reset(&self) {
        // Relaxed: nothing is running.
        self.handed_over[0].store(0, Ordering::Relaxed);
    }

    fn halt(&self) {
        self.ends.drop_all();
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let expected = self.hand_over_count * run_count;
        // Relaxed: nothing is running.
        match self.handed_over[0].load(Ordering::Relaxed) {
            found if found == expected => Ok(Findings::new()),
            found => Err(format!("{found} hand-overs instead of {expected}")),
        }
    }
}
