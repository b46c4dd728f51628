//! What all ranks do together on a command of the first one.
//!
//! | command | words after it | answer of each other rank |
//! |---|---|---|
//! | prepare | the bytes of the case and of the graph file, which follow | one word, when it is ready |
//! | sample | nonce, runs, whether they are chained | values, after the last run or after each chained one |
//! | pause | none | what it has sent since the last pause |
//! | finish | none | none |

use std::time::Instant;

use serde_json::Value as Json;
use taskdyno_core::execute::{Digest, fold};

use crate::case::Case;
use crate::cores::{affinity, seats, sit_down};
use crate::engine::Engine;
use crate::field::Field;
use crate::graph_bytes::{self, HandedOver};
use crate::partition::Cut;
use crate::post::Post;
use crate::share::{Share, orders};
use crate::trouble::Trouble;

const PREPARE: u64 = 1;
const SAMPLE: u64 = 2;
const PAUSE: u64 = 3;
const FINISH: u64 = 4;

/// Runs of one sample.
#[derive(Debug, Clone, Copy)]
pub struct Runs {
    /// The nonce of the first.
    pub nonce: u64,
    /// How many.
    pub count: u64,
    /// Whether each takes its nonce from the one before.
    pub chained: bool,
}

/// What the first rank measured.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// From the barrier before the first run to the one after the last.
    pub wall_ns: u64,
    /// That of the last run.
    pub digest: u64,
    /// The nonce of the run that follows.
    pub next_nonce: u64,
}

/// What the ranks have sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    /// Messages with values.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A prepared case.
pub struct Session {
    engine: Engine,
    /// At the first rank: the tasks of each rank, in the order in which it sends their values.
    orders: Vec<Vec<u32>>,
    /// What the partition costs.
    pub cut: Cut,
}

fn words(bytes: &[u8]) -> Vec<u64> {
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    bytes.chunks(8).map(word).collect()
}

fn bytes(words: &[u64], len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.truncate(len);
    bytes
}

impl Session {
    /// Lets all ranks prepare `case` with the graph in `graph_file`. Only the first rank calls it.
    ///
    /// # Errors
    ///
    /// If a rank cannot.
    pub fn lead(post: &mut Post, case: &Json, graph_file: &[u8]) -> Result<Self, Trouble> {
        // What is wrong with the case is found before the others hear of it.
        Case::new(case, post.size())?;
        let text = case.to_string();
        post.tell_all(&[PREPARE, text.len() as u64, graph_file.len() as u64])?;
        post.tell_all(&words(text.as_bytes()))?;
        post.tell_all(&words(graph_file))?;
        let session = Self::new(post, case, graph_file)?;
        for _ in 1..post.size() {
            post.next_mail(post.patience)?;
        }
        Ok(session)
    }

    fn new(post: &mut Post, case: &Json, graph_file: &[u8]) -> Result<Self, Trouble> {
        let (rank, size) = (post.rank(), post.size());
        let case = Case::new(case, size)?;
        let HandedOver {
            graph,
            output_bytes,
        } = graph_bytes::read(graph_file)?;
        let owners = case.partition.owners(&graph, size);
        let is_first = rank == 0;
        let own = Share::new(&graph, &owners, rank as u32, size);
        let orders = match is_first {
            true => orders(&graph, &owners, size),
            false => Vec::new(),
        };
        let cut = match is_first {
            true => Cut::new(&graph, &owners, size),
            false => Cut::default(),
        };
        post.patience = post.patience.with_threads(case.threads);
        let seats = match case.is_bound {
            true => seats(&affinity(), post.place_on_host, case.threads),
            false => Vec::new(),
        };
        if let Some(&own) = seats.first() {
            sit_down(own)?;
        }
        let field = Field::new(own, case.kernel(&graph)?, output_bytes);
        let engine = Engine::new(
            case.engine,
            field,
            case.threads,
            post.patience.is_crowded,
            size,
            seats.get(1..).unwrap_or_default(),
        )?;
        Ok(Self {
            engine,
            orders,
            cut,
        })
    }

    /// Takes a sample. Only the first rank calls it.
    ///
    /// # Errors
    ///
    /// If a rank or a task failed.
    pub fn sample(&mut self, post: &mut Post, runs: Runs) -> Result<Sample, Trouble> {
        post.tell_all(&[SAMPLE, runs.nonce, runs.count, runs.chained.into()])?;
        self.engine.wake(true);
        self.engine.field().reset_kernel();
        let mut nonce = runs.nonce;
        let mut digest = 0;
        post.barrier()?;
        let begin = Instant::now();
        for _ in 0..runs.count {
            self.engine.run(post, nonce)?;
            if runs.chained {
                digest = self.digest(post)?;
                nonce = fold(nonce, digest);
                post.tell_all(&[nonce])?;
            }
        }
        let wall_ns = begin.elapsed().as_nanos() as u64;
        if !runs.chained {
            digest = self.digest(post)?;
        }
        Ok(Sample {
            wall_ns,
            digest,
            next_nonce: nonce,
        })
    }

    /// Gathers the values of all ranks and folds them, by id.
    fn digest(&mut self, post: &mut Post) -> Result<u64, Trouble> {
        let task_count = self.orders.iter().map(Vec::len).sum();
        let mut values = vec![0; task_count];
        for (rank, order) in self.orders.iter().enumerate() {
            let own = match rank {
                0 => self.values()?,
                other => post.long_mail(other, order.len())?,
            };
            if own.len() != order.len() {
                return Err(Trouble::backend(format!(
                    "rank {rank} sent too many values"
                )));
            }
            for (task, value) in order.iter().zip(own) {
                values[*task as usize] = value;
            }
        }
        let mut digest = Digest::default();
        values.into_iter().for_each(|value| digest.fold(value));
        Ok(digest.finish())
    }

    /// The values of the own tasks.
    fn values(&self) -> Result<Vec<u64>, Trouble> {
        let field = self.engine.field();
        (0..field.share.own_count)
            .map(|place| field.value(place))
            .collect()
    }

    /// Lets all ranks rest, and returns what they have sent since they rested last. Only the first rank calls it.
    pub fn pause(&mut self, post: &mut Post) -> Result<Sent, Trouble> {
        post.tell_all(&[PAUSE])?;
        self.engine.wake(false);
        let mut sent = take_sent(post);
        for _ in 1..post.size() {
            let (_, words) = post.next_mail(post.patience)?;
            sent.messages += words[0];
            sent.bytes += words[1];
        }
        post.others_rest = true;
        Ok(sent)
    }

    /// Does what the first rank demands, on another rank.
    fn follow(&mut self, post: &mut Post, runs: Runs) -> Result<(), Trouble> {
        self.engine.wake(true);
        self.engine.field().reset_kernel();
        let mut nonce = runs.nonce;
        post.barrier()?;
        for _ in 0..runs.count {
            self.engine.run(post, nonce)?;
            if runs.chained {
                post.send_mail(0, &self.values()?)?;
                nonce = post.next_mail(post.patience)?.1[0];
            }
        }
        if !runs.chained {
            post.send_mail(0, &self.values()?)?;
        }
        Ok(())
    }
}

/// The cores that this rank may use.
pub fn core_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn take_sent(post: &mut Post) -> Sent {
    Sent {
        messages: std::mem::take(&mut post.value_messages),
        bytes: 8 * std::mem::take(&mut post.value_words),
    }
}

/// Tells all other ranks to end.
pub fn finish(post: &mut Post) -> Result<(), Trouble> {
    post.tell_all(&[FINISH])
}

/// Obeys the first rank until it says that all is over.
///
/// # Errors
///
/// If this rank cannot go on.
pub fn obey(post: &mut Post) -> Result<(), Trouble> {
    let mut session: Option<Session> = None;
    let mut patience = post.patience.idle();
    loop {
        let (_, command) = post.next_mail(patience)?;
        match (&command[..], &mut session) {
            ([PREPARE, text_len, graph_len], _) => {
                let (text_len, graph_len) = (*text_len as usize, *graph_len as usize);
                let text = post.long_mail(0, text_len.div_ceil(8))?;
                let graph = post.long_mail(0, graph_len.div_ceil(8))?;
                let case = serde_json::from_slice(&bytes(&text, text_len))
                    .map_err(|error| Trouble::backend(error.to_string()))?;
                session = Some(Session::new(post, &case, &bytes(&graph, graph_len))?);
                post.send_mail(0, &[0])?;
                patience = post.patience;
            }
            ([SAMPLE, nonce, count, chained], Some(session)) => {
                let runs = Runs {
                    nonce: *nonce,
                    count: *count,
                    chained: *chained != 0,
                };
                session.follow(post, runs)?;
                patience = post.patience;
            }
            ([PAUSE], Some(session)) => {
                session.engine.wake(false);
                let sent = take_sent(post);
                post.send_mail(0, &[sent.messages, sent.bytes])?;
                patience = post.patience.idle();
            }
            ([FINISH], _) => return Ok(()),
            _ => return Err(Trouble::backend("the first rank sent an unknown command")),
        }
    }
}
