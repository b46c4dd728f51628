use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::latency::{Histogram, Recorder};
use crate::random::{fill, first_wrong_byte, mix};
use crate::sync::{BytePipe, Party};

/// Pairs of parties that send messages back and forth through two pipes per pair. Parties 2 × *i* and 2 × *i* + 1 are a
/// pair; the first of them begins.
///
/// **Invariant.** Each message is the one that follows from the message before it, byte by byte, and none is left in a
/// pipe.
///
/// The content of a message is derived from one word, and the word of each message is the hash of the word before it. So
/// a byte that is lost, doubled, late or wrong is found where it is read.
pub struct PipeExchange<P> {
    pairs: Vec<PipePair<P>>,
    round_count: u64,
    message_byte_len: usize,
    round_trips: Recorder,
}

/// The pipes between two parties.
struct PipePair<P> {
    there: P,
    back: P,
}

/// The latency from before a message is written until its answer is read.
pub const ROUND_TRIP: &str = "round_trip";

/// The fewest bytes of a message: its word.
pub const LEAST_MESSAGE_BYTES: usize = size_of::<u64>();

impl<P: BytePipe> PipeExchange<P> {
    /// `pair_count` pairs that exchange `round_count` messages of `message_byte_len` bytes, and as many answers, through
    /// pipes made by `pipe`.
    ///
    /// # Errors
    ///
    /// If the system refuses a pipe or a shared page.
    pub fn new(
        pipe: impl Fn() -> io::Result<P>,
        pair_count: usize,
        round_count: u64,
        message_byte_len: usize,
    ) -> io::Result<Self> {
        let pair = |_| {
            Ok(PipePair {
                there: pipe()?,
                back: pipe()?,
            })
        };
        Ok(Self {
            pairs: (0..pair_count).map(pair).collect::<io::Result<_>>()?,
            round_count,
            message_byte_len,
            round_trips: Recorder::new()?,
        })
    }

    /// Sends messages and checks their answers.
    async fn begin(
        &self,
        pair: &PipePair<P>,
        party: Party<'_>,
        seed: u64,
    ) -> Result<(), PartyError> {
        let mut message = vec![0; self.message_byte_len];
        let mut word = seed;
        for round in 0..self.round_count {
            let start = self.round_trips.is_on().then(Instant::now);
            fill(&mut message, word);
            pair.there.write_all(party, &message).await?;
            pair.back.read_exact(party, &mut message).await?;
            if let Some(start) = start {
                self.round_trips.record(start.elapsed().as_nanos() as u64);
            }
            let answer = mix(word);
            check(&message, answer, party, round)?;
            word = mix(answer);
        }
        Ok(())
    }

    /// Checks messages and answers them.
    async fn answer(&self, pair: &PipePair<P>, party: Party<'_>) -> Result<(), PartyError> {
        let mut message = vec![0; self.message_byte_len];
        let mut expected = None;
        for round in 0..self.round_count {
            pair.there.read_exact(party, &mut message).await?;
            // Only the other party knows the word of the first message.
            let word = expected.unwrap_or_else(|| first_word(&message));
            check(&message, word, party, round)?;
            let answer = mix(word);
            fill(&mut message, answer);
            pair.back.write_all(party, &message).await?;
            expected = Some(mix(answer));
        }
        Ok(())
    }
}

impl<P: BytePipe> Coordination for PipeExchange<P> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        let pair = &self.pairs[party.index / 2];
        match party.index % 2 {
            0 => self.begin(pair, party, seed).await?,
            _ => self.answer(pair, party).await?,
        }
        Ok(seed)
    }

    fn awaits_descriptors(&self) -> bool {
        true
    }

    fn verify(&self, _: u64) -> Result<Findings, String> {
        let pipes = self.pairs.iter().flat_map(|pair| [&pair.there, &pair.back]);
        match pipes.map(BytePipe::left_byte_count).sum() {
            0 => Ok(Findings::new()),
            left => Err(format!(
                "{left} bytes are left in the pipes, which no party expected"
            )),
        }
    }

    fn record_latencies(&self, on: bool) {
        self.round_trips.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::from([(ROUND_TRIP.into(), self.round_trips.take())])
    }
}

fn first_word(message: &[u8]) -> u64 {
    let first = message
        .first_chunk()
        .expect("a message is at least a word long");
    u64::from_le_bytes(*first)
}

fn check(message: &[u8], word: u64, party: Party<'_>, round: u64) -> Result<(), PartyError> {
    match first_wrong_byte(message, word) {
        None => Ok(()),
        Some(at) => Err(PartyError::Violated(format!(
            "party {} read something else than message {round}, from byte {at} on",
            party.index
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;
    use crate::graph::TaskId;
    use crate::sync::{Halted, WaitTable, at_once};

    const MESSAGE_BYTES: usize = 19;

    /// A pipe without a limit, which damages what is written as `damage` says. Reading more than it has fails the run.
    struct Queue {
        bytes: Mutex<VecDeque<u8>>,
        damage: fn(&mut Vec<u8>),
    }

    impl Queue {
        fn new(damage: fn(&mut Vec<u8>)) -> Self {
            Self {
                bytes: Mutex::default(),
                damage,
            }
        }
    }

    impl BytePipe for Queue {
        async fn write_all(&self, _: Party<'_>, bytes: &[u8]) -> Result<(), Halted> {
            let mut bytes = bytes.to_vec();
            (self.damage)(&mut bytes);
            self.bytes.lock().unwrap().extend(bytes);
            Ok(())
        }

        async fn read_exact(&self, _: Party<'_>, bytes: &mut [u8]) -> Result<(), Halted> {
            let mut queue = self.bytes.lock().unwrap();
            for byte in bytes {
                *byte = queue.pop_front().ok_or(Halted)?;
            }
            Ok(())
        }

        fn left_byte_count(&self) -> u64 {
            self.bytes.lock().unwrap().len() as u64
        }
    }

    /// What the answering party says of two messages that went through a pipe with this damage, and what is wrong
    /// afterwards.
    fn answered(damage: fn(&mut Vec<u8>)) -> (Result<u64, PartyError>, Result<Findings, String>) {
        let work = PipeExchange::new(|| Ok(Queue::new(damage)), 1, 2, MESSAGE_BYTES).unwrap();
        let table = WaitTable::new(2).unwrap();
        let sender = Party::new(&table, TaskId(0));
        for word in [7, mix(mix(7))] {
            let mut message = [0; MESSAGE_BYTES];
            fill(&mut message, word);
            at_once(work.pairs[0].there.write_all(sender, &message)).unwrap();
        }
        let result = at_once(work.take_part(Party::new(&table, TaskId(1)), 5));
        work.pairs[0].back.bytes.lock().unwrap().clear();
        (result, work.verify(1))
    }

    fn violation(round: u64, byte: u64) -> Result<u64, PartyError> {
        Err(PartyError::Violated(format!(
            "party 1 read something else than message {round}, from byte {byte} on"
        )))
    }

    #[test]
    fn a_whole_pipe_is_accepted() {
        assert_eq!(answered(|_| {}), (Ok(5), Ok(Findings::new())));
    }

    #[test]
    fn a_wrong_a_lost_and_a_late_byte_are_found() {
        assert_eq!(answered(|bytes| bytes[18] ^= 1).0, violation(0, 18));
        // The first eight bytes are the word that the others must follow from.
        let lost = answered(|bytes| {
            bytes.remove(3);
            bytes.push(0);
        });
        assert_eq!(lost.0, violation(0, 8));
        // Bytes 8 to 10 are those of the third word, which follow from the second, now in front.
        assert_eq!(answered(|bytes| bytes.rotate_left(8)).0, violation(0, 11));
    }

    #[test]
    fn a_message_that_comes_twice_is_found() {
        assert_eq!(
            answered(|bytes| bytes.extend_from_within(..)).0,
            violation(1, 0)
        );
    }

    #[test]
    fn bytes_that_nobody_expected_are_found() {
        let work = PipeExchange::new(|| Ok(Queue::new(|_| {})), 1, 2, MESSAGE_BYTES).unwrap();
        work.pairs[0].back.bytes.lock().unwrap().push_back(1);
        let expected = "1 bytes are left in the pipes, which no party expected";
        assert_eq!(work.verify(1), Err(expected.into()));
    }

    #[test]
    fn a_wrong_answer_is_found() {
        let work = PipeExchange::new(|| Ok(Queue::new(|_| {})), 1, 1, MESSAGE_BYTES).unwrap();
        let table = WaitTable::new(2).unwrap();
        let party = Party::new(&table, TaskId(0));
        let mut answer = [0; MESSAGE_BYTES];
        for (word, expected) in [(mix(7), true), (7, false)] {
            fill(&mut answer, word);
            at_once(work.pairs[0].back.write_all(party, &answer)).unwrap();
            assert_eq!(at_once(work.take_part(party, 7)).is_ok(), expected);
        }
    }
}
