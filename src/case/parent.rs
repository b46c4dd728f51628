//! The parent's side: starts a child, asks it for slices, and turns whatever goes wrong into an error.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use super::protocol::{Finished, Prepare, Prepared, Reply, Request, SliceDone};
use crate::execute::Ending;
use crate::foreign::{LAST_WORDS_BYTES, Tail, kill_group, pid};
use crate::measure::{Slice, SlicePlan};
use crate::record::{CaseError, ErrorKind};
use crate::system::limit::cannot_start;
use crate::system::oom::OomWatch;
use crate::system::{Root, no_process_descriptor};

/// The longest line that a child may answer. The longest there are name every worker process that died in a slice; that
/// of a sample on 4096 workers has a few thousand bytes.
const MOST_REPLY_BYTES: usize = 64 << 20;

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
    /// Readable once the child has exited.
    exit: OwnedFd,
    requests: Option<ChildStdin>,
    replies: Lines,
    stderr: Tail,
    oom: OomWatch,
    has_finished: bool,
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
        let mut session = Self::spawn(program, timeout, Root::default()).map_err(|error| {
            let error = cannot_start(program.display(), &error);
            CaseError::new(ErrorKind::SetUp, error.to_string())
        })?;
        session.request(&Request::Prepare(Box::new(prepare)))?;
        match session.reply(idle)? {
            Reply::Prepared(prepared) => Ok((session, prepared)),
            other => Err(unexpected(&other)),
        }
    }

    fn spawn(program: &Path, timeout: Duration, root: Root) -> io::Result<Self> {
        let oom = OomWatch::start(root);
        let mut child = Command::new(program)
            .arg("child")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // In a group of its own, so that Ctrl-C reaches the parent alone, which then ends the child.
            .process_group(0)
            .spawn()?;
        let exit = pidfd_open(pid(&child), PidfdFlags::empty()).map_err(|error| {
            kill_group(&child);
            let _ = child.wait();
            no_process_descriptor(error)
        })?;
        let piped = "the stream was asked for as a pipe";
        let requests = child.stdin.take();
        let replies = Lines::new(child.stdout.take().expect(piped).into());
        let stderr = Tail::new(child.stderr.take().expect(piped).into(), LAST_WORDS_BYTES);
        Ok(Self {
            child,
            exit,
            requests,
            replies,
            stderr,
            oom,
            has_finished: false,
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
        let most = plan.max_sample_count.max(1);
        let mut samples = Vec::new();
        loop {
            match self.reply(idle)? {
                // No ratio can be taken of it, and no logarithm.
                Reply::Sample(sample) if sample.wall_ns == 0 || sample.run_count == 0 => {
                    let message = "a sample took no time at all, or holds no run";
                    return Err(CaseError::new(ErrorKind::Protocol, message));
                }
                Reply::Sample(_) if samples.len() as u64 >= most => {
                    let message = format!("more samples than the {most} that were asked for");
                    return Err(CaseError::new(ErrorKind::Protocol, message));
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
            Reply::Finished(finished) => {
                self.has_finished = true;
                Ok(finished)
            }
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
                Err(CaseError::new(ErrorKind::Protocol, error.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// The child's next line.
    fn reply(&mut self, idle: &mut dyn Idle) -> Result<Reply, CaseError> {
        loop {
            if let Some(line) = self.replies.next_line() {
                let reply =
                    serde_json::from_slice(&line).map_err(|error| bad_line(&line, &error))?;
                return match reply {
                    Reply::Error(error) => Err(self.explained(error)),
                    reply => Ok(reply),
                };
            }
            if self.replies.ended && self.child.try_wait().is_ok_and(|left| left.is_some()) {
                return Err(self.death());
            }
            if self.replies.buffer.len() > MOST_REPLY_BYTES {
                return Err(bad_line(&self.replies.buffer, &"it has no end"));
            }
            if idle.is_cancelled() {
                return Err(CaseError::new(
                    ErrorKind::Cancelled,
                    "the run was interrupted",
                ));
            }
            let now = Instant::now();
            if now >= self.deadline {
                let limit = self.timeout.as_secs_f64();
                let mut message = format!("the case did not end within {limit} s and was killed");
                message += &self.last_words();
                return Err(CaseError::new(ErrorKind::Timeout, message));
            }
            let wake = idle.idle().min(self.deadline);
            self.wait(wake.saturating_duration_since(now))
                .map_err(|error| CaseError::new(ErrorKind::Protocol, error.to_string()))?;
        }
    }

    /// Waits for output, at most this long, and takes in what there is.
    fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        let timeout = Timespec::try_from(at_most).map_err(io::Error::other)?;
        // A child that says nothing more need not be gone.
        let mut fds = match self.replies.ended {
            true => vec![PollFd::new(&self.exit, PollFlags::IN)],
            false => vec![PollFd::new(&self.replies.pipe, PollFlags::IN)],
        };
        if !self.stderr.has_ended() {
            fds.push(PollFd::from_borrowed_fd(self.stderr.pipe(), PollFlags::IN));
        }
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready[0] && !self.replies.ended {
            self.replies.fill()?;
        }
        if ready.get(1) == Some(&true) {
            self.stderr.fill()?;
        }
        Ok(())
    }

    /// The error of a child that went without a word.
    fn death(&mut self) -> CaseError {
        let last_words = self.last_words();
        let status = self.child.wait();
        let mut message = match &status {
            Ok(status) => describe(*status),
            Err(error) => format!("the case's process cannot be waited for: {error}"),
        };
        if status.is_ok_and(|status| status.signal() == Some(libc::SIGKILL)) {
            message += &self.why_killed();
        }
        CaseError::new(ErrorKind::Killed, message + &last_words)
    }

    /// The same error, with the likely cause where a worker process was killed.
    fn explained(&self, mut error: CaseError) -> CaseError {
        let signal = error.death.as_ref().and_then(|death| death.signal);
        if signal == Some(libc::SIGKILL) {
            error.message += &self.why_killed();
        }
        error
    }

    /// What the kernel tells of a SIGKILL, to be added to a message; empty if it was not the kernel's.
    fn why_killed(&self) -> String {
        let why = self.oom.verdict();
        why.map_or(String::new(), |why| format!("; {why}"))
    }

    /// The end of what the child wrote to standard error, to be added to a message; empty if it wrote nothing.
    fn last_words(&mut self) -> String {
        self.stderr.fill_up();
        let said = self.stderr.text();
        match said.is_empty() {
            true => said,
            false => format!("; its last words: {said}"),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A child that has not finished is cut off, with what a script in its place has started. Its worker processes
        // die with it: they ask the kernel for that when they start. What outlives a child that has finished is
        // for `chaos` to find.
        self.requests = None;
        if self.child.try_wait().is_ok_and(|left| left.is_none()) {
            match self.has_finished {
                true => drop(self.child.kill()),
                false => kill_group(&self.child),
            }
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

/// The error of a child that said something else than an answer.
fn bad_line(line: &[u8], why: &dyn std::fmt::Display) -> CaseError {
    /// Bytes that are quoted: enough to know one's own banner again.
    const SHOWN: usize = 100;
    let shown = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
    let rest = if line.len() > SHOWN { "..." } else { "" };
    let message = format!(
        "the case's process wrote a line that is no answer: {:?}{rest} ({why}); standard output is for answers alone: a \
         program of one's own must write nothing there before it calls `Harness::main`, but may to standard error",
        shown.trim_end()
    );
    CaseError::new(ErrorKind::Protocol, message)
}

fn unexpected(reply: &Reply) -> CaseError {
    CaseError::new(
        ErrorKind::Protocol,
        format!("an answer out of turn: {reply:?}"),
    )
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;
    use crate::record::WorkerDeath;
    use crate::system::fixture::Machine;

    const LONG: Duration = Duration::from_secs(3600);

    struct Patience;

    impl Idle for Patience {
        fn idle(&mut self) -> Instant {
            Instant::now() + LONG
        }
    }

    /// A session with a shell script in the place of a child.
    fn session(script: &str, root: Root) -> (TempDir, Session) {
        let folder = TempDir::new().unwrap();
        let program = folder.path().join("child");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let session = Session::spawn(&program, LONG, root).unwrap();
        (folder, session)
    }

    #[test]
    fn a_case_that_is_out_of_time_is_told_with_its_last_words() {
        let (_folder, mut session) = session("echo worker 3 waits >&2; read line", Root::default());
        // Until it has spoken.
        poll(
            &mut [PollFd::from_borrowed_fd(
                session.stderr.pipe(),
                PollFlags::IN,
            )],
            None,
        )
        .unwrap();
        session.deadline = Instant::now();
        let error = session.reply(&mut Patience).unwrap_err();
        assert_eq!(error.kind.name(), "timeout");
        assert!(
            error.message.ends_with("; its last words: worker 3 waits"),
            "{}",
            error.message
        );
    }

    /// A machine whose control group may use 64 MiB, and the file that counts the kills in it.
    fn small_container() -> (Machine, String) {
        let events = "/sys/fs/cgroup/memory.events";
        let machine = Machine::with(&[
            ("/proc/self/cgroup", "0::/"),
            ("/sys/fs/cgroup/memory.max", "67108864"),
            (events, "oom_kill 3"),
        ]);
        let events = machine.root.path(events).display().to_string();
        (machine, events)
    }

    #[test]
    fn a_child_killed_for_want_of_memory_is_told_as_such() {
        let (machine, events) = small_container();
        let kill = format!("echo oom_kill 4 > {events}; kill -9 $$");
        let (_folder, mut session) = session(&kill, machine.root.clone());
        let message = session.reply(&mut Patience).unwrap_err().message;
        for words in ["killed by signal 9", "want of memory", "may use 64 MiB"] {
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn a_child_killed_by_somebody_is_not_told_to_be_short_of_memory() {
        let (machine, _) = small_container();
        let (_folder, mut session) = session("kill -9 $$", machine.root.clone());
        let message = session.reply(&mut Patience).unwrap_err().message;
        assert!(
            message.contains("killed by signal 9") && !message.contains("memory"),
            "{message}"
        );
    }

    #[test]
    fn a_worker_killed_for_want_of_memory_is_told_as_such() {
        let (machine, _) = small_container();
        let (_folder, session) = session("read line", machine.root.clone());
        machine.write("/sys/fs/cgroup/memory.events", "oom_kill 4");
        let died = |signal| CaseError {
            death: Some(WorkerDeath {
                worker: 1,
                signal: Some(signal),
                exit_code: None,
                task: None,
                attempt_count: 1,
            }),
            ..CaseError::new(ErrorKind::WorkerDied, "it died")
        };
        assert!(
            session
                .explained(died(libc::SIGKILL))
                .message
                .contains("want of memory")
        );
        assert_eq!(session.explained(died(libc::SIGSEGV)).message, "it died");
    }

    #[test]
    fn a_bad_line_is_shown_in_part_and_escaped() {
        let error = bad_line(b"\x1b[2J\xff hello\n", &"why");
        assert!(
            error.message.contains(r#": "\u{1b}[2J� hello" (why);"#),
            "{}",
            error.message
        );
        let error = bad_line(&[b'x'; 1 << 20], &"why");
        assert!(error.message.len() < 400 && error.message.contains("xxx\"... (why)"));
    }
}
