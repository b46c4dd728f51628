//! Drives a child line by line: sends anything, also what is wrong, and keeps a log of both directions.
//!
//! It shares no code with the parent that measures. A mistake in one of the two therefore shows as a difference.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};
use serde_json::{Value as Json, json};

use super::fault::{ConformError, Fault, Setback};
use crate::external::WorkerPlaces;
use crate::foreign::{LAST_WORDS_BYTES, Tail, kill_group, pid};
use crate::machine::tree::reading::TreeUsage;
use crate::machine::tree::{ProcessTree, prepare_command};
use crate::system::{Root, no_process_descriptor};

/// How often to check whether the user has interrupted.
const TICK: Duration = Duration::from_millis(100);
/// The longest line that a child may send: far longer than any valid one.
const MOST_LINE_BYTES: usize = 1 << 20;

/// The program under test.
pub(crate) struct TestedChild<'a> {
    /// The program and its arguments.
    pub(crate) command: &'a [OsString],
    /// How long it may take for one reply.
    pub(crate) timeout: Duration,
    /// Whether the user has interrupted.
    pub(crate) is_cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl TestedChild<'_> {
    /// The arguments of the program for this number of workers. One that is not text stays as it is.
    fn arguments(&self, workers: u32) -> impl Iterator<Item = OsString> {
        let places = WorkerPlaces::processes(workers);
        self.command[1..]
            .iter()
            .map(move |word| match word.to_str() {
                Some(text) => places.fill(text).into(),
                None => word.clone(),
            })
    }
}

/// A started child, and everything that was sent and received. Dropping it kills the child with all that it started.
pub(super) struct Exchange<'a> {
    subject: &'a TestedChild<'a>,
    child: Child,
    tree: ProcessTree,
    /// Readable after the child has exited.
    exit: OwnedFd,
    requests: Option<ChildStdin>,
    replies: File,
    has_ended: bool,
    buffer: Vec<u8>,
    errors: Tail,
    log: Vec<String>,
}

impl<'a> Exchange<'a> {
    /// Starts the child for this number of workers.
    pub(super) fn start(subject: &'a TestedChild<'a>, workers: u32) -> Result<Self, Setback> {
        let start = || -> io::Result<Self> {
            let mut command = Command::new(&subject.command[0]);
            command
                .args(subject.arguments(workers))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let mark = prepare_command(&mut command)?;
            let mut child = command.spawn()?;
            let exit = pidfd_open(pid(&child), PidfdFlags::empty()).map_err(no_process_descriptor);
            let watched = exit.and_then(|exit| Ok((exit, ProcessTree::new(&child, mark)?)));
            let (exit, tree) = watched.inspect_err(|_| {
                kill_group(&child);
                let _ = child.wait();
            })?;
            let piped = "the stream is a pipe";
            let replies = OwnedFd::from(child.stdout.take().expect(piped));
            let errors = child.stderr.take().expect(piped).into();
            Ok(Self {
                subject,
                exit,
                requests: child.stdin.take(),
                replies: replies.into(),
                has_ended: false,
                buffer: Vec::new(),
                errors: Tail::new(errors, LAST_WORDS_BYTES),
                log: Vec::new(),
                tree,
                child,
            })
        };
        start().map_err(|error| {
            let program = subject.command[0].to_string_lossy().into_owned();
            Setback::Stopped(ConformError::Start { program, error })
        })
    }

    /// Sends one request.
    pub(super) fn send(&mut self, request: &Json) {
        self.send_line(&request.to_string());
    }

    /// Sends any line.
    pub(super) fn send_line(&mut self, line: &str) {
        self.log.push(format!("> {line}"));
        if let Some(requests) = &mut self.requests {
            // A child that has died cannot be written to. Waiting for its reply then tells how it ended.
            let _ = requests.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// Ends the child's input.
    pub(super) fn close_input(&mut self) {
        self.log.push("> (end of input)".into());
        self.requests = None;
    }

    /// Waits for the next reply, which must have the key `key`, and returns the value of that key.
    pub(super) fn expect(&mut self, key: &str) -> Result<Json, Setback> {
        let reply = self.reply(key)?;
        match reply.get(key) {
            Some(value) => Ok(value.clone()),
            None => Err(self.fault(
                format!("it replied with something else than `{key}`"),
                "FORMAT.md lists the order of requests and replies",
            )),
        }
    }

    /// Waits for the next reply. `expected` is what faults call it.
    pub(super) fn reply(&mut self, expected: &str) -> Result<Json, Setback> {
        let Some(line) = self.line()? else {
            let status = self.exit_status()?;
            return Err(self.fault(
                format!("it ended ({status}) where `{expected}` was expected"),
                "see the end of its standard error above, if it wrote one; run it by hand and type the requests",
            ));
        };
        match serde_json::from_str(&line) {
            Ok(reply @ Json::Object(_)) => Ok(reply),
            _ => Err(self.fault(
                format!("it wrote a line that is not a JSON object where `{expected}` was expected"),
                "reserve standard output for replies; banners, warnings and the output of kernels belong on \
                 standard error",
            )),
        }
    }

    /// The next line, within the time limit; `None` if the output has ended.
    pub(super) fn line(&mut self) -> Result<Option<String>, Setback> {
        match self.line_within(self.subject.timeout)? {
            Some(line) => Ok(Some(line)),
            None if self.has_ended => Ok(None),
            None => {
                let limit = self.subject.timeout.as_secs_f64();
                Err(self.fault(
                    format!("it sent nothing within {limit} s"),
                    "flush standard output after each reply; if it needs longer than this, give --timeout",
                ))
            }
        }
    }

    /// The next line; `None` if the output ends first, or the time passes.
    pub(super) fn line_within(&mut self, limit: Duration) -> Result<Option<String>, Setback> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                self.log.push(format!("< {line}"));
                return Ok(Some(line));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if self.has_ended || left.is_zero() {
                return Ok(None);
            }
            if self.buffer.len() > MOST_LINE_BYTES {
                return Err(self.fault(
                    format!("it wrote more than {MOST_LINE_BYTES} bytes without the end of a line"),
                    "end each reply with a line feed",
                ));
            }
            self.wait(left.min(TICK))?;
        }
    }

    /// Waits until the child has exited, within the time limit.
    pub(super) fn exit_status(&mut self) -> Result<ExitStatus, Setback> {
        let deadline = Instant::now() + self.subject.timeout;
        loop {
            if let Some(status) = self.child.try_wait().map_err(unreadable)? {
                self.log.push(format!("= {status}"));
                return Ok(status);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let limit = self.subject.timeout.as_secs_f64();
                return Err(self.fault(
                    format!("it did not exit within {limit} s"),
                    "stop the workers and end the process, also when a worker thread is not a daemon",
                ));
            }
            self.wait(left.min(TICK))?;
        }
    }

    /// Lets the child finish and waits for its end, so that it can remove what it has created.
    pub(super) fn close(mut self) -> Result<(), Setback> {
        self.send(&json!({"finish": {}}));
        self.requests = None;
        while self.line_within(self.subject.timeout)?.is_some() {}
        // What this check was about has been seen, and other checks are about the end.
        match self.exit_status() {
            Err(Setback::Fault(_)) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Kills the child alone, and not what it has started.
    pub(super) fn kill(&mut self) -> Result<ExitStatus, Setback> {
        self.log.push("> (SIGKILL)".into());
        self.child.kill().map_err(unreadable)?;
        self.exit_status()
    }

    /// What the child and everything that it started have used up to now. For use while it waits for a request.
    pub(super) fn usage(&mut self) -> TreeUsage {
        self.tree.usage()
    }

    /// The processes that the child has started and that have not ended: `123 (python3)`.
    pub(super) fn processes_left(&mut self) -> Vec<String> {
        let name = |id: i32| Root::default().read(&format!("/proc/{id}/comm"));
        let left = self.tree.living_ids().into_iter();
        left.map(|id| format!("{id} ({})", name(id).unwrap_or_default()))
            .collect()
    }

    /// Waits for output or the end, at most this long.
    pub(super) fn pause(&mut self, at_most: Duration) -> Result<(), Setback> {
        self.wait(at_most)
    }

    /// A fault, with the lines of this exchange.
    pub(super) fn fault(&mut self, found: impl Into<String>, help: impl Into<String>) -> Setback {
        self.errors.fill_up();
        Setback::Fault(Box::new(Fault::new(
            found.into(),
            help.into(),
            &self.log,
            &self.errors.text(),
        )))
    }

    /// Waits for output or the end, at most this long, and reads what there is.
    fn wait(&mut self, at_most: Duration) -> Result<(), Setback> {
        if (self.subject.is_cancelled)() {
            return Err(Setback::Stopped(ConformError::Cancelled));
        }
        self.poll(at_most).map_err(unreadable)
    }

    fn poll(&mut self, at_most: Duration) -> io::Result<()> {
        let timeout = Timespec::try_from(at_most).map_err(io::Error::other)?;
        // A child that has closed its output may still be running.
        let mut fds = match self.has_ended {
            true => vec![PollFd::new(&self.exit, PollFlags::IN)],
            false => vec![PollFd::new(&self.replies, PollFlags::IN)],
        };
        if !self.errors.has_ended() {
            fds.push(PollFd::from_borrowed_fd(self.errors.pipe(), PollFlags::IN));
        }
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready[0] && !self.has_ended {
            let mut chunk = [0; 1 << 16];
            let count = self.replies.read(&mut chunk)?;
            self.has_ended = count == 0;
            self.buffer.extend_from_slice(&chunk[..count]);
        }
        if ready.get(1) == Some(&true) {
            self.errors.fill()?;
        }
        Ok(())
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        self.requests = None;
        // What cannot be killed is nothing that this program can do anything about.
        self.tree.end();
        let _ = self.child.wait();
    }
}

fn unreadable(error: io::Error) -> Setback {
    Setback::Stopped(ConformError::Watch(error))
}
