//! A child process that is spoken to in lines of JSON, and the errors of one that does not answer.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use super::child_end::{ChildEnd, LONGEST_EXIT};
use super::lines::Lines;
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

/// How long a child that has written something else than a reply may take to fail.
const LONGEST_FAREWELL: Duration = Duration::from_secs(1);

/// How long what it has started may take to end after it.
const LONGEST_AFTERLIFE: Duration = Duration::from_secs(1);

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
    /// The reply to the last request, in words.
    awaited: &'static str,
    /// Whether it has sent its last reply and will exit.
    pub(super) has_finished: bool,
    has_ended: bool,
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
            awaited: "a request of the parent",
            has_finished: false,
            has_ended: false,
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

    /// Ends the child and everything that it has started, and returns how that went. A child that has sent its last reply
    /// may exit by itself first, and remove what it has left elsewhere.
    pub(super) fn end(&mut self) -> ChildEnd {
        self.has_ended = true;
        self.requests = None;
        let has_exited = self.has_finished && self.has_exited_within(LONGEST_EXIT);
        let ended = match has_exited {
            true => self.tree.end_after(LONGEST_AFTERLIFE),
            false => self.tree.end(),
        };
        let status = self.child.wait().ok();
        ChildEnd {
            status: status.filter(|_| has_exited),
            left_behind_count: ended.left_behind_count,
            survivors: ended.survivors,
        }
    }

    fn has_exited_within(&self, at_most: Duration) -> bool {
        let mut exit = [PollFd::new(&self.exit, PollFlags::IN)];
        let at_most = Timespec::try_from(at_most).expect("a few seconds");
        // If this fails, the child is killed next, as one that does not exit.
        poll(&mut exit, Some(&at_most)).is_ok_and(|ready_count| ready_count > 0)
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
        self.awaited = request.awaited();
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
                let reply = match serde_json::from_slice(&line) {
                    Ok(reply) => reply,
                    Err(error) => return Err(self.no_reply(line, &error)),
                };
                return match reply {
                    Reply::Error(error) => Err(self.replied(error)),
                    reply => Ok(reply),
                };
            }
            if self.replies.ended && self.child.try_wait().is_ok_and(|left| left.is_some()) {
                let rest = self.replies.rest().to_vec();
                return Err(self.death(&rest));
            }
            if self.replies.rest().len() > MOST_REPLY_BYTES {
                return Err(bad_line(self.replies.rest(), &"the line does not end"));
            }
            if idle.is_cancelled() {
                return Err(CaseError::new(
                    ErrorKind::Cancelled,
                    "the run was interrupted",
                ));
            }
            let now = Instant::now();
            if now >= self.deadline {
                return Err(self.too_late());
            }
            let wake = idle.idle().min(self.deadline);
            self.wait(wake.saturating_duration_since(now))
                .map_err(|error| CaseError::new(ErrorKind::Protocol, error.to_string()))?;
        }
    }

    /// Waits for output or the child's exit, at most this long, and reads what is available.
    fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        let timeout = Timespec::try_from(at_most).map_err(io::Error::other)?;
        // A child that has closed its output may still be running, and one that has exited may have left its output open
        // in another process. A stream that has ended is always ready, so the exit takes its place.
        let exit = self.exit.as_fd();
        let replies = match self.replies.ended {
            true => exit,
            false => self.replies.pipe.as_fd(),
        };
        let errors = match self.stderr.has_ended() {
            true => exit,
            false => self.stderr.pipe(),
        };
        let mut fds = [exit, replies, errors].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [has_exited, has_reply, has_errors] = fds.map(|fd| !fd.revents().is_empty());
        if has_exited {
            self.replies.fill_last()?;
        } else if has_reply {
            self.replies.fill()?;
        }
        if has_errors && !self.stderr.has_ended() {
            self.stderr.fill()?;
        }
        Ok(())
    }

    /// The error of a reply that does not belong to the request.
    pub(super) fn unexpected(&self, reply: &Reply) -> CaseError {
        let message = format!(
            "the child sent `{}` where {}, was expected: FORMAT.md lists the replies to each request",
            reply.name(),
            self.awaited
        );
        CaseError::new(ErrorKind::Protocol, message)
    }

    /// The error of a child that has not replied in time.
    fn too_late(&mut self) -> CaseError {
        let last_words = self.last_words();
        let message = format!(
            "the case did not end within {} s and was killed while the parent waited for {}{last_words}",
            self.timeout.as_secs_f64(),
            self.awaited
        );
        CaseError::new(ErrorKind::Timeout, message)
    }

    /// The error that the child replied.
    fn replied(&mut self, error: CaseError) -> CaseError {
        self.has_replied_error = true;
        let mut error = self.explained(error);
        if error.kind == ErrorKind::Cancelled {
            // Only the parent cancels. It would give up all other cases too.
            error.kind = ErrorKind::Backend;
        }
        error
    }

    /// The error of a child that wrote a line that is not a reply. If it fails next, its end is the error: a launcher that
    /// was killed, or has lost a process, tells people so on standard output before it ends.
    fn no_reply(&mut self, line: Vec<u8>, why: &serde_json::Error) -> CaseError {
        let deadline = Instant::now() + LONGEST_FAREWELL;
        let status = loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                break Some(status);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let is_endless = self.replies.rest().len() > MOST_REPLY_BYTES;
            if left.is_zero() || is_endless || self.wait(left).is_err() {
                break None;
            }
        };
        if status.is_none_or(|status| status.success()) {
            return bad_line(&line, why);
        }
        // What it wrote before its end is there, even if nobody has waited for it.
        let _ = self.replies.fill_last();
        let said = [&line, self.replies.rest()].concat();
        let replies = said
            .split(|byte| *byte == b'\n')
            .map(serde_json::from_slice);
        for reply in replies {
            if let Ok(Reply::Error(error)) = reply {
                return self.replied(error);
            }
        }
        self.death(&said)
    }

    /// The error of a child that ended without an error reply. `said` is what it wrote to standard output instead.
    fn death(&mut self, said: &[u8]) -> CaseError {
        let mut last_words = self.last_words();
        let said = &said[..said.len().min(LAST_WORDS_BYTES)];
        let said = String::from_utf8_lossy(said).trim().to_owned();
        if !said.is_empty() {
            last_words += &format!("; it wrote to standard output: {said}");
        }
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
        if !self.has_ended {
            self.end();
        }
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
    fn a_timeout_error_says_what_was_awaited_and_has_the_last_output_of_the_case() {
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
        let error = session.ask(&Request::Finish {}, &mut Patience).unwrap_err();
        assert_eq!(error.kind.name(), "timeout");
        let words = "waited for `finished`, the reply to `finish`; its last output: worker 3 waits";
        assert!(error.message.ends_with(words), "{}", error.message);
    }

    #[test]
    fn a_reply_to_another_request_is_named_with_the_one_that_was_expected() {
        let reply = r#"{"slice_done":{"findings":{"lost_updates_count":3}}}"#;
        let (_folder, mut session) =
            session(&format!("read line; echo '{reply}'"), Root::default());
        let reply = session.ask(&Request::Finish {}, &mut Patience).unwrap();
        let message = session.unexpected(&reply).message;
        let words = "`slice_done` where `finished`, the reply to `finish`, was expected";
        assert!(message.contains(words), "{message}");
        assert!(!message.contains("lost_updates"), "{message}");
    }

    /// A child that leaves a process behind, which holds its output and its standard error.
    const LEAVING: &str = "sleep 1000 & echo good bye >&2";

    #[test]
    fn the_exit_of_a_child_is_noticed_while_another_process_holds_its_output() {
        let script = format!("{LEAVING}; printf half; exit 3");
        let (_folder, mut session) = session(&script, Root::default());
        let error = session.reply(&mut Patience).unwrap_err();
        assert_eq!(error.kind.name(), "killed");
        for words in ["exit code 3", "its last output: good bye"] {
            assert!(error.message.contains(words), "{}", error.message);
        }
    }

    #[test]
    fn what_a_child_wrote_before_its_exit_is_read_and_its_end_is_judged() {
        let reply = r#"{"finished":{}}"#;
        let script = format!("{LEAVING}; read line; echo '{reply}'; exit 3");
        let (_folder, mut session) = session(&script, Root::default());
        let reply = session.ask(&Request::Finish {}, &mut Patience);
        assert!(matches!(reply, Ok(Reply::Finished(_))), "{reply:?}");
        session.has_finished = true;
        assert_eq!(
            session.end().remarks(),
            [
                "it left with exit code 3 after its last reply",
                "it left 1 process behind, which was killed"
            ]
        );
    }

    #[test]
    fn the_end_of_a_launcher_that_announces_it_is_no_mistake_in_the_protocol() {
        for (end, words) in [("exit 7", "exit code 7"), ("kill -15 $$", "signal 15")] {
            let banner = r"printf '\n==\n= BAD TERMINATION\n= half'";
            let script = format!("{LEAVING}; read line; {banner}; {end}");
            let (_folder, mut session) = session(&script, Root::default());
            let error = session.ask(&Request::Finish {}, &mut Patience).unwrap_err();
            assert_eq!(error.kind.name(), "killed");
            let said = "its last output: good bye; it wrote to standard output: ==\n= BAD TERMINATION\n= half";
            for words in [words, said] {
                assert!(error.message.contains(words), "{}", error.message);
            }
        }
    }

    #[test]
    fn an_error_reply_after_what_a_launcher_says_is_the_error() {
        let reply = r#"{"error":{"kind":"worker-died","message":"rank 1 was killed"}}"#;
        let (_folder, mut session) = session(
            &format!("echo oops; echo '{reply}'; exit 1"),
            Root::default(),
        );
        let error = session.reply(&mut Patience).unwrap_err();
        assert_eq!(error.kind.name(), "worker-died");
        assert!(session.has_replied_error);
    }

    #[test]
    fn who_goes_on_after_a_line_that_is_no_reply_does_not_know_the_protocol() {
        for end in ["exit 0", "exec sleep 1000"] {
            let (_folder, mut session) = session(&format!("echo oops; {end}"), Root::default());
            let error = session.reply(&mut Patience).unwrap_err();
            assert_eq!(error.kind.name(), "protocol");
            assert!(error.message.contains(r#""oops""#), "{}", error.message);
        }
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
