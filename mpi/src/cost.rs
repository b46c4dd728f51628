//! What messages cost: the parameters of LogGP, measured by the first two ranks when they start, on the way that the values
//! of tasks take.
//!
//! After Culler, Liu, Martin and Yoshikawa, "Assessing Fast Network Interfaces" (IEEE Micro 1996): what a sender spends is
//! the time of a few sends, what a receiver spends is the time of taking messages that have arrived, the gap is the time per
//! message of a long burst, and the latency is the rest of half a round trip.

use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json, json};

use crate::cores::{Cores, affinity, bind, first_of, last_of, only};
use crate::post::{Post, Waiting};
use crate::trouble::Trouble;

/// Each figure is the median of so many rounds.
const ROUNDS: usize = 9;

/// About so long takes a round.
const ROUND_NS: u64 = 400_000;

/// The messages of a short burst. So many fit where MPI looks for them.
const SHORT: usize = 8;

/// The messages of a long burst.
const LONG: usize = 136;

/// The words of a long message.
const LONG_WORDS: usize = 4097;

/// What a message from one rank to another costs, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Half a round trip of the shortest message: `o + L + o` of LogGP.
    pub one_way_ns: f64,
    /// The step of two ranks that work, send each other a message, and wait for it, without the work: `o + L + o` if there is
    /// something between messages, as there is between those of tasks.
    pub exchange_ns: f64,
    /// The same if ranks wait as they do when there are more of them than cores.
    pub wake_ns: f64,
    /// How long a sender is busy: `o`.
    pub send_ns: f64,
    /// How long a receiver is busy with a message that has arrived: `o`.
    pub receive_ns: f64,
    /// The time between two messages of a long burst: `g`.
    pub gap_ns: f64,
    /// The time of each further byte: `G`.
    pub byte_ns: f64,
    /// Half a round trip of two ranks on one core, which take turns. `None` if they are on two hosts.
    pub turn_ns: Option<f64>,
    /// How long all of this took.
    pub measuring_ns: f64,
}

impl Cost {
    /// Measures, where rank 0 and rank 1 have a core each. All ranks call it, and only the first gets the figures.
    ///
    /// # Errors
    ///
    /// If a rank failed.
    pub fn measure(post: &mut Post) -> Result<Option<Self>, Trouble> {
        if post.size() < 2 || post.rank() > 1 {
            return Ok(None);
        }
        // They may be on two hosts, only one of which has more ranks than cores.
        let (other, is_crowded) = (1 - post.rank(), post.patience.is_crowded);
        post.send_mail(other, &[is_crowded.into()])?;
        if post.long_mail(other, 1)?[0] != 0 || is_crowded {
            return Ok(None);
        }
        let own = affinity();
        let is_first = post.rank() == 0;
        // When they start, both may be on one core, and the system takes a while to move one.
        bind(&only(match is_first {
            true => first_of(&own),
            false => last_of(&own),
        }));
        let cost = Pair { post }.measure(&own);
        bind(&own);
        // Nobody but an engine counts messages.
        (post.value_messages, post.value_words) = (0, 0);
        Ok(cost?.filter(|_| is_first))
    }

    /// What a greeting says of it.
    pub fn details(&self) -> Map<String, Json> {
        let mut figures = vec![
            ("message_one_way_ns", self.one_way_ns),
            ("message_exchange_ns", self.exchange_ns),
            ("message_wake_ns", self.wake_ns),
            ("message_send_ns", self.send_ns),
            ("message_receive_ns", self.receive_ns),
            ("message_gap_ns", self.gap_ns),
            ("message_byte_ns", self.byte_ns),
            ("message_measuring_ns", self.measuring_ns),
        ];
        figures.extend(self.turn_ns.map(|ns| ("message_turn_ns", ns)));
        let texts = figures.into_iter();
        texts
            .map(|(name, ns)| (name.into(), json!(format!("{ns:.4}"))))
            .collect()
    }
}

/// One of the first two ranks.
struct Pair<'a> {
    post: &'a mut Post,
}

impl Pair<'_> {
    fn measure(&mut self, own: &Cores) -> Result<Option<Cost>, Trouble> {
        let begin = Instant::now();
        let count = self.agree_on_count()?;
        let one_way_ns = self.round_trip(1, count)? / 2.0;
        let long_ns = self.round_trip(LONG_WORDS, count.div_ceil(16))? / 2.0;
        let work_ns = self.agree_on_work(one_way_ns)?;
        let exchange_ns = self.exchange(work_ns, count.div_ceil(2))?;
        let wake_ns = self.crowded(|pair| pair.exchange(work_ns, count.div_ceil(8)))?;
        let (send_ns, short_ns) = self.burst(SHORT, count.div_ceil(16))?;
        let (_, all_ns) = self.burst(LONG, count.div_ceil(64))?;
        let receive_ns = self.drain(count.div_ceil(16))?;
        Ok(Some(Cost {
            one_way_ns,
            exchange_ns,
            wake_ns,
            send_ns,
            receive_ns,
            gap_ns: ((all_ns - short_ns) / (LONG - SHORT) as f64).max(0.0),
            byte_ns: ((long_ns - one_way_ns) / (8 * (LONG_WORDS - 1)) as f64).max(0.0),
            turn_ns: self.turn(own, count.div_ceil(8))?,
            measuring_ns: begin.elapsed().as_nanos() as f64,
        }))
    }

    fn is_first(&self) -> bool {
        self.post.rank() == 0
    }

    fn send(&mut self, words: &[u64]) -> Result<(), Trouble> {
        let other = 1 - self.post.rank();
        self.post.send_values(other, words)
    }

    /// Waits for so many messages. Returns the first word of the last.
    fn receive(&mut self, count: usize) -> Result<u64, Trouble> {
        let (mut found, mut word, mut waited) = (0, 0, Waiting::default());
        while found < count {
            let mut sink = |_, items: &[u64]| {
                (found, word) = (found + 1, items[0]);
                Ok(())
            };
            match self.post.poll(&mut sink)? {
                true => waited = Waiting::default(),
                false => waited.once_more(self.post)?,
            }
        }
        Ok(word)
    }

    /// The median over all rounds of what `round` returns.
    fn median(
        &mut self,
        mut round: impl FnMut(&mut Self) -> Result<Duration, Trouble>,
    ) -> Result<f64, Trouble> {
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            times.push(round(self)?);
        }
        times.sort_unstable();
        Ok(times[ROUNDS / 2].as_nanos() as f64)
    }

    /// How many round trips a round has, so that a slow network does not take longer than a fast one.
    fn agree_on_count(&mut self) -> Result<usize, Trouble> {
        // The first messages make connections.
        let ns = self.round_trip(1, 4)? as u64;
        if !self.is_first() {
            return Ok(self.receive(1)? as usize);
        }
        let count = (ROUND_NS / ns.max(1)).clamp(4, 1000);
        self.send(&[count])?;
        Ok(count as usize)
    }

    fn round_trip(&mut self, words: usize, count: usize) -> Result<f64, Trouble> {
        let words = vec![0; words];
        let ns = self.median(|pair| {
            let begin = Instant::now();
            for _ in 0..count {
                match pair.is_first() {
                    true => pair.send(&words).and_then(|()| pair.receive(1))?,
                    false => pair
                        .receive(1)
                        .and_then(|_| pair.send(&words))
                        .map(|()| 0)?,
                };
            }
            Ok(begin.elapsed())
        })?;
        Ok(ns / count as f64)
    }

    /// How long both work between two messages: as long as a round trip, so that half of a step is work.
    fn agree_on_work(&mut self, one_way_ns: f64) -> Result<u64, Trouble> {
        if !self.is_first() {
            return self.receive(1);
        }
        let ns = 2 * one_way_ns as u64;
        self.send(&[ns])?;
        Ok(ns)
    }

    /// The time of a step beyond its work.
    fn exchange(&mut self, work_ns: u64, count: usize) -> Result<f64, Trouble> {
        let ns = self.median(|pair| {
            let (begin, mut working) = (Instant::now(), Duration::ZERO);
            for _ in 0..count {
                working += work(Duration::from_nanos(work_ns));
                pair.send(&[0])?;
                pair.receive(1)?;
            }
            Ok(begin.elapsed().saturating_sub(working))
        })?;
        Ok(ns / count as f64)
    }

    /// What `measure` measures if ranks wait as they do when there are more of them than cores.
    fn crowded(
        &mut self,
        measure: impl FnOnce(&mut Self) -> Result<f64, Trouble>,
    ) -> Result<f64, Trouble> {
        let patience = self.post.patience;
        self.post.patience.is_crowded = true;
        let ns = measure(self);
        self.post.patience = patience;
        ns
    }

    /// The time per send of a burst, and that until the answer to all of it.
    fn burst(&mut self, len: usize, count: usize) -> Result<(f64, f64), Trouble> {
        let mut all = Vec::with_capacity(ROUNDS);
        let send_ns = self.median(|pair| {
            let (begin, mut sending) = (Instant::now(), Duration::ZERO);
            for _ in 0..count {
                if pair.is_first() {
                    let begin = Instant::now();
                    (0..len).try_for_each(|_| pair.send(&[0]))?;
                    sending += begin.elapsed();
                    pair.receive(1)?;
                } else {
                    pair.receive(len)?;
                    pair.send(&[0])?;
                }
            }
            all.push(begin.elapsed());
            Ok(sending)
        })?;
        all.sort_unstable();
        let all_ns = all[ROUNDS / 2].as_nanos() as f64 / count as f64;
        Ok((send_ns / (len * count) as f64, all_ns))
    }

    /// The time per message of taking a short burst that has arrived.
    fn drain(&mut self, count: usize) -> Result<f64, Trouble> {
        let ns = self.median(|pair| {
            let mut taking = Duration::ZERO;
            for _ in 0..count {
                if !pair.is_first() {
                    pair.receive(1)?;
                    (0..SHORT).try_for_each(|_| pair.send(&[0]))?;
                    continue;
                }
                let begin = Instant::now();
                pair.send(&[0])?;
                // The first one shows how long a message travels. The others arrive while this rank does not look.
                pair.receive(1)?;
                work(2 * begin.elapsed());
                let begin = Instant::now();
                pair.receive(SHORT - 1)?;
                taking += begin.elapsed();
            }
            Ok(taking)
        })?;
        Ok(ns / ((SHORT - 1) * count) as f64)
    }

    /// Half a round trip on the core of the first rank, if the other can go there. The launcher may have given each a core of
    /// its own; then it leaves that for a moment.
    fn turn(&mut self, own: &Cores, count: usize) -> Result<Option<f64>, Trouble> {
        let shares = if self.is_first() {
            self.send(&[first_of(own)])?;
            self.receive(1)? != 0
        } else {
            let core = self.receive(1)?;
            let there = only(core);
            let before = affinity();
            if self.post.can_ring(0) {
                bind(&there);
            }
            let shares = self.post.can_ring(0) && affinity() == there;
            if !shares {
                bind(&before);
            }
            self.send(&[shares.into()])?;
            shares
        };
        if !shares {
            return Ok(None);
        }
        let ns = self.crowded(|pair| pair.round_trip(1, count))?;
        Ok(Some(ns / 2.0))
    }
}

/// Works for at least so long, and returns how long it was.
fn work(least: Duration) -> Duration {
    let begin = Instant::now();
    loop {
        let worked = begin.elapsed();
        if worked >= least {
            return worked;
        }
        std::hint::spin_loop();
    }
}
