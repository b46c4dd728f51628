//! Worker processes: how they come, what they are set up with, how they are watched and how they go.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use crate::execute::Ending;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, WaitOptions, getpid, getppid,
    kill_process, pidfd_open, pidfd_send_signal, set_parent_process_death_signal, waitid, waitpid,
};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A forked child, known by a descriptor that no other process can come to stand for.
pub(super) struct WorkerProcess {
    pub(super) pid: Pid,
    descriptor: OwnedFd,
}

/// Makes sure that this process may fork.
///
/// # Errors
///
/// When it has a second thread, or the system does not tell.
pub(super) fn require_one_thread() -> io::Result<()> {
    // One entry a thread. `/proc/self/status` says it too, and takes 15 us more to ask.
    let count = fs::read_dir("/proc/self/task")?.count();
    if count == 1 {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "worker processes can only be forked from a process with one thread, and this one has {count}: \
         a child has only the thread that forked, and every lock that another held stays locked; start \
         the pool before any thread"
    )))
}

/// The cores that this process may run on.
pub(super) fn allowed_cores() -> io::Result<Vec<usize>> {
    let allowed = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|core| allowed.is_set(*core))
        .collect())
}

/// Binds the calling thread to one core.
pub(super) fn pin_to(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

impl WorkerProcess {
    /// Forks a process that runs `body` and exits with the status it returns. The caller must have seen
    /// to it, with [`require_one_thread`], that the child can use locks and memory.
    pub(super) fn fork(body: impl FnOnce() -> i32) -> io::Result<Self> {
        let parent = getpid();
        // SAFETY: the process has one thread, so the child starts in a whole copy of a state that no
        // other thread was about to change.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                die_with(parent);
                let status = body();
                // SAFETY: `_exit` takes any status and does not return. It runs no destructors and
                // flushes nothing: all of that belongs to the parent.
                unsafe { libc::_exit(status) }
            }
            raw => Self::adopt(Pid::from_raw(raw).expect("fork returns a positive id")),
        }
    }

    fn adopt(pid: Pid) -> io::Result<Self> {
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => Ok(Self { pid, descriptor }),
            Err(error) => {
                // It is our child and nobody has waited for it, so the id is still its own. Should
                // either call fail, it is gone already.
                let _ = kill_process(pid, Signal::KILL);
                let _ = retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()));
                Err(error.into())
            }
        }
    }

    /// Kills it, if it still lives.
    pub(super) fn kill(&self) {
        // An error can only say that it has ended.
        let _ = pidfd_send_signal(&self.descriptor, Signal::KILL);
    }

    /// Waits until it has ended, lays its process to rest and says how it ended.
    pub(super) fn reap(self) -> Ending {
        let ended = retry_on_intr(|| {
            waitid(
                WaitId::PidFd(self.descriptor.as_fd()),
                WaitIdOptions::EXITED,
            )
        });
        // A host that ignores SIGCHLD has the kernel reap for it, and is told nothing.
        ended
            .ok()
            .flatten()
            .map_or(Ending::Unknown, |status| ending(&status))
    }
}

fn ending(status: &WaitIdStatus) -> Ending {
    match (status.terminating_signal(), status.exit_status()) {
        (Some(signal), _) => Ending::Signal(signal),
        (_, Some(code)) => Ending::Exit(code),
        _ => Ending::Unknown,
    }
}

/// The index of a process that has ended, if one ends within `limit`.
pub(super) fn first_ended<'a>(
    processes: impl Iterator<Item = &'a WorkerProcess>,
    limit: Timespec,
) -> Option<usize> {
    let mut watched: Vec<PollFd<'_>> = processes
        .map(|process| PollFd::new(&process.descriptor, PollFlags::IN))
        .collect();
    retry_on_intr(|| poll(&mut watched, Some(&limit))).expect("descriptors and time-out are valid");
    watched.iter().position(|fd| !fd.revents().is_empty())
}

/// Sets up a worker process: nothing that its kernel prints or reads may touch the streams of the
/// coordinator, which carry a protocol; an interrupt from the keyboard, which reaches the whole group of
/// processes, is the coordinator's to decide about.
pub(super) fn settle() -> io::Result<()> {
    let null = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    // SAFETY: no handler is installed, so nothing runs in signal context.
    if unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Has the kernel kill the calling process when `parent` ends.
fn die_with(parent: Pid) {
    let asked = set_parent_process_death_signal(Some(Signal::KILL));
    // It may have ended before the kernel was asked.
    if asked.is_err() || getppid() != Some(parent) {
        // SAFETY: as in `fork`.
        unsafe { libc::_exit(1) }
    }
}
