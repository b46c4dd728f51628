//! The helper of `io-tcp`: a server that answers each request after a fixed time. It is a process of its own, so that it
//! shares neither memory nor threads with what is measured.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::random::mix;
use crate::system::OWN_PROGRAM;

/// The hidden command that is the helper. Its argument is the time from a request to its answer, in nanoseconds.
const COMMAND: &str = "echo-server";

/// A request and an answer: two words each.
///
/// | | first word | second word |
/// |---|---|---|
/// | request | a number of the client's choice | any word |
/// | its answer | the same number | `mix(number ^ word)` |
/// | question | [`QUESTION`] | 0 |
/// | its answer, at once | [`QUESTION`] | how many requests were answered so far |
const MESSAGE_BYTES: usize = 16;

pub(in crate::loads) type EchoMessage = [u8; MESSAGE_BYTES];

/// The first word of the question how many requests were answered. No request has it.
const QUESTION: u64 = u64::MAX;

pub(in crate::loads) fn message(number: u64, word: u64) -> EchoMessage {
    let mut bytes = [0; MESSAGE_BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..].copy_from_slice(&word.to_le_bytes());
    bytes
}

fn words(message: &EchoMessage) -> [u64; 2] {
    let number = u128::from_le_bytes(*message);
    [number as u64, (number >> 64) as u64]
}

/// The answer to request `number` with `word`.
pub(in crate::loads) fn answer(number: u64, word: u64) -> EchoMessage {
    message(number, mix(number ^ word))
}

/// The running helper, seen from its client. It ends with this value, or with the process that started it.
pub(in crate::loads) struct Helper {
    child: Child,
    address: SocketAddr,
    questions: TcpStream,
}

impl Helper {
    /// Starts `program`, or the running program, as a helper that answers after `delay`.
    ///
    /// # Errors
    ///
    /// If it cannot be started, or does not say where it listens.
    pub(in crate::loads) fn start(program: Option<&Path>, delay: Duration) -> io::Result<Self> {
        let program = program.unwrap_or(Path::new(OWN_PROGRAM));
        let cannot_start = |why: String| {
            io::Error::other(format!(
                "cannot start the helper `{} {COMMAND}`: {why}",
                program.display()
            ))
        };
        let mut child = Command::new(program)
            .arg(COMMAND)
            .arg(delay.as_nanos().to_string())
            // The helper ends when this pipe is closed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| cannot_start(error.to_string()))?;
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it was asked for");
        let heard = BufReader::new(stdout).take(64).read_line(&mut line);
        let connected = heard.and_then(|_| {
            let port = line.trim().parse().map_err(io::Error::other)?;
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            Ok((address, connect(address)?))
        });
        match connected {
            Ok((address, questions)) => Ok(Self {
                child,
                address,
                questions,
            }),
            Err(error) => {
                end(&mut child);
                Err(cannot_start(format!(
                    "it does not say on which port it listens ({error}); a program that builds kernels by itself \
                     must name one with the commands of this program as `Setting::helper`"
                )))
            }
        }
    }

    /// A new connection.
    ///
    /// # Errors
    ///
    /// If the system refuses it.
    pub(in crate::loads) fn connect(&self) -> io::Result<TcpStream> {
        connect(self.address)
    }

    /// How many requests it has answered.
    ///
    /// # Errors
    ///
    /// If it does not answer this question.
    pub(in crate::loads) fn answered_count(&self) -> io::Result<u64> {
        let mut stream = &self.questions;
        stream.write_all(&message(QUESTION, 0))?;
        let mut answer = EchoMessage::default();
        stream.read_exact(&mut answer)?;
        Ok(words(&answer)[1])
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // Each fails only if it has already ended.
    let _ = child.kill();
    let _ = child.wait();
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    // Otherwise the system would hold back a message while it waits for another.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The helper itself: prints the port on which it listens, and answers until standard input ends or the process that
/// started it does. `delay` is the time from a request to its answer.
///
/// # Errors
///
/// If the system refuses what it needs.
pub fn serve_echo(delay: Duration) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    println!("{}", listener.local_addr()?.port());
    let mut server = Server {
        listener,
        delay,
        clients: Vec::new(),
        due: VecDeque::new(),
        answered_count: 0,
    };
    while server.turn()? {}
    Ok(())
}

struct Server {
    listener: TcpListener,
    delay: Duration,
    /// `None` for a connection that is closed.
    clients: Vec<Option<Client>>,
    /// Answers, the one that is due first in front: the delay is the same for all.
    due: VecDeque<Due>,
    answered_count: u64,
}

/// A connection.
struct Client {
    stream: TcpStream,
    /// The bytes of a request that has not arrived as a whole.
    request: EchoMessage,
    byte_count: usize,
}

/// An answer that is still to be given.
struct Due {
    at: Instant,
    client: usize,
    answer: EchoMessage,
}

impl Server {
    /// Waits until something happens, and reacts. Returns whether the server should go on.
    fn turn(&mut self) -> io::Result<bool> {
        let stdin = io::stdin();
        let mut watched = vec![
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::new(&self.listener, PollFlags::IN),
        ];
        let open = self.clients.iter().enumerate();
        let open = open.filter_map(|(index, client)| Some((index, client.as_ref()?)));
        let mut indices = Vec::new();
        for (index, client) in open {
            indices.push(index);
            watched.push(PollFd::new(&client.stream, PollFlags::IN));
        }
        let limit = self.due.front().map(|due| {
            let left = due.at.saturating_duration_since(Instant::now());
            Timespec::try_from(left).expect("a delay is at most a year")
        });
        retry_on_intr(|| poll(&mut watched, limit.as_ref()))?;
        let is_ready: Vec<bool> = watched
            .iter()
            .map(|one| !one.revents().is_empty())
            .collect();

        self.answer_what_is_due();
        let [ends, comes, ready @ ..] = &is_ready[..] else {
            unreachable!("two descriptors are always watched");
        };
        for (&index, _) in indices.iter().zip(ready).filter(|(_, ready)| **ready) {
            self.read(index);
        }
        if *comes {
            self.accept()?;
        }
        // Nothing is ever written there, so it has ended.
        Ok(!ends)
    }

    fn answer_what_is_due(&mut self) {
        let now = Instant::now();
        while let Some(due) = self.due.pop_front_if(|due| due.at <= now) {
            // Counted first: a client that has its answer may ask at once.
            self.answered_count += 1;
            self.send(due.client, &due.answer);
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            self.clients.push(Some(Client {
                stream,
                request: EchoMessage::default(),
                byte_count: 0,
            }));
        }
    }

    /// Reads what has arrived from a client, and plans the answers.
    fn read(&mut self, index: usize) {
        while let Some(client) = &mut self.clients[index] {
            let rest = &mut client.request[client.byte_count..];
            match client.stream.read(rest) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(0) | Err(_) => self.clients[index] = None,
                Ok(count) => {
                    client.byte_count += count;
                    if client.byte_count == MESSAGE_BYTES {
                        client.byte_count = 0;
                        let request = client.request;
                        self.plan(index, &request);
                    }
                }
            }
        }
    }

    fn plan(&mut self, client: usize, request: &EchoMessage) {
        match words(request) {
            [QUESTION, _] => self.send(client, &message(QUESTION, self.answered_count)),
            [number, word] => self.due.push_back(Due {
                at: Instant::now() + self.delay,
                client,
                answer: answer(number, word),
            }),
        }
    }

    /// Sends an answer. A client that does not take it is gone: it has at most one request under way, so there is space.
    fn send(&mut self, index: usize, answer: &EchoMessage) {
        if let Some(client) = &mut self.clients[index]
            && client.stream.write_all(answer).is_err()
        {
            self.clients[index] = None;
        }
    }
}
