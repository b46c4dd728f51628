use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::HAND_OVER;
use super::held::Ends;
use crate::coordination::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::latency::{Histogram, Recorder};
use crate::memory::{Padded, SharedSlice};
use crate::random::mix;
use crate::sync::{ChannelKind, Message, Party, Receiver, Sender};

/// How many take part, and how much passes.
#[derive(Debug, Clone, Copy)]
pub struct Traffic {
    /// The first parties, which produce; at least one.
    pub producer_count: usize,
    /// The others, which consume; at least one.
    pub consumer_count: usize,
    /// The items that each producer sends per run, below 2^32.
    pub item_count: u64,
}

/// Producers that send items through one channel, and consumers that receive them.
///
/// The producer that is the last to finish then sends one mark per consumer, which ends with it.
///
/// **Invariant.** Each consumer receives items of each producer in the order in which they were sent. All consumers
/// together receive every item once: their number is right, and so is the sum of the numbers that each item is mixed to,
/// which an item that arrives instead of another one would change.
pub struct ProducerConsumer<C: ChannelKind> {
    senders: Ends<C::Sender>,
    receivers: Ends<C::Receiver>,
    traffic: Traffic,
    /// How often a producer has finished.
    finished_count: SharedSlice<Padded<AtomicU64>>,
    /// What all consumers have received.
    received: SharedSlice<Padded<AtomicU64>>,
    hand_overs: Recorder,
    /// When the clock of the latencies began.
    start: Instant,
}

/// The word that ends a consumer. The word of an item has its producer in the upper half and its number in the lower.
const END: u64 = u64::MAX;

/// Places in `received`: how many items, and the sum of their mixed words.
const COUNT: usize = 0;
const SUM: usize = 1;

impl<C: ChannelKind> ProducerConsumer<C> {
    /// A coordination of this traffic through a channel of `channel`.
    ///
    /// # Errors
    ///
    /// If the channel cannot be opened, or the system refuses shared pages.
    pub fn new(channel: &C, traffic: Traffic) -> io::Result<Self> {
        let (senders, receivers) = channel.open(traffic.producer_count, traffic.consumer_count)?;
        Ok(Self {
            senders: Ends::new(senders),
            receivers: Ends::new(receivers),
            traffic,
            finished_count: SharedSlice::new(1)?,
            received: SharedSlice::new(2)?,
            hand_overs: Recorder::new()?,
            start: Instant::now(),
        })
    }

    /// Nanoseconds since the start. All processes of a run read the same clock.
    fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    async fn produce(&self, party: Party<'_>) -> Result<(), PartyError> {
        let mut sender = self.senders.take(party.index, party)?;
        let is_timed = self.hand_overs.is_on();
        for number in 0..self.traffic.item_count {
            let sent_ns = if is_timed { self.now_ns() } else { 0 };
            let word = item(party.index, number);
            sender.send(party, Message { word, sent_ns }).await?;
        }
        // AcqRel: all that the others sent comes before the marks of the last one.
        let earlier = self.finished_count[0].fetch_add(1, Ordering::AcqRel);
        if (earlier + 1).is_multiple_of(self.traffic.producer_count as u64) {
            for _ in 0..self.traffic.consumer_count {
                sender.send(party, Message::untimed(END)).await?;
            }
        }
        Ok(())
    }

    async fn consume(&self, party: Party<'_>) -> Result<(), PartyError> {
        let consumer = party.index - self.traffic.producer_count;
        let mut receiver = self.receivers.take(consumer, party)?;
        let is_timed = self.hand_overs.is_on();
        let mut sequence = Sequence::new(&self.traffic);
        let (mut count, mut sum) = (0, 0_u64);
        loop {
            let Message { word, sent_ns } = receiver.receive(party).await?;
            if word == END {
                break;
            }
            if is_timed {
                self.hand_overs
                    .record(self.now_ns().saturating_sub(sent_ns));
            }
            sequence.check(word, party.index)?;
            count += 1;
            sum = sum.wrapping_add(mix(word));
        }
        // Relaxed: only the totals matter, and the end of the run orders the reader after them.
        self.received[COUNT].fetch_add(count, Ordering::Relaxed);
        self.received[SUM].fetch_add(sum, Ordering::Relaxed);
        Ok(())
    }
}

fn item(producer: usize, number: u64) -> u64 {
    (producer as u64) << 32 | number
}

/// The order of what one consumer receives.
struct Sequence {
    item_count: u64,
    /// The lowest number that may come next, by producer.
    lowest: Vec<u64>,
}

impl Sequence {
    fn new(traffic: &Traffic) -> Self {
        Self {
            item_count: traffic.item_count,
            lowest: vec![0; traffic.producer_count],
        }
    }

    #[inline]
    fn check(&mut self, word: u64, consumer: usize) -> Result<(), PartyError> {
        let (producer, number) = ((word >> 32) as usize, word & u64::from(u32::MAX));
        match self.lowest.get_mut(producer) {
            Some(lowest) if (*lowest..self.item_count).contains(&number) => {
                *lowest = number + 1;
                Ok(())
            }
            Some(lowest) if number < *lowest => Err(PartyError::Violated(format!(
                "party {consumer} received item {number} of party {producer} after item {}",
                *lowest - 1
            ))),
            _ => Err(PartyError::Violated(format!(
                "party {consumer} received {word:#x}, which nobody sent"
            ))),
        }
    }
}

impl<C: ChannelKind> Coordination for ProducerConsumer<C> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        match party.index < self.traffic.producer_count {
            true => self.produce(party).await?,
            false => self.consume(party).await?,
        }
        Ok(seed)
    }

    fn reset(&self) {
        let words = self.received.iter().chain(self.finished_count.iter());
        // Relaxed: nothing is running.
        words.for_each(|word| word.store(0, Ordering::Relaxed));
    }

    fn halt(&self) {
        self.senders.drop_all();
        self.receivers.drop_all();
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let Traffic {
            producer_count,
            item_count,
            ..
        } = self.traffic;
        let expected = producer_count as u64 * item_count * run_count;
        // Relaxed: nothing is running.
        let found = self.received[COUNT].load(Ordering::Relaxed);
        if found != expected {
            return Err(format!("{found} items arrived instead of {expected}"));
        }
        let items_of = |producer| (0..item_count).map(move |number| item(producer, number));
        let words = (0..producer_count).flat_map(items_of);
        let sum = words.fold(0_u64, |sum, word| sum.wrapping_add(mix(word)));
        match self.received[SUM].load(Ordering::Relaxed) == sum.wrapping_mul(run_count) {
            true => Ok(Findings::new()),
            false => Err("an item arrived twice, and another one never".into()),
        }
    }

    fn record_latencies(&self, on: bool) {
        self.hand_overs.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::from([(HAND_OVER.into(), self.hand_overs.take())])
    }
}
