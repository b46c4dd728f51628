//! Messages in their order. Every message has a number, so that one that was lost, came twice or came too early is found
//! when the next one comes from the same rank.
//!
//! | kind | what follows |
//! |---|---|
//! | values | items of a run; `field.rs` defines them |
//! | barrier | nothing |
//! | mail | the words of a command, or what answers it |
//! | error | an error line, and its length in bytes before it |
//! | ping | nothing: shows whether a message was lost before it |

use std::collections::VecDeque;

use crate::fault::{Fault, Mangler};
use crate::patience::Patience;
use crate::ringer::Ringer;
use crate::trouble::Trouble;
use crate::wire::{MOST_WORDS, Wire};

pub use waiting::Waiting;

mod waiting;

/// The most words of a message beside its first.
pub const MOST_BODY_WORDS: usize = MOST_WORDS - 1;

const VALUES: u64 = 1;
const BARRIER: u64 = 2;
const MAIL: u64 = 3;
const ERROR: u64 = 4;
const PING: u64 = 5;

/// A rank's messages to and from the others.
pub struct Post {
    wire: Wire,
    sent: Vec<u32>,
    received: Vec<u32>,
    /// How often each other rank has entered a barrier round of this distance.
    arrived: Vec<u64>,
    barriers: u64,
    mail: VecDeque<(usize, Vec<u64>)>,
    /// Values of the next run, from ranks that have left the barrier before this one.
    early: Vec<(usize, Vec<u64>)>,
    mangler: Option<Mangler>,
    /// Whether MPI had something to send when this rank last waited.
    is_sending: bool,
    /// What ranks of this host wake each other with; `None` if the system has no memory for it.
    pub ringer: Option<Ringer>,
    /// At the first rank: whether the others sleep, or are about to.
    pub others_rest: bool,
    /// How to wait in a run.
    pub patience: Patience,
    /// How many ranks of this host come before this one.
    pub place_on_host: usize,
    /// Messages with values that this rank has sent.
    pub value_messages: u64,
    /// Their words, with the first of each.
    pub value_words: u64,
}

impl Post {
    /// The messages of this rank.
    pub fn new(wire: Wire, fault: Option<Fault>) -> Self {
        let size = wire.size;
        Self {
            wire,
            sent: vec![0; size],
            received: vec![0; size],
            arrived: vec![0; 1 + size.ilog2() as usize],
            barriers: 0,
            mail: VecDeque::new(),
            early: Vec::new(),
            mangler: fault.map(Mangler::new),
            is_sending: false,
            ringer: None,
            others_rest: false,
            patience: Patience::default(),
            place_on_host: 0,
            value_messages: 0,
            value_words: 0,
        }
    }

    /// This rank, from 0.
    pub fn rank(&self) -> usize {
        self.wire.rank
    }

    /// The number of ranks.
    pub fn size(&self) -> usize {
        self.wire.size
    }

    fn send(&mut self, to: usize, kind: u64, body: &[u64]) -> Result<(), Trouble> {
        let first = kind << 56 | u64::from(self.sent[to]);
        self.sent[to] = self.sent[to].wrapping_add(1);
        match &mut self.mangler {
            None => self.wire.send(to, first, body)?,
            Some(mangler) => {
                let whole = [&[first], body].concat();
                let passes = mangler.pass(to, kind == VALUES, &whole);
                passes
                    .iter()
                    .try_for_each(|message| self.wire.send(to, message[0], &message[1..]))?;
            }
        }
        if self.patience.is_crowded
            && let Some(ringer) = &self.ringer
        {
            ringer.ring(to);
        }
        Ok(())
    }

    /// Whether this rank can wake the other.
    pub fn can_ring(&self, rank: usize) -> bool {
        self.ringer
            .as_ref()
            .is_some_and(|bells| bells.reaches(rank))
    }

    /// The bells, if this rank may sleep until its own rings.
    fn bell(&self) -> Option<&Ringer> {
        let Patience {
            is_crowded,
            is_alone,
            sleeps,
            ..
        } = self.patience;
        // Between slices only the first rank says anything.
        let may_sleep = match sleeps {
            true => self.can_ring(0),
            false => is_crowded && is_alone,
        };
        // What MPI has still to send, it sends while this rank looks.
        let may_sleep = may_sleep && !self.is_sending;
        self.ringer.as_ref().filter(|_| may_sleep)
    }

    /// Sends items with values.
    #[inline]
    pub fn send_values(&mut self, to: usize, items: &[u64]) -> Result<(), Trouble> {
        self.value_messages += 1;
        self.value_words += 1 + items.len() as u64;
        self.send(to, VALUES, items)
    }

    /// Sends a command, or what answers it, in as many messages as it takes. The reader has to know its length.
    pub fn send_mail(&mut self, to: usize, words: &[u64]) -> Result<(), Trouble> {
        words
            .chunks(MOST_BODY_WORDS)
            .try_for_each(|chunk| self.send(to, MAIL, chunk))
    }

    /// Sends a command to all other ranks, and wakes those that rest.
    pub fn tell_all(&mut self, words: &[u64]) -> Result<(), Trouble> {
        let (rank, size) = (self.rank(), self.size());
        let others = (0..size).filter(|to| *to != rank);
        others
            .clone()
            .try_for_each(|to| self.send_mail(to, words))?;
        if std::mem::take(&mut self.others_rest)
            && let Some(ringer) = &self.ringer
        {
            others.for_each(|to| ringer.ring(to));
        }
        Ok(())
    }

    /// Tells rank 0 what went wrong.
    pub fn report(&mut self, trouble: &Trouble) -> Result<(), Trouble> {
        let line = trouble.to_json().to_string();
        let mut words = vec![line.len() as u64];
        for bytes in line.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            words.push(u64::from_le_bytes(word));
        }
        words.truncate(MOST_BODY_WORDS);
        self.send(0, ERROR, &words)
    }

    /// Receives one message, if one has arrived. Values go to `sink`. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// If MPI or another rank failed, a message is missing, or `sink` refuses the values.
    #[inline]
    pub fn poll(
        &mut self,
        sink: &mut impl FnMut(usize, &[u64]) -> Result<(), Trouble>,
    ) -> Result<bool, Trouble> {
        let Some((from, len, buffer)) = self.wire.take()? else {
            return Ok(false);
        };
        let Some((first, body)) = buffer[..len].split_first() else {
            return Err(Trouble::backend(format!(
                "rank {from} sent an empty message"
            )));
        };
        self.number(from, *first as u32)?;
        match first >> 56 {
            VALUES => sink(from, body)?,
            BARRIER => {
                let round = self.round_from(from);
                self.arrived[round] += 1;
            }
            MAIL => self.mail.push_back((from, body.to_vec())),
            ERROR => return Err(error_in(body)),
            _ => {}
        }
        self.wire.give_back(buffer)?;
        Ok(true)
    }

    /// Checks the number of a message.
    #[inline]
    fn number(&mut self, from: usize, number: u32) -> Result<(), Trouble> {
        let expected = self.received[from];
        if number != expected {
            let what = match number.wrapping_sub(expected) as i32 {
                1.. => "was lost, or overtaken by a later one",
                _ => "came again",
            };
            let which = if (number.wrapping_sub(expected) as i32) > 0 {
                expected
            } else {
                number
            };
            let rank = self.rank();
            return Err(Trouble::backend(format!(
                "message {which} from rank {from} to rank {rank} {what}"
            )));
        }
        self.received[from] = expected.wrapping_add(1);
        Ok(())
    }

    /// The round in which this rank hears from `from`: the one whose distance is between them. Each rank hears from each
    /// other in one round at most.
    fn round_from(&self, from: usize) -> usize {
        let distance = (self.rank() + self.size() - from) % self.size();
        distance.ilog2() as usize
    }

    /// Waits until all ranks wait: in each round, a rank tells one at twice the distance of the round before. Values that
    /// arrive meanwhile belong to the next run and are kept for [`early`](Self::early).
    ///
    /// # Errors
    ///
    /// If a rank failed.
    pub fn barrier(&mut self) -> Result<(), Trouble> {
        self.barriers += 1;
        let (rank, size) = (self.rank(), self.size());
        let mut early = std::mem::take(&mut self.early);
        let mut distance = 1;
        while distance < size {
            self.send((rank + distance) % size, BARRIER, &[])?;
            let round = distance.ilog2() as usize;
            self.wait(
                |post| post.arrived[round] >= post.barriers,
                &mut |from, items| {
                    early.push((from, items.to_vec()));
                    Ok(())
                },
            )?;
            distance *= 2;
        }
        self.early = early;
        Ok(())
    }

    /// Values that came before their run began.
    pub fn early(&mut self) -> Vec<(usize, Vec<u64>)> {
        std::mem::take(&mut self.early)
    }

    /// Receives until `is_over`.
    pub fn wait(
        &mut self,
        is_over: impl Fn(&Self) -> bool,
        sink: &mut impl FnMut(usize, &[u64]) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let mut waited = Waiting::default();
        while !is_over(self) {
            match self.poll(sink)? {
                true => waited = Waiting::default(),
                false => waited.once_more(self)?,
            }
        }
        Ok(())
    }

    /// Waits until all messages of this rank are on their way.
    pub fn wait_for_sends(
        &mut self,
        sink: &mut impl FnMut(usize, &[u64]) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        while !self.wire.reap()? {
            if !self.poll(sink)? {
                std::thread::yield_now();
            }
        }
        Ok(())
    }

    /// The next mail, from any rank, while no run is in progress. Waits for it with `patience`.
    ///
    /// # Errors
    ///
    /// If a rank failed.
    pub fn next_mail(&mut self, patience: Patience) -> Result<(usize, Vec<u64>), Trouble> {
        let usual = std::mem::replace(&mut self.patience, patience);
        let mut early = std::mem::take(&mut self.early);
        let outcome = self.wait(|post| !post.mail.is_empty(), &mut |from, items| {
            early.push((from, items.to_vec()));
            Ok(())
        });
        self.early = early;
        self.patience = usual;
        outcome?;
        self.mail
            .pop_front()
            .ok_or_else(|| Trouble::backend("mail vanished"))
    }

    /// Mail of `len` words from `from`, in as many messages as it took. Nobody else sends mail meanwhile, or if others do,
    /// theirs is kept.
    pub fn long_mail(&mut self, from: usize, len: usize) -> Result<Vec<u64>, Trouble> {
        let mut words = Vec::with_capacity(len);
        let mut others = VecDeque::new();
        while words.len() < len {
            let (source, part) = self.next_mail(self.patience)?;
            match source == from {
                true => words.extend(part),
                false => others.push_back((source, part)),
            }
        }
        // What others have sent came before what is still in the queue.
        others.append(&mut self.mail);
        self.mail = others;
        Ok(words)
    }

    /// Ends MPI, after an orderly end.
    pub fn finish(self) -> Result<(), Trouble> {
        self.wire.finish()
    }
}

/// The error that another rank has sent.
fn error_in(body: &[u64]) -> Trouble {
    let bytes: Vec<u8> = body[1..]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let len = (body[0] as usize).min(bytes.len());
    Trouble::from_text(&String::from_utf8_lossy(&bytes[..len]))
}
