//! A child process that is spoken to in lines of JSON, and the errors of one that does not answer.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use super::protocol::{Reply, Request};
use crate::execute::Ending;
use crate::foreign::{LAST_WORDS_BYTES, Tail, kill_group, pid};
use crate::machine::oom::OomWatch;
use crate::machine::tree::reading::TreeUsage;
use crate::machine::tree::{ProcessTree, prepare_command};
use crate::record::{CaseError, ErrorKind};
use crate::system::{Root, no_process_descriptor};

/// The longest reply. The longest valid replies name every worker process that died in a slice. A sample on 4096
/// workers has a few thousand bytes.
const MOST_REPLY_BYTES: usize = 64 << 20;

/// What the parent does while the child works.
pub trait Idle {
    /// Called repeatedly. Returns when it wants to be called again.
    fn idle(&mut self) -> Instant;
    /// Whether to give up: the child is then killed.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Does nothing while the child works.
pub struct Patience;

impl Idle for Patience {
    fn idle(&mut self) -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }
}

/// How long a child that has sent its last reply may take to exit by itself.
const LONGEST_EXIT: Duration = Duration::from_secs(2);

/// A child process. Dropping it ends it, with everything that it has started.
pub(super) struct ChildProcess {
    child: Child,
    /// Readable after the child has exited.
    exit: OwnedFd,
    requests: Option<ChildStdin>,
    replies: Lines,
    stderr: Tail,
    tree: ProcessTree,
    oom: OomWatch,
    /// Whether it has sent its last reply and will exit.
    pub(super) has_finished: bool,
    /// Whether its last reply was an error, and not an error that the parent found.
    pub(super) has_replied_error: bool,
    deadline: Instant,
    timeout: Duration,
}

impl ChildProcess {
    /// Starts `command`. The child is killed if it has not finished after `timeout`.
    ///
    /// # Errors
    ///
    /// If the system refuses it.
    pub(super) fn spawn(mut command: Command, timeout: Duration, root: Root) -> io::Result<Self> {
        let oom = OomWatch::start(root);
        let mark = prepare_command(&mut command)?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let watched = || -> io::Result<_> {
            let exit = pidfd_open(pid(&child), PidfdFlags::empty());
            let tree = ProcessTree::new(&child, mark)?;
            Ok((exit.map_err(no_process_descriptor)?, tree))
        };
        let (exit, tree) = match watched() {
            Ok(both) => both,
            Err(error) => {
                kill_group(&child);
                let _ = child.wait();
                return Err(error);
            }
        };
        let piped = "the stream is a pipe";
        let requests = child.stdin.take();
        let replies = Lines::new(child.stdout.take().expect(piped).into());
        let stderr = Tail::new(child.stderr.take().expect(piped).into(), LAST_WORDS_BYTES);
        Ok(Self {
            child,
            exit,
            requests,
            replies,
            stderr,
            tree,
            oom,
            has_finished: false,
            has_replied_error: false,
            deadline: Instant::now() + timeout,
            timeout,
        })
    }

    /// The id of the process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Restarts the time limit.
    pub(super) fn renew(&mut self) {
        self.deadline = Instant::now() + self.timeout;
    }

    /// What it has used so far, with everything that it has started. Call it while the child waits for a request.
    pub(super) fn usage(&mut self) -> TreeUsage {
        self.tree.usage()
    }

    /// Ends the child and everything that it has started, and returns how many processes existed beside it. A child that
    /// has sent its last reply may exit by itself first, and remove what it has left elsewhere.
    pub(super) fn end(&mut self) -> usize {
        self.requests = None;
        if self.has_finished {
            let mut exit = [PollFd::new(&self.exit, PollFlags::IN)];
            let longest = Timespec::try_from(LONGEST_EXIT).expect("two seconds");
            // Whatever happened, the child is killed next.
            let _ = poll(&mut exit, Some(&longest));
        }
        let ended = self.tree.end();
        let _ = self.child.wait();
        ended.left_behind_count
    }

    /// Sends a request and waits for the first line of the reply.
    ///
    /// # Errors
    ///
    /// The error that it replied, or what happened to it.
    pub(super) fn ask(
        &mut self,
        request: &Request,
        idle: &mut dyn Idle,
    ) -> Result<Reply, CaseError> {
        self.send(request)?;
        self.reply(idle)
    }

    /// Sends a request.
    pub(super) fn send(&mut self, request: &Request) -> Result<(), CaseError> {
        let mut line = serde_json::to_string(request).expect("a request is plain data");
        line.push('\n');
        let requests = self.requests.as_mut().expect("open until dropped");
        // A child that has died cannot be written to. Reading its reply then gives the cause of death.
        match requests.write_all(line.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(CaseError::new(ErrorKind::Protocol, error.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Waits for the child's next reply.
    pub(super) fn reply(&mut self, idle: &mut dyn Idle) -> Result<Reply, CaseError> {
        loop {
            if let Some(line) = self.replies.next_line() {
                let reply =
                    serde_json::from_slice(&line).map_err(|error| bad_line(&line, &error))?;
                return match reply {
                    Reply::Error(error) => {
                        self.has_replied_error = true;
                        let mut error = self.explained(error);
                        if error.kind == ErrorKind::Cancelled {
                            // Only the parent cancels. It would give up all other cases too.
                            error.kind = ErrorKind::Backend;
                        }
                        Err(error)
                    }
                    reply => Ok(reply),
                };
            }
            if self.replies.ended && self.child.try_wait().is_ok_and(|left| left.is_some()) {
                return Err(self.death());
            }
            if self.replies.buffer.len() > MOST_REPLY_BYTES {
                return Err(bad_line(&self.replies.buffer, &"the line does not end"));
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

    /// Waits for output, at most this long, and reads what is available.
    fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        let timeout = Timespec::try_from(at_most).map_err(io::Error::other)?;
        // A child that has closed its output may still be running.
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

    /// The error of a child that ended without an error reply.
    fn death(&mut self) -> CaseError {
        let last_words = self.last_words();
        let status = self.child.wait();
        let mut message = match &status {
            Ok(status) => describe(*status),
            Err(error) => format!("waiting for the case's process failed: {error}"),
        };
        if status.is_ok_and(|status| status.signal() == Some(libc::SIGKILL)) {
            message += &self.why_killed();
        }
        CaseError::new(ErrorKind::Killed, message + &last_words)
    }

    /// Adds the likely cause to an error if a worker process was killed.
    fn explained(&self, mut error: CaseError) -> CaseError {
        let signal = error.death.as_ref().and_then(|death| death.signal);
        if signal == Some(libc::SIGKILL) {
            error.message += &self.why_killed();
        }
        error
    }

    /// The kernel's reason for a SIGKILL, as a suffix for a message; empty if the kernel did not send it.
    fn why_killed(&self) -> String {
        let why = self.oom.verdict();
        why.map_or(String::new(), |why| format!("; {why}"))
    }

    /// The end of the child's standard error, as a suffix for a message; empty if it is empty.
    fn last_words(&mut self) -> String {
        self.stderr.fill_up();
        let said = self.stderr.text();
        match said.is_empty() {
            true => said,
            false => format!("; its last output: {said}"),
        }
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        self.end();
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("the case's process {}", Ending::Signal(signal)),
        (None, Some(code)) => format!("the case's process {} without a result", Ending::Exit(code)),
        (None, None) => "the case's process ended without a result".into(),
    }
}

/// The error of a child that wrote a line that is not a reply.
fn bad_line(line: &[u8], why: &dyn std::fmt::Display) -> CaseError {
    /// The number of bytes that are quoted: enough to recognise the source of the line.
    const SHOWN: usize = 100;
    let shown = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
    let rest = if line.len() > SHOWN { "..." } else { "" };
    let message = format!(
        "the case's process wrote a line that is not a reply: {:?}{rest} ({why}); standard output is reserved for replies, \
         as FORMAT.md defines them: write anything else to standard error, and in a program with a `Harness` nothing before \
         it calls `main`",
        shown.trim_end()
    );
    CaseError::new(ErrorKind::Protocol, message)
}

/// The error of a reply that does not belong to the request.
pub(super) fn unexpected(reply: &Reply) -> CaseError {
    CaseError::new(ErrorKind::Protocol, format!("unexpected reply: {reply:?}"))
}

/// Splits the output of a pipe into lines.
struct Lines {
    pipe: File,
    buffer: Vec<u8>,
    /// The first bytes of `buffer`, which are known to contain no line end.
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

    /// A shell script instead of a child.
    fn session(script: &str, root: Root) -> (TempDir, ChildProcess) {
        let folder = TempDir::new().unwrap();
        let program = folder.path().join("child");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let session = ChildProcess::spawn(Command::new(program), LONG, root).unwrap();
        (folder, session)
    }

    #[test]
    fn a_timeout_error_has_the_last_output_of_the_case() {
        let (_folder, mut session) = session("echo worker 3 waits >&2; read line", Root::default());
        // Wait until it has written its line.
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
            error.message.ends_with("; its last output: worker 3 waits"),
            "{}",
            error.message
        );
    }

    /// A machine with a control group of 64 MiB, and the file that counts the kills in it.
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
    fn the_error_of_a_child_killed_by_the_oom_killer_says_so() {
        let (machine, events) = small_container();
        let kill = format!("echo oom_kill 4 > {events}; kill -9 $$");
        let (_folder, mut session) = session(&kill, machine.root.clone());
        let message = session.reply(&mut Patience).unwrap_err().message;
        for words in ["killed by signal 9", "lack of memory", "may use 64.0 MiB"] {
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn the_error_of_a_child_killed_by_somebody_does_not_blame_memory() {
        let (machine, _) = small_container();
        let (_folder, mut session) = session("kill -9 $$", machine.root.clone());
        let message = session.reply(&mut Patience).unwrap_err().message;
        assert!(
            message.contains("killed by signal 9") && !message.contains("memory"),
            "{message}"
        );
    }

    #[test]
    fn the_error_of_a_worker_killed_by_the_oom_killer_says_so() {
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
                .contains("lack of memory")
        );
        assert_eq!(session.explained(died(libc::SIGSEGV)).message, "it died");
    }

    #[test]
    fn a_bad_line_is_shortened_and_escaped() {
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
