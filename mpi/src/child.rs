//! The first rank: speaks the child protocol.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Stdin, Write};
use std::time::Instant;

use serde_json::{Map, Value as Json, json};

use crate::case::{BACKEND, BIND, KERNELS, bind_name};
use crate::engine::EngineKind;
use crate::partition::Partition;
use crate::place::Places;
use crate::post::Post;
use crate::session::{Runs, Session};
use crate::trouble::Trouble;

/// The most bytes of a request.
const MOST_BYTES: u64 = 1 << 20;

/// The longest time in a request, in nanoseconds.
const LONGEST: u64 = 1_000_000_000_000_000_000;

/// The least time of a sample: 100 times as long as reading the clock.
const LEAST_NS: u64 = 10_000;

/// The first rank's side of the exchange.
pub struct Child<'a> {
    post: &'a mut Post,
    places: &'a Places,
    replies: File,
    /// Whether the greeting claims only as many workers as there are ranks.
    is_fixed: bool,
    session: Option<Session>,
    usual_count: u64,
}

/// A number in a request.
fn number(fields: &Json, name: &str, most: u64) -> Result<Option<u64>, Trouble> {
    match &fields[name] {
        Json::Null => Ok(None),
        value => match value.as_u64().filter(|number| *number <= most) {
            Some(number) => Ok(Some(number)),
            None => Err(Trouble::protocol(format!(
                "`{name}` is {value}, and must be a whole number up to {most}"
            ))),
        },
    }
}

/// A number in a request that must be there.
fn demanded(fields: &Json, name: &str) -> Result<u64, Trouble> {
    number(fields, name, u64::MAX)?.ok_or_else(|| Trouble::protocol(format!("`{name}` is missing")))
}

/// A word of 16 hexadecimal digits.
fn nonce(fields: &Json) -> Result<u64, Trouble> {
    let text = fields["nonce"].as_str().filter(|text| text.len() == 16);
    text.and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or_else(|| Trouble::protocol("`nonce` must be a string of 16 hexadecimal digits"))
}

/// The bytes of the graph file of `prepare`.
fn graph_file(graph: &Json) -> Result<Vec<u8>, Trouble> {
    let Some(path) = graph["path"].as_str() else {
        return Err(Trouble::protocol("`prepare` has no graph file"));
    };
    let bytes = std::fs::read(path)
        .map_err(|error| Trouble::set_up(format!("cannot read the graph file {path}: {error}")))?;
    let found = format!("{:08x}", crc32fast::hash(&bytes));
    match graph["crc32"] == found {
        true => Ok(bytes),
        false => Err(Trouble::set_up(format!(
            "the CRC-32 of the graph file is {found}, and must be {}",
            graph["crc32"]
        ))),
    }
}

impl<'a> Child<'a> {
    /// Speaks through `replies`.
    pub fn new(post: &'a mut Post, places: &'a Places, replies: File, is_fixed: bool) -> Self {
        Self {
            post,
            places,
            replies,
            is_fixed,
            session: None,
            usual_count: 1,
        }
    }

    /// Answers requests until `finish` or the end of the input.
    ///
    /// # Errors
    ///
    /// What the last line has to say.
    pub fn serve(&mut self, input: Stdin) -> Result<(), Trouble> {
        let mut input = BufReader::new(input);
        loop {
            let mut line = String::new();
            let len = input
                .by_ref()
                .take(MOST_BYTES)
                .read_line(&mut line)
                .map_err(|error| Trouble::protocol(format!("cannot read a request: {error}")))?;
            if len == 0 {
                return Ok(());
            }
            let request: Map<String, Json> = serde_json::from_str(&line)
                .map_err(|error| Trouble::protocol(format!("a request is no object: {error}")))?;
            let Some((name, fields)) = request.iter().next() else {
                return Err(Trouble::protocol("a request is empty"));
            };
            match name.as_str() {
                "hello" => self.greet(fields)?,
                "prepare" => self.prepare(fields)?,
                "slice" => self.slice(fields)?,
                "finish" => return self.reply(&[json!({"finished": {}})]),
                other => {
                    return Err(Trouble::protocol(format!("there is no request {other:?}")));
                }
            }
        }
    }

    /// Writes lines.
    pub fn reply(&mut self, lines: &[Json]) -> Result<(), Trouble> {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let written = self.replies.write_all(text.as_bytes());
        written.map_err(|error| Trouble::protocol(format!("cannot reply: {error}")))
    }

    fn greet(&mut self, fields: &Json) -> Result<(), Trouble> {
        let versions = fields["versions"].as_array();
        if !versions.is_some_and(|versions| versions.contains(&2.into())) {
            return Err(Trouble::protocol("this child speaks version 2 only"));
        }
        let kernels: Vec<&str> = KERNELS.iter().map(|kernel| kernel.name()).collect();
        let mut backend = json!({
            "name": BACKEND,
            "family": "processes",
            "why": "ranks of MPI that send each value once to each rank that needs it",
            "options": [
                {"name": "engine", "values": EngineKind::ALL.map(EngineKind::name)},
                {"name": "partition", "values": Partition::ALL.map(Partition::name)},
                {"name": "bind", "values": BIND.map(bind_name)},
            ],
        });
        if self.is_fixed {
            backend["fixed_worker_count"] = self.post.size().into();
        }
        let greeting = json!({
            "version": 2,
            "language": "rust",
            "runtime": self.places.mpi,
            "runtime_version": self.places.mpi_version,
            "details": self.places.details(),
            "backends": [backend],
            "kernels": kernels,
            "kinds": ["graph"],
            "has_payload": true,
        });
        self.reply(&[json!({"greeting": greeting})])
    }

    fn prepare(&mut self, fields: &Json) -> Result<(), Trouble> {
        if self.session.is_some() {
            return Err(Trouble::protocol("`prepare` was repeated"));
        }
        if fields["kind"] != "graph" {
            return Err(Trouble::set_up(format!(
                "ranks have only work of the kind `graph`, and not {}",
                fields["kind"]
            )));
        }
        let time = |name| number(fields, name, LONGEST).map(Option::unwrap_or_default);
        let (warmup_ns, min_sample_ns) = (time("warmup_ns")?, time("min_sample_ns")?);
        let warmup_count = number(fields, "warmup_run_count", u32::MAX.into())?.unwrap_or(0);
        let runs = Runs {
            nonce: nonce(fields)?,
            count: 1,
            chained: false,
        };
        let file = graph_file(&fields["graph"])?;
        let mut session = Session::lead(self.post, &fields["case"], &file)?;
        let begin = Instant::now();
        let (mut fastest_ns, mut count, mut digest) = (u64::MAX, 0, 0);
        while count < warmup_count.max(1) || (begin.elapsed().as_nanos() as u64) < warmup_ns {
            let sample = session.sample(self.post, runs)?;
            fastest_ns = fastest_ns.min(sample.wall_ns.max(1));
            digest = sample.digest;
            count += 1;
        }
        session.pause(self.post)?;
        self.usual_count = min_sample_ns
            .max(LEAST_NS)
            .div_ceil(fastest_ns)
            .clamp(1, u32::MAX.into());
        self.session = Some(session);
        self.reply(&[json!({"prepared": {
            "start_ns": self.places.start_ns,
            "run_count": self.usual_count,
            "digest": format!("{digest:016x}"),
        }})])
    }

    fn slice(&mut self, fields: &Json) -> Result<(), Trouble> {
        let Some(session) = &mut self.session else {
            return Err(Trouble::protocol("a slice came before `prepare`"));
        };
        let run_count = number(fields, "run_count", u32::MAX.into())?;
        if run_count == Some(0) {
            return Err(Trouble::protocol("`run_count` must not be 0"));
        }
        let mut runs = Runs {
            nonce: nonce(fields)?,
            count: run_count.unwrap_or(self.usual_count),
            chained: fields["chained"] == true,
        };
        let (min_ns, max_ns) = (
            demanded(fields, "min_time_ns")?,
            demanded(fields, "max_time_ns")?,
        );
        let (min_count, max_count) = (
            demanded(fields, "min_sample_count")?,
            demanded(fields, "max_sample_count")?,
        );
        let begin = Instant::now();
        let mut lines = Vec::new();
        loop {
            let sample = session.sample(self.post, runs)?;
            if runs.chained {
                runs.nonce = sample.next_nonce;
            }
            lines.push(json!({"sample": {
                "wall_ns": sample.wall_ns,
                "run_count": runs.count,
                "digest": format!("{:016x}", sample.digest),
            }}));
            let ns = begin.elapsed().as_nanos() as u64;
            let count = lines.len() as u64;
            if ns >= min_ns && count >= min_count || ns >= max_ns || count >= max_count {
                break;
            }
        }
        let sent = session.pause(self.post)?;
        let run_count = runs.count * lines.len() as u64;
        lines.push(json!({"slice_done": {"findings": {
            "cut_edges_count": session.cut.edges * run_count,
            "sent_values_count": session.cut.values * run_count,
            "sent_messages_count": sent.messages,
            "sent_bytes": sent.bytes,
        }}}));
        self.reply(&lines)
    }
}
