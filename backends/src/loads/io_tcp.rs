use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::support::{AwaitedOn, DueTimes, EchoMessage, Helper, Slot, answer, message};
use crate::graph::TaskId;
use crate::kernel::{Awaited, Findings, Kernel, KernelKind, Pace, Setting, Venue};
use crate::latency::{Histogram, Recorder};
use crate::memory::{Padded, SharedSlice};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::random::mix;

/// A task that sends a request to another process and waits for the answer. Requests are due at a fixed rate.
pub const IO_TCP: IoTcpKind = IoTcpKind;

/// See [`IO_TCP`].
#[derive(Debug)]
pub struct IoTcpKind;

/// The most tasks: each has a connection, with a descriptor or two, and a process can usually have 1024.
const MOST_TASKS: u64 = 400;

/// The latency from when a request is due until its answer is there.
const REQUEST: &str = "request";

impl KernelKind for IoTcpKind {
    fn name(&self) -> &'static str {
        "io-tcp"
    }

    fn why(&self) -> &'static str {
        "does IO: requests at a fixed rate to another process, which answers each after a fixed time"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "delay_ms",
                why: "how long after a request the other process answers",
                kind: ParameterKind::Milliseconds,
                default: None,
            },
            Parameter {
                name: "interval_us",
                why: "how long after a request the next one is due, in microseconds",
                kind: ParameterKind::Count {
                    min: 0,
                    max: 10_000_000,
                },
                default: Some(DefaultValue::Count(1000)),
            },
        ]
    }

    fn fits(&self, _: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        AwaitedOn::check(venue)?;
        match venue.task_count <= MOST_TASKS {
            true => Ok(()),
            false => Err(format!(
                "each task has a connection, and {} are too many: use at most {MOST_TASKS} tasks",
                venue.task_count
            )),
        }
    }

    fn is_idempotent(&self) -> bool {
        // The answer to an interrupted task stays in the connection.
        false
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Clock
    }

    fn latencies(&self) -> &'static [&'static str] {
        &[REQUEST]
    }

    fn is_timing_the_work(&self) -> bool {
        true
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let runtime = AwaitedOn::of(setting);
        let helper = Helper::start(setting.helper, parameters.milliseconds("delay_ms"))?;
        let task_count = setting.graph.task_count();
        let connections = (0..task_count).map(|_| Connection::new(helper.connect()?, runtime));
        let interval = Duration::from_micros(parameters.count("interval_us"));
        Ok(Box::new(Requests {
            connections: connections.collect::<io::Result<_>>()?,
            helper,
            runtime,
            schedule: DueTimes::new(task_count, interval)?,
            answered_count: SharedSlice::new(1)?,
            answered_before: AtomicU64::new(0),
            latencies: Recorder::new()?,
        }))
    }
}

/// A connection to the helper. One task at a time uses it.
struct Connection {
    stream: TcpStream,
    watched: OnceLock<Watched>,
}

/// The same connection, watched by a runtime.
enum Watched {
    /// By none: whoever uses it blocks.
    Thread(TcpStream),
    #[cfg(feature = "tokio")]
    Tokio(tokio::net::TcpStream),
    #[cfg(feature = "smol")]
    Smol(smol::Async<TcpStream>),
}

impl Connection {
    fn new(stream: TcpStream, runtime: AwaitedOn) -> io::Result<Self> {
        stream.set_nonblocking(runtime.is_async())?;
        Ok(Self {
            stream,
            watched: OnceLock::new(),
        })
    }

    /// Sends a request and waits for the answer. Blocks.
    fn ask(&self, request: &EchoMessage) -> io::Result<EchoMessage> {
        ask_and_block(&self.stream, request)
    }

    /// [`ask`](Self::ask), awaited.
    async fn ask_and_await(
        &self,
        runtime: AwaitedOn,
        request: &EchoMessage,
    ) -> io::Result<EchoMessage> {
        let watched = match self.watched.get() {
            Some(watched) => watched,
            None => {
                // The runtime watches the connection from now on.
                let watched = Watched::new(runtime, self.stream.try_clone()?)?;
                self.watched.get_or_init(|| watched)
            }
        };
        watched.ask(request).await
    }
}

impl Watched {
    fn new(runtime: AwaitedOn, stream: TcpStream) -> io::Result<Self> {
        match runtime {
            AwaitedOn::Thread => Ok(Self::Thread(stream)),
            #[cfg(feature = "tokio")]
            AwaitedOn::Tokio => tokio::net::TcpStream::from_std(stream).map(Self::Tokio),
            #[cfg(feature = "smol")]
            AwaitedOn::Smol => smol::Async::new_nonblocking(stream).map(Self::Smol),
        }
    }

    /// Sends a request and awaits the answer.
    async fn ask(&self, request: &EchoMessage) -> io::Result<EchoMessage> {
        match self {
            Self::Thread(stream) => ask_and_block(stream, request),
            #[cfg(feature = "tokio")]
            Self::Tokio(stream) => ask_with_tokio(stream, request).await,
            #[cfg(feature = "smol")]
            Self::Smol(stream) => ask_with_smol(stream, request).await,
        }
    }
}

fn ask_and_block(mut stream: &TcpStream, request: &EchoMessage) -> io::Result<EchoMessage> {
    stream.write_all(request)?;
    let mut answer = EchoMessage::default();
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

#[cfg(feature = "tokio")]
async fn ask_with_tokio(
    stream: &tokio::net::TcpStream,
    request: &EchoMessage,
) -> io::Result<EchoMessage> {
    let mut sent = 0;
    while sent < request.len() {
        stream.writable().await?;
        sent += or_not_ready(stream.try_write(&request[sent..]))?;
    }
    let mut answer = EchoMessage::default();
    let mut received = 0;
    while received < answer.len() {
        stream.readable().await?;
        received += match stream.try_read(&mut answer[received..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            result => or_not_ready(result)?,
        };
    }
    Ok(answer)
}

/// How many bytes were moved: 0 if the connection was not ready.
#[cfg(feature = "tokio")]
fn or_not_ready(moved: io::Result<usize>) -> io::Result<usize> {
    match moved {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        moved => moved,
    }
}

#[cfg(feature = "smol")]
async fn ask_with_smol(
    mut stream: &smol::Async<TcpStream>,
    request: &EchoMessage,
) -> io::Result<EchoMessage> {
    use smol::io::{AsyncReadExt, AsyncWriteExt};

    stream.write_all(request).await?;
    let mut answer = EchoMessage::default();
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

struct Requests {
    /// Closed before the helper ends.
    connections: Vec<Connection>,
    helper: Helper,
    runtime: AwaitedOn,
    schedule: DueTimes,
    /// How many answers have come since the last reset.
    answered_count: SharedSlice<Padded<AtomicU64>>,
    /// How many answers the helper had given at the last reset.
    answered_before: AtomicU64,
    latencies: Recorder,
}

impl Requests {
    /// Checks the answer to the request of `slot`, and returns the output of the task.
    fn finish(&self, slot: Slot, seed: u64, answered: io::Result<EchoMessage>) -> u64 {
        if self.latencies.is_on() {
            // From when it was due, even if no worker was free then.
            let latency = Instant::now().saturating_duration_since(slot.due);
            self.latencies.record(latency.as_nanos() as u64);
        }
        check(slot.unique, seed, answered).unwrap_or_else(|wrong| panic!("{wrong}"));
        // Relaxed: a sum, which is read when nothing runs.
        self.answered_count[0].fetch_add(1, Ordering::Relaxed);
        self.schedule.end();
        output(seed)
    }
}

/// Checks the answer to request `number`, in which the task sent its seed.
fn check(number: u64, seed: u64, answered: io::Result<EchoMessage>) -> Result<(), String> {
    let expected = answer(number, seed);
    match answered {
        Ok(found) if found == expected => Ok(()),
        Ok(found) => Err(format!(
            "the answer to request {number} is {found:x?} instead of {expected:x?}"
        )),
        Err(error) => Err(format!("no answer to request {number}: {error}")),
    }
}

/// Checks how many requests were answered: as many as there were tasks, and as many here as there.
fn check_counts(task_run_count: u64, here: u64, there: u64) -> Result<(), String> {
    match here == task_run_count && there == task_run_count {
        true => Ok(()),
        false => Err(format!(
            "{task_run_count} requests were to be made, the helper answered {there}, and {here} answers came"
        )),
    }
}

/// The output of a task.
fn output(seed: u64) -> u64 {
    mix(seed)
}

impl Kernel for Requests {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        let slot = self.schedule.begin();
        thread::sleep(slot.due.saturating_duration_since(Instant::now()));
        let answered = self.connections[slot.number].ask(&message(slot.unique, seed));
        self.finish(slot, seed, answered)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        output(seed)
    }

    fn is_awaited(&self) -> bool {
        self.runtime.is_async()
    }

    fn awaited(&self, _: TaskId, seed: u64) -> Awaited<'_> {
        let runtime = self.runtime;
        Box::pin(async move {
            let slot = self.schedule.begin();
            runtime.until(slot.due).await;
            let request = message(slot.unique, seed);
            let answered = self.connections[slot.number].ask_and_await(runtime, &request);
            self.finish(slot, seed, answered.await)
        })
    }

    fn awaits_descriptors(&self) -> bool {
        true
    }

    fn reset(&self) {
        self.schedule.reset();
        // Relaxed, here and below: nothing is running.
        self.answered_count[0].store(0, Ordering::Relaxed);
        // If the helper does not answer, `verify` says so.
        let before = self.helper.answered_count().unwrap_or_default();
        self.answered_before.store(before, Ordering::Relaxed);
    }

    fn verify(&self, task_run_count: u64) -> Result<Findings, String> {
        // Relaxed: nothing is running.
        let here = self.answered_count[0].load(Ordering::Relaxed);
        let there = self.helper.answered_count();
        let there = there.map_err(|error| format!("the helper does not answer: {error}"))?;
        let there = there - self.answered_before.load(Ordering::Relaxed);
        check_counts(task_run_count, here, there).map(|()| Findings::new())
    }

    fn record_latencies(&self, on: bool) {
        self.latencies.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::from([(REQUEST.into(), self.latencies.take())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_and_a_missing_one_are_found() {
        assert_eq!(check(7, 5, Ok(answer(7, 5))), Ok(()));
        assert!(check(7, 5, Ok(answer(8, 5))).is_err(), "to another request");
        assert!(check(7, 5, Ok(answer(7, 6))).is_err(), "of another task");
        let gone = Err(io::ErrorKind::UnexpectedEof.into());
        let expected = "no answer to request 7: unexpected end of file";
        assert_eq!(check(7, 5, gone), Err(expected.into()));
    }

    #[test]
    fn requests_that_one_side_did_not_count_are_found() {
        assert_eq!(check_counts(3, 3, 3), Ok(()));
        for (here, there) in [(2, 3), (3, 2), (3, 4), (4, 4)] {
            let expected = format!(
                "3 requests were to be made, the helper answered {there}, and {here} answers came"
            );
            assert_eq!(check_counts(3, here, there), Err(expected));
        }
    }

    /// The test program has no command `echo-server`.
    #[test]
    fn a_program_without_a_helper_is_named() {
        let started = Helper::start(None, Duration::ZERO);
        let error = started.err().expect("it is no helper").to_string();
        assert!(error.contains("/proc/self/exe echo-server"), "{error}");
        assert!(error.contains("`Setting::helper`"), "{error}");
    }
}
