//! Runs other programs within limits.
//!
//! A program may hang, and may write without end. Each program therefore gets a limit on its time and on its output.
//! If it exceeds a limit, or if the user interrupts, it is killed with all processes that it started in its group.
//! [`run`] returns its output; [`git`] asks the `git` program.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, set_parent_process_death_signal,
    setsid,
};

pub(crate) mod git;
mod tail;

use crate::system::no_process_descriptor;
use tail::FILLS_OF_A_PIPE;
pub(crate) use tail::Tail;

/// How often to check whether the user has interrupted.
const TICK: Duration = Duration::from_millis(100);
/// How many bytes are kept from the end of standard error.
pub(crate) const LAST_WORDS_BYTES: usize = 4096;

/// The limits of a program.
pub(crate) struct Limits<'a> {
    /// The program is killed if it has not ended after this time; `None` for no limit.
    pub time: Option<Duration>,
    /// The program is killed if it writes more bytes than this to standard output.
    pub output_bytes: usize,
    /// The program is killed when this returns `true`.
    pub is_cancelled: &'a dyn Fn() -> bool,
}

/// The result of a program that has ended.
#[derive(Debug)]
pub(crate) struct ProgramOutput {
    /// How it ended.
    pub status: ExitStatus,
    /// Everything that it wrote to standard output.
    pub output: Vec<u8>,
    /// The end of what it wrote to standard error; empty if the user has seen it.
    pub last_words: String,
}

/// Why a program did not end by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ForeignError {
    /// It could not be started.
    #[error("cannot run {program}: {error}")]
    Start {
        /// The program.
        program: String,
        /// The error of the system.
        error: io::Error,
    },
    /// Its output could not be read.
    #[error("cannot read the output of {program}: {error}")]
    Read {
        /// The program.
        program: String,
        /// The error of the system.
        error: io::Error,
    },
    /// It took too long.
    #[error("{program} did not end within {} s and was killed", limit.as_secs_f64())]
    Timeout {
        /// The program.
        program: String,
        /// The time limit.
        limit: Duration,
    },
    /// It wrote too much.
    #[error("{program} wrote more than {limit_bytes} bytes to standard output and was killed")]
    Output {
        /// The program.
        program: String,
        /// The output limit, in bytes.
        limit_bytes: usize,
    },
    /// The user interrupted.
    #[error("{program} was interrupted")]
    Cancelled {
        /// The program.
        program: String,
    },
}

/// Runs a program without input, and returns its output.
///
/// # Errors
///
/// If it cannot be started, exceeds a limit or is cancelled. If it fails, only its exit status says so.
pub(crate) fn run(
    command: &mut Command,
    limits: &Limits<'_>,
) -> Result<ProgramOutput, ForeignError> {
    RunningProgram::start(command.stderr(Stdio::piped()))?.finish(limits)
}

/// Runs a program without input. The user sees its standard error; its standard output is returned.
///
/// # Errors
///
/// As for [`run`].
pub(crate) fn run_in_view(
    command: &mut Command,
    limits: &Limits<'_>,
) -> Result<ProgramOutput, ForeignError> {
    RunningProgram::start(command.stderr(Stdio::inherit()))?.finish(limits)
}

/// A started program. If this is dropped before the program has ended, the program and its group are killed.
struct RunningProgram {
    program: String,
    child: Child,
    exit: OwnedFd,
    output: Option<Tail>,
    errors: Option<Tail>,
    has_ended: bool,
}

impl RunningProgram {
    fn start(command: &mut Command) -> Result<Self, ForeignError> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        leave_terminal(command);
        let start = || -> io::Result<(Child, OwnedFd)> {
            let mut child = command.spawn()?;
            match pidfd_open(pid(&child), PidfdFlags::empty()) {
                Ok(exit) => Ok((child, exit)),
                Err(error) => {
                    kill_group(&child);
                    child.wait()?;
                    Err(no_process_descriptor(error))
                }
            }
        };
        let (mut child, exit) = { start }().map_err(|error| ForeignError::Start {
            program: program.clone(),
            error,
        })?;
        let output = child.stdout.take().map(OwnedFd::from);
        let errors = child.stderr.take().map(OwnedFd::from);
        Ok(Self {
            program,
            child,
            exit,
            output: output.map(|pipe| Tail::new(pipe, usize::MAX)),
            errors: errors.map(|pipe| Tail::new(pipe, LAST_WORDS_BYTES)),
            has_ended: false,
        })
    }

    fn finish(mut self, limits: &Limits<'_>) -> Result<ProgramOutput, ForeignError> {
        let start = Instant::now();
        let mut has_exited = false;
        while !has_exited {
            self.check(start, limits)?;
            let left = limits.time.map(|time| time.saturating_sub(start.elapsed()));
            (has_exited, _) = self.wait(left.map_or(TICK, |left| left.min(TICK)))?;
        }
        // A process that it left running may hold the pipes open forever, so only what is in them now is read.
        for _ in 0..FILLS_OF_A_PIPE {
            self.check_output(limits)?;
            if !self.wait(Duration::ZERO)?.1 {
                break;
            }
        }
        let status = self.child.wait().map_err(|error| self.unreadable(error))?;
        self.has_ended = true;
        Ok(ProgramOutput {
            status,
            output: self.output.take().map_or(Vec::new(), Tail::into_bytes),
            last_words: self.errors.as_ref().map_or(String::new(), Tail::text),
        })
    }

    /// Fails if a limit is exceeded.
    fn check(&self, start: Instant, limits: &Limits<'_>) -> Result<(), ForeignError> {
        let program = || self.program.clone();
        if (limits.is_cancelled)() {
            return Err(ForeignError::Cancelled { program: program() });
        }
        if let Some(limit) = limits.time.filter(|limit| start.elapsed() >= *limit) {
            let program = program();
            return Err(ForeignError::Timeout { program, limit });
        }
        self.check_output(limits)
    }

    /// Fails if it has written more than the limit.
    fn check_output(&self, limits: &Limits<'_>) -> Result<(), ForeignError> {
        let limit_bytes = limits.output_bytes;
        match &self.output {
            Some(output) if output.len() > limit_bytes => Err(ForeignError::Output {
                program: self.program.clone(),
                limit_bytes,
            }),
            _ => Ok(()),
        }
    }

    /// Waits until there is something to read or the program has exited, at most this long, and reads what there is.
    /// Returns whether it has exited, and whether something was read.
    fn wait(&mut self, at_most: Duration) -> Result<(bool, bool), ForeignError> {
        self.poll(at_most).map_err(|error| self.unreadable(error))
    }

    fn poll(&mut self, at_most: Duration) -> io::Result<(bool, bool)> {
        let timeout = Timespec::try_from(at_most).map_err(io::Error::other)?;
        let mut open: Vec<&mut Tail> = [&mut self.output, &mut self.errors]
            .into_iter()
            .flatten()
            .filter(|tail| !tail.has_ended())
            .collect();
        let mut fds = vec![PollFd::new(&self.exit, PollFlags::IN)];
        fds.extend(
            open.iter()
                .map(|tail| PollFd::from_borrowed_fd(tail.pipe(), PollFlags::IN)),
        );
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut has_read = false;
        for (tail, _) in open
            .iter_mut()
            .zip(&ready[1..])
            .filter(|(_, ready)| **ready)
        {
            tail.fill()?;
            has_read = true;
        }
        Ok((ready[0], has_read))
    }

    fn unreadable(&self, error: io::Error) -> ForeignError {
        ForeignError::Read {
            program: self.program.clone(),
            error,
        }
    }
}

impl Drop for RunningProgram {
    fn drop(&mut self) {
        if !self.has_ended {
            kill_group(&self.child);
            // If this fails, nothing more can be done.
            let _ = self.child.wait();
        }
    }
}

/// Gives the program its own session, so that it can be killed with all processes that it starts, Ctrl-C reaches
/// only us, and a password prompt fails at once instead of waiting. It dies with us.
fn leave_terminal(command: &mut Command) {
    let leave = || {
        setsid()?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        Ok(())
    };
    // SAFETY: between fork and exec it makes two system calls and touches none of our memory.
    unsafe { command.pre_exec(leave) };
}

/// Kills a child and its whole group. The child must be the leader of the group.
pub(crate) fn kill_group(child: &Child) {
    // Fails only if nothing is left to kill. The child was not reaped, so its id is still its own.
    let _ = kill_process_group(pid(child), Signal::KILL);
}

pub(crate) fn pid(child: &Child) -> Pid {
    let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    number.expect("process ids are positive")
}

#[cfg(test)]
mod tests;
