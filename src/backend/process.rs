//! Worker processes: how they come, what they are set up with, how they are watched and how they go.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::Placement;
use crate::execute::{Ending, Halt, Job};
use crate::system::no_process_descriptor;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, WaitOptions, getpid, getppid,
    kill_process, pidfd_open, pidfd_send_signal, set_parent_process_death_signal, waitid, waitpid,
};

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
    // SAFETY: to part with the other threads of the process changes nothing where there are none, and is
    // refused where there are some (unshare(2)).
    if unsafe { libc::unshare(libc::CLONE_THREAD) } == 0 {
        return Ok(());
    }
    // A sandbox may refuse it as well. One entry a thread; it takes 5 us more to ask.
    let threads = fs::read_dir("/proc/self/task").map_err(|error| {
        let text =
            format!("whether this process may fork cannot be told: /proc/self/task: {error}");
        io::Error::new(error.kind(), text)
    });
    let count = threads?.count();
    if count == 1 {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "worker processes can only be forked from a process with one thread, and this one has {count}: \
         a child has only the thread that forked, and every lock that another held stays locked; start \
         the pool before any thread"
    )))
}

/// The children of this process that have ended since [`EndedChildren::watch`], whoever they belong to.
static ENDED_CHILDREN: AtomicU32 = AtomicU32::new(0);

/// Tells whether a child has ended, for the price of a load.
pub(super) struct EndedChildren {
    seen: u32,
}

impl EndedChildren {
    /// Has the kernel count the children that end, from now on and for as long as this process lives; and
    /// interrupt its sleep for each, where it sleeps on a futex. Calls that wait for descriptors are
    /// interrupted too, and all others are taken up again by the kernel (signal(7)).
    ///
    /// A process with a handler of its own, or that ignores the signal, keeps its ways, and nothing is counted.
    pub(super) fn watch() -> io::Result<Self> {
        extern "C" fn count_child(_: libc::c_int) {
            // Relaxed: a hint to ask the kernel, which knows. Atomics are allowed in a handler.
            ENDED_CHILDREN.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: all bytes zero is the default action, without flags and with an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: it only writes the present action to a valid place.
        if unsafe { libc::sigaction(libc::SIGCHLD, std::ptr::null(), &mut action) } != 0 {
            return Err(io::Error::last_os_error());
        }
        if action.sa_sigaction == libc::SIG_DFL {
            action.sa_sigaction = count_child as extern "C" fn(libc::c_int) as usize;
            action.sa_flags = libc::SA_RESTART | libc::SA_NOCLDSTOP;
            // SAFETY: the handler does nothing but what handlers may do.
            if unsafe { libc::sigaction(libc::SIGCHLD, &action, std::ptr::null_mut()) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Self {
            seen: ENDED_CHILDREN.load(Ordering::Relaxed),
        })
    }

    /// Whether any has ended since it was last asked.
    pub(super) fn are_news(&mut self) -> bool {
        // Relaxed: see the handler, which runs on this thread.
        let now = ENDED_CHILDREN.load(Ordering::Relaxed);
        std::mem::replace(&mut self.seen, now) != now
    }
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
                Err(no_process_descriptor(error))
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

/// Readable once the process has ended.
impl AsFd for WorkerProcess {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// A process id as the standard library and [`Pool::worker_processes`](super::Pool::worker_processes) have it.
pub(super) fn id(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().cast_unsigned()
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

/// When a worker process has to be through with a task. Where a plan sets no limit, no clock is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// `limit` from now, if there is a limit.
    pub(super) fn after(limit: Option<Duration>) -> Option<Self> {
        limit.map(|limit| Self(Instant::now() + limit))
    }

    pub(super) fn has_passed(self) -> bool {
        Instant::now() >= self.0
    }

    /// The time that is left, for [`wait_for_any`].
    pub(super) fn left(self) -> Timespec {
        let left = self.0.saturating_duration_since(Instant::now());
        Timespec::try_from(left).expect("a deadline is at most centuries away")
    }
}

/// Waits until something happens on `watched`, for at most `limit` if there is one.
pub(super) fn wait_for_any(watched: &mut [PollFd<'_>], limit: Option<Timespec>) {
    retry_on_intr(|| poll(watched, limit.as_ref())).expect("descriptors and time-out are valid");
}

/// All that worker process `me` does, where `placement` has it. Returns its exit status: 1 when the
/// run has failed, for a reason that the job then has.
pub(super) fn work(
    job: &Job,
    me: usize,
    placement: &Placement,
    body: impl FnOnce() -> Result<(), Halt>,
) -> i32 {
    // Kernels' panics are caught in the core; this is for our own. An unwinding child must not get back
    // into the coordinator's frames.
    let body = AssertUnwindSafe(|| {
        let ready = settle().and_then(|()| placement.enter(me));
        ready.map_err(|error| job.fail(format!("worker {me} could not be set up: {error}")))?;
        body()
    });
    let panicked = |_| Err(job.fail(format!("worker {me} panicked outside of a kernel")));
    i32::from(catch_unwind(body).unwrap_or_else(panicked).is_err())
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
