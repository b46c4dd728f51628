//! The parent's side: starts a child, asks it for slices, and turns whatever goes wrong into an error.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::protocol::{Finished, Prepare, Prepared, Reply, Request, SliceDone};
use crate::execute::Ending;
use crate::measure::{Slice, SlicePlan};
use crate::record::CaseError;

/// Bytes of the child's standard error that are kept, from its end.
const STDERR_BYTES: usize = 4096;

/// What the parent does while the child works.
pub trait Idle {
    /// Called now and then; returns when it would like to be called again.
    fn idle(&mut self) -> Instant;
    /// Whether to give up: the child is then killed.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// A child process with a case, ready or at work. Dropping it kills the child.
pub struct Session {
    child: Child,
    requests: Option<ChildStdin>,
    replies: Lines,
    stderr: Tail,
    deadline: Instant,
    timeout: Duration,
}

impl Session {
    /// Starts `program` as a child, and has it prepare a case.
    ///
    /// The child is killed when `timeout` has passed from now and it has not finished.
    ///
    /// # Errors
    ///
    /// What kept the case from being prepared.
    pub fn start(
        program: &Path,
        prepare: Prepare,
        timeout: Duration,
        idle: &mut dyn Idle,
    ) -> Result<(Self, Prepared), CaseError> {
        let mut session = Self::spawn(program, timeout)
            .map_err(|error| CaseError::new("set-up", format!("{}: {error}", program.display())))?;
        session.request(&Request::Prepare(Box::new(prepare)))?;
        match session.reply(idle)? {
            Reply::Prepared(prepared) => Ok((session, prepared)),
            other => Err(unexpected(&other)),
        }
    }

    fn spawn(program: &Path, timeout: Duration) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg("child")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // In a group of its own, so that Ctrl-C reaches the parent alone, which then ends the child.
            .process_group(0)
            .spawn()?;
        let piped = "the stream was asked for as a pipe";
        let requests = child.stdin.take();
        let replies = Lines::new(child.stdout.take().expect(piped).into());
        let stderr = Tail::new(child.stderr.take().expect(piped).into());
        Ok(Self {
            child,
            requests,
            replies,
            stderr,
            deadline: Instant::now() + timeout,
            timeout,
        })
    }

    /// The number of the child process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Gives the child as long again as it had from its start.
    pub fn renew(&mut self) {
        self.deadline = Instant::now() + self.timeout;
    }

    /// Asks for one slice of samples.
    ///
    /// # Errors
    ///
    /// What ended the case.
    pub fn slice(&mut self, plan: SlicePlan, idle: &mut dyn Idle) -> Result<Slice, CaseError> {
        self.request(&Request::Slice(plan))?;
        let mut samples = Vec::new();
        loop {
            match self.reply(idle)? {
                // No ratio can be taken of it, and no logarithm.
                Reply::Sample(sample) if sample.wall_ns == 0 || sample.run_count == 0 => {
                    let message = "a sample took no time at all, or holds no run";
                    return Err(CaseError::new("protocol", message));
                }
                Reply::Sample(sample) => samples.push(sample),
                Reply::SliceDone(SliceDone { findings, deaths }) => {
                    return Ok(Slice {
                        samples,
                        findings,
                        deaths,
                    });
                }
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// Has the child stop its workers and leave.
    ///
    /// # Errors
    ///
    /// What kept it from leaving in good order.
    pub fn finish(mut self, idle: &mut dyn Idle) -> Result<Finished, CaseError> {
        self.request(&Request::Finish {})?;
        match self.reply(idle)? {
            Reply::Finished(finished) => Ok(finished),
            other => Err(unexpected(&other)),
        }
    }

    fn request(&mut self, request: &Request) -> Result<(), CaseError> {
        let mut line = serde_json::to_string(request).expect("requests are plain data");
        line.push('\n');
        let requests = self.requests.as_mut().expect("open until dropped");
        // A child that has died cannot be written to; the reply then tells what it died of.
        match requests.write_all(line.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(CaseError::new("protocol", error.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// The child's next line.
    fn reply(&mut self, idle: &mut dyn Idle) -> Result<Reply, CaseError> {
        loop {
            if let Some(line) = self.replies.next_line() {
                let reply = serde_json::from_slice(&line)
                    .map_err(|error| CaseError::new("protocol", format!("a bad line: {error}")))?;
                return match reply {
                    Reply::Error(error) => Err(error),
                    reply => Ok(reply),
                };
            }
            if self.replies.ended {
                return Err(self.death());
            }
            if idle.is_cancelled() {
                return Err(CaseError::new("cancelled", "the run was interrupted"));
            }
            let now = Instant::now();
            if now >= self.deadline {
                let limit = self.timeout.as_secs_f64();
                return Err(CaseError::new(
                    "timeout",
                    format!("the case did not end within {limit} s and was killed"),
                ));
            }
            let wake = idle.idle().min(self.deadline);
            self.wait(wake.saturating_duration_since(now))
                .map_err(|error| CaseError::new("protocol", error.to_string()))?;
        }
    }

    /// Waits for output, at most this long, and takes in what there is.
    fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        let timeout = Timespec::try_from(at_most).map_err(io::Error::other)?;
        let mut fds = vec![PollFd::new(&self.replies.pipe, PollFlags::IN)];
        if !self.stderr.ended {
            fds.push(PollFd::new(&self.stderr.pipe, PollFlags::IN));
        }
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready[0] {
            self.replies.fill()?;
        }
        if ready.get(1) == Some(&true) {
            self.stderr.fill()?;
        }
        Ok(())
    }

    /// The error of a child that went without a word.
    fn death(&mut self) -> CaseError {
        // Whatever still holds the pipe open must not keep us: the child itself is gone or going.
        while !self.stderr.ended && self.stderr.has_more() {
            if self.stderr.fill().is_err() {
                break;
            }
        }
        let status = self.child.wait();
        let said = self.stderr.text();
        let mut message = match status {
            Ok(status) => describe(status),
            Err(error) => format!("the case's process cannot be waited for: {error}"),
        };
        if !said.is_empty() {
            message += "; its last words: ";
            message += &said;
        }
        CaseError::new("killed", message)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A child that has finished leaves by itself; one that has not is cut off. Its worker processes
        // die with it: they ask the kernel for that when they start.
        self.requests = None;
        if !self.replies.ended && self.child.try_wait().is_ok_and(|left| left.is_none()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("the case's process {}", Ending::Signal(signal)),
        (None, Some(code)) => format!(
            "the case's process {} and without a result",
            Ending::Exit(code)
        ),
        (None, None) => "the case's process ended without a result".into(),
    }
}

fn unexpected(reply: &Reply) -> CaseError {
    CaseError::new("protocol", format!("an answer out of turn: {reply:?}"))
}

/// The lines that come through a pipe.
struct Lines {
    pipe: File,
    buffer: Vec<u8>,
    /// Bytes of `buffer` already known to hold no line end.
    searched: usize,
    ended: bool,
}

impl Lines {
    fn new(pipe: OwnedFd) -> Self {
        Self {
            pipe: pipe.into(),
            buffer: Vec::new(),
            searched: 0,
            ended: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut chunk = [0; 1 << 16];
        let count = self.pipe.read(&mut chunk)?;
        self.ended = count == 0;
        self.buffer.extend_from_slice(&chunk[..count]);
        Ok(())
    }

    fn next_line(&mut self) -> Option<Vec<u8>> {
        let rest = &self.buffer[self.searched..];
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let line = self.buffer.drain(..=self.searched + end).collect();
        self.searched = 0;
        Some(line)
    }
}

/// The last bytes that came through a pipe.
struct Tail {
    pipe: File,
    bytes: Vec<u8>,
    ended: bool,
}

impl Tail {
    fn new(pipe: OwnedFd) -> Self {
        Self {
            pipe: pipe.into(),
            bytes: Vec::new(),
            ended: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut chunk = [0; STDERR_BYTES];
        let count = self.pipe.read(&mut chunk)?;
        self.ended = count == 0;
        self.bytes.extend_from_slice(&chunk[..count]);
        let surplus = self.bytes.len().saturating_sub(STDERR_BYTES);
        self.bytes.drain(..surplus);
        Ok(())
    }

    fn has_more(&self) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.pipe.as_fd(), PollFlags::IN)];
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut fds, Some(&at_once)).is_ok_and(|count| count > 0)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).trim().to_owned()
    }
}
