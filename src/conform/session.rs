//! A child with a case: what it has to run, and how it takes slices of samples.

use std::borrow::Cow;
use std::io;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::claims::{ClaimedBackend, VERSION};
use super::exchange::{Exchange, TestedChild};
use super::fault::{ConformError, Setback};
use super::work::{ChosenKernel, NamedGraph};
use crate::execute::expected_digest;
use crate::external::work_kind;
use crate::graph::TaskGraph;
use crate::handover::GraphFile;

/// A slice without a limit on time.
pub(super) const LONG_NS: u64 = 1_000_000_000_000_000_000;

/// How many samples too many a slice may have before it is given up.
const SURPLUS: u64 = 1000;

/// One case for a child.
#[derive(Clone)]
pub(super) struct TestCase<'a> {
    pub(super) backend: &'a ClaimedBackend,
    pub(super) workers: u32,
    pub(super) options: Map<String, Json>,
    pub(super) kernel: &'a ChosenKernel,
    pub(super) graph: &'a NamedGraph,
    pub(super) output_bytes: u32,
}

impl<'a> TestCase<'a> {
    /// A case with the first value of each option, and with about this many workers.
    pub(super) fn new(
        backend: &'a ClaimedBackend,
        workers: u32,
        kernel: &'a ChosenKernel,
        graph: &'a NamedGraph,
    ) -> Self {
        Self {
            backend,
            workers: backend.workers(workers),
            options: backend.choices().remove(0),
            kernel,
            graph,
            output_bytes: 0,
        }
    }

    /// The digest of a run with this nonce.
    pub(super) fn digest(&self, nonce: u64) -> Result<u64, Setback> {
        let graph = self.graph();
        let kernel = self.kernel.build(&graph).map_err(cannot_make)?;
        Ok(expected_digest(&graph, kernel.as_ref(), nonce))
    }

    /// The file with its graph.
    pub(super) fn file(&self) -> Result<GraphFile, Setback> {
        GraphFile::write(&self.graph(), self.output_bytes).map_err(cannot_make)
    }

    /// Its graph, with durations if its kernel needs them.
    fn graph(&self) -> Cow<'a, TaskGraph> {
        let graph = &self.graph.graph;
        match self.kernel.kind.needs_durations() && graph.durations_ns().is_none() {
            true => Cow::Owned(self.graph.clone().timed().graph),
            false => Cow::Borrowed(graph),
        }
    }

    /// The request to prepare it, with its graph in `file`.
    pub(super) fn prepare(&self, file: &GraphFile, nonce: u64) -> Json {
        let mut parameters = json!({
            // Parents name the origin of the graph here. A child takes the graph from the file, and must not look here.
            "pattern": {"kind": "trivial", "width": 1, "steps": 1},
            "kernel": self.kernel.to_json(),
        });
        if self.output_bytes > 0 {
            parameters["output_bytes"] = self.output_bytes.into();
        }
        json!({"prepare": {
            "kind": work_kind(self.kernel.kind),
            "case": {
                "workload": "conform",
                "variant": self.graph.name,
                "backend": self.backend.name,
                "workers": self.workers,
                "options": self.options,
                "parameters": parameters,
            },
            "graph": {
                "path": file.path(),
                "crc32": format!("{:08x}", file.crc32()),
                "task_count": file.task_count(),
                "edge_count": file.edge_count(),
            },
            "nonce": word(nonce),
            "warmup_ns": 0,
            "warmup_run_count": 1,
            "min_sample_ns": 0,
        }})
    }

    /// Starts a child and lets it prepare the case.
    pub(super) fn start<'s>(
        &self,
        subject: &'s TestedChild<'s>,
        nonce: u64,
    ) -> Result<PreparedChild<'s>, Setback> {
        let file = self.file()?;
        let mut exchange = greeted(subject, self.workers)?;
        exchange.send(&self.prepare(&file, nonce));
        PreparedChild::prepared(exchange, file)
    }
}

/// Starts a child for this number of workers and receives its greeting, whatever it contains.
pub(super) fn greeted<'s>(
    subject: &'s TestedChild<'s>,
    workers: u32,
) -> Result<Exchange<'s>, Setback> {
    let mut exchange = Exchange::start(subject, workers)?;
    exchange.send(&hello());
    exchange.expect("greeting")?;
    Ok(exchange)
}

/// The first request.
pub(super) fn hello() -> Json {
    json!({"hello": {"versions": [1, VERSION]}})
}

/// The request for exactly `sample_count` samples.
pub(super) fn exactly(nonce: u64, sample_count: u64) -> Json {
    json!({"slice": {
        "nonce": word(nonce),
        "min_time_ns": 0,
        "max_time_ns": LONG_NS,
        "min_sample_count": sample_count,
        "max_sample_count": sample_count,
    }})
}

/// The request for exactly `sample_count` samples of `run_count` runs each.
pub(super) fn of_runs(nonce: u64, sample_count: u64, run_count: u64, is_chained: bool) -> Json {
    let mut request = exactly(nonce, sample_count);
    request["slice"]["run_count"] = run_count.into();
    if is_chained {
        request["slice"]["chained"] = true.into();
    }
    request
}

/// A word of 64 bits in requests.
pub(super) fn word(word: u64) -> String {
    format!("{word:016x}")
}

/// A child that has prepared its case.
pub(super) struct PreparedChild<'s> {
    pub(super) exchange: Exchange<'s>,
    /// The runs per sample that the child chose.
    pub(super) run_count: u64,
    _file: GraphFile,
}

/// The fields of a sample that are checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct SentSample {
    pub(super) wall_ns: u64,
    pub(super) run_count: u64,
    pub(super) digest: String,
}

/// The replies to a request for a slice.
pub(super) struct SentSlice {
    /// At least one.
    pub(super) samples: Vec<SentSample>,
    /// The time from the request to the last reply.
    pub(super) elapsed: Duration,
    /// What `slice_done` contains.
    done: Json,
}

impl SentSlice {
    /// The latencies, whatever they are; `None` if there are none.
    pub(super) fn latencies(&self) -> Option<&Json> {
        self.done.get("latencies")
    }

    /// The wall time of all samples.
    pub(super) fn wall_ns(&self) -> u64 {
        let times = self.samples.iter().map(|sample| sample.wall_ns);
        times.fold(0, u64::saturating_add)
    }
}

impl<'s> PreparedChild<'s> {
    /// Receives the reply to a request to prepare.
    pub(super) fn prepared(mut exchange: Exchange<'s>, file: GraphFile) -> Result<Self, Setback> {
        let prepared = exchange.expect("prepared")?;
        let start_ns = prepared.get("start_ns").and_then(Json::as_u64);
        let run_count = prepared.get("run_count").and_then(Json::as_u64);
        match (start_ns, run_count) {
            (Some(_), Some(run_count)) if run_count > 0 => Ok(Self {
                exchange,
                run_count,
                _file: file,
            }),
            _ => Err(exchange.fault(
                "`prepared` has no `start_ns` (a whole number) or no `run_count` (a whole number from 1)",
                "FORMAT.md lists the fields of `prepared`",
            )),
        }
    }

    /// Requests a slice, and receives it.
    pub(super) fn slice(&mut self, request: &Json) -> Result<SentSlice, Setback> {
        let most = request["slice"]["max_sample_count"].as_u64().unwrap_or(1);
        let start = Instant::now();
        self.exchange.send(request);
        let mut samples: Vec<SentSample> = Vec::new();
        loop {
            let reply = self.exchange.reply("sample")?;
            if let Some(sample) = reply.get("sample") {
                samples.push(self.sample(sample)?);
            } else if let Some(done) = reply.get("slice_done").filter(|_| !samples.is_empty()) {
                return Ok(SentSlice {
                    samples,
                    elapsed: start.elapsed(),
                    done: done.clone(),
                });
            } else {
                return Err(self.exchange.fault(
                    "it replied to `slice` with something else than at least one `sample` and then `slice_done`",
                    "FORMAT.md lists the order of requests and replies",
                ));
            }
            // A check compares the numbers. This only ends a slice that does not end.
            if samples.len() as u64 > most.saturating_add(SURPLUS) {
                return Err(self.exchange.fault(
                    format!(
                        "it sent {} samples, and `max_sample_count` is {most}",
                        samples.len()
                    ),
                    "end a slice as soon as `max_sample_count` samples were taken",
                ));
            }
        }
    }

    fn sample(&mut self, sample: &Json) -> Result<SentSample, Setback> {
        let read = serde_json::from_value(sample.clone()).map_err(|error| error.to_string());
        let checked = read.and_then(|sample: SentSample| match () {
            () if sample.wall_ns == 0 => Err("`wall_ns` is 0".to_owned()),
            () if sample.run_count == 0 => Err("`run_count` is 0".to_owned()),
            () if !is_word(&sample.digest) => {
                Err("`digest` is not a string of 16 lower-case hexadecimal digits".to_owned())
            }
            () => Ok(sample),
        });
        checked.map_err(|mistake| {
            let found = format!("a sample is wrong: {mistake}");
            self.exchange
                .fault(found, "FORMAT.md lists the fields of a sample")
        })
    }

    /// Fails with this advice unless `sample` has the digest `expected`.
    pub(super) fn compare(
        &mut self,
        sample: &SentSample,
        expected: u64,
        help: &str,
    ) -> Result<(), Setback> {
        let expected = word(expected);
        match sample.digest == expected {
            true => Ok(()),
            false => Err(self.exchange.fault(
                format!(
                    "a sample has the digest {} instead of {expected}",
                    sample.digest
                ),
                help,
            )),
        }
    }

    /// Lets the child end.
    pub(super) fn close(self) -> Result<(), Setback> {
        self.exchange.close()
    }
}

fn is_word(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 16 && text.bytes().all(is_digit)
}

pub(super) fn cannot_make(error: io::Error) -> Setback {
    Setback::Stopped(ConformError::Make(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_sixteen_lower_case_digits() {
        assert!(is_word(&word(0)) && is_word(&word(u64::MAX)));
        for text in [
            "",
            "0",
            "000000000000000A",
            "0x00000000000000",
            "00000000000000000",
        ] {
            assert!(!is_word(text), "{text}");
        }
    }
}
