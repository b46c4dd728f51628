//! Worker processes: how they are started, set up, watched and ended.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::backend::Placement;
use crate::execute::{Ending, Halt, Job};
use crate::system::no_process_descriptor;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, WaitOptions, getpid, getppid,
    kill_process, pidfd_open, pidfd_send_signal, set_parent_process_death_signal, waitid, waitpid,
};

/// A forked child, identified by a descriptor that never refers to another process.
pub(in crate::backend) struct WorkerProcess {
    pub(in crate::backend) pid: Pid,
    descriptor: OwnedFd,
}

/// Checks that this process may fork.
///
/// # Errors
///
/// If it has a second thread, or if the system does not say.
pub(in crate::backend) fn require_one_thread() -> io::Result<()> {
    // SAFETY: if there are no other threads, leaving them changes nothing; if there are, the call is refused
    // (unshare(2)).
    if unsafe { libc::unshare(libc::CLONE_THREAD) } == 0 {
        return Ok(());
    }
    // A sandbox may refuse the call too. This folder has one entry per thread; reading it takes 5 µs more.
    let threads = fs::read_dir("/proc/self/task").map_err(|error| {
        let text = format!("cannot tell whether this process may fork: /proc/self/task: {error}");
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

/// The number of children of this process, of any owner, that have ended since [`EndedChildren::watch`].
static ENDED_CHILDREN: AtomicU32 = AtomicU32::new(0);

/// Tells whether a child has ended, at the cost of one load.
pub(in crate::backend) struct EndedChildren {
    seen: u32,
}

impl EndedChildren {
    /// Makes the kernel count the children that end, from now on and as long as this process lives. Each end also
    /// interrupts a sleep on a futex, and calls that wait for descriptors. The kernel restarts all other calls
    /// (signal(7)).
    ///
    /// If the process has its own handler or ignores the signal, nothing is changed and nothing is counted.
    pub(in crate::backend) fn watch() -> io::Result<Self> {
        extern "C" fn count_child(_: libc::c_int) {
            // Relaxed: only a hint to ask the kernel. Atomics are allowed in a handler.
            ENDED_CHILDREN.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: all bytes zero is the default action, without flags and with an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: it only writes the current action to a valid place.
        if unsafe { libc::sigaction(libc::SIGCHLD, std::ptr::null(), &mut action) } != 0 {
            return Err(io::Error::last_os_error());
        }
        if action.sa_sigaction == libc::SIG_DFL {
            action.sa_sigaction = count_child as extern "C" fn(libc::c_int) as usize;
            action.sa_flags = libc::SA_RESTART | libc::SA_NOCLDSTOP;
            // SAFETY: the handler does only what handlers may do.
            if unsafe { libc::sigaction(libc::SIGCHLD, &action, std::ptr::null_mut()) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Self {
            seen: ENDED_CHILDREN.load(Ordering::Relaxed),
        })
    }

    /// Whether any child has ended since the last call.
    pub(in crate::backend) fn are_news(&mut self) -> bool {
        // Relaxed: only a hint, see the handler, which runs on this thread.
        let now = ENDED_CHILDREN.load(Ordering::Relaxed);
        std::mem::replace(&mut self.seen, now) != now
    }
}

impl WorkerProcess {
    /// Forks a process that runs `body` and exits with the status that `body` returns. The caller must have called
    /// [`require_one_thread`], so that the child can use locks and memory.
    pub(in crate::backend) fn fork(body: impl FnOnce() -> i32) -> io::Result<Self> {
        let parent = getpid();
        // SAFETY: the process has one thread, so the child gets a complete copy of a state that no other thread was
        // changing.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                die_with(parent);
                let status = body();
                // SAFETY: `_exit` accepts any status and does not return. It runs no destructors and flushes
                // nothing, because all of that belongs to the parent.
                unsafe { libc::_exit(status) }
            }
            raw => Self::adopt(Pid::from_raw(raw).expect("fork returns a positive id")),
        }
    }

    fn adopt(pid: Pid) -> io::Result<Self> {
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => Ok(Self { pid, descriptor }),
            Err(error) => {
                // It is our child and nobody has waited for it, so the id is still its own. If either call fails, it
                // has already ended.
                let _ = kill_process(pid, Signal::KILL);
                let _ = retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()));
                Err(no_process_descriptor(error))
            }
        }
    }

    /// Kills it if it still lives.
    pub(in crate::backend) fn kill(&self) {
        // The only possible error is that it has ended.
        let _ = pidfd_send_signal(&self.descriptor, Signal::KILL);
    }

    /// Waits until it has ended, for at most `limit`; `false` if it has not. The ends of other children do not
    /// interrupt the wait, so that they do not cost a wake-up each.
    pub(in crate::backend) fn ends_within(&self, limit: Timespec) -> bool {
        let limit = libc::timespec {
            tv_sec: limit.tv_sec as _,
            tv_nsec: limit.tv_nsec as _,
        };
        let mut watched = libc::pollfd {
            fd: self.descriptor.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let blocked = blocked_with_child_signal();
        let ended_count = retry_on_intr(|| {
            // SAFETY: all pointers refer to values that outlive the call, and there is one descriptor.
            let count = unsafe { libc::ppoll(&mut watched, 1, &limit, &blocked) };
            match count {
                -1 => {
                    Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::INVAL))
                }
                count => Ok(count),
            }
        });
        ended_count.expect("descriptor and time-out are valid") > 0
    }

    /// Waits until it has ended, reaps it and returns how it ended.
    pub(in crate::backend) fn reap(self) -> Ending {
        let ended = retry_on_intr(|| {
            waitid(
                WaitId::PidFd(self.descriptor.as_fd()),
                WaitIdOptions::EXITED,
            )
        });
        // In a program that ignores SIGCHLD the kernel reaps the child, and the status is lost.
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

/// The signals that this thread blocks, and the one that tells that a child has ended.
fn blocked_with_child_signal() -> libc::sigset_t {
    // SAFETY: all bytes zero is an empty set.
    let mut blocked: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: without a new set it only writes the current one to a valid place.
    let read = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut blocked) };
    assert_eq!(read, 0, "a thread may read its own mask");
    // SAFETY: the set is valid, and so is the signal.
    unsafe { libc::sigaddset(&mut blocked, libc::SIGCHLD) };
    blocked
}

/// A process id as the standard library and [`Pool::worker_processes`](crate::backend::Pool::worker_processes) have it.
pub(in crate::backend) fn id(pid: Pid) -> u32 {
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
pub(in crate::backend) fn first_ended<'a>(
    processes: impl Iterator<Item = &'a WorkerProcess>,
    limit: Timespec,
) -> Option<usize> {
    let mut watched: Vec<PollFd<'_>> = processes
        .map(|process| PollFd::new(&process.descriptor, PollFlags::IN))
        .collect();
    retry_on_intr(|| poll(&mut watched, Some(&limit))).expect("descriptors and time-out are valid");
    watched.iter().position(|fd| !fd.revents().is_empty())
}

/// When a worker process must have finished a task. Without a limit, no clock is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::backend) struct Deadline(Instant);

impl Deadline {
    /// `limit` from now; `None` without a limit.
    pub(in crate::backend) fn after(limit: Option<Duration>) -> Option<Self> {
        limit.map(|limit| Self(Instant::now() + limit))
    }

    pub(in crate::backend) fn has_passed(self) -> bool {
        Instant::now() >= self.0
    }

    /// The time that is left, for [`wait_for_any`].
    pub(in crate::backend) fn left(self) -> Timespec {
        let left = self.0.saturating_duration_since(Instant::now());
        Timespec::try_from(left).expect("a deadline is at most centuries away")
    }
}

/// Waits until something happens on `watched`, for at most `limit` if there is one.
pub(in crate::backend) fn wait_for_any(watched: &mut [PollFd<'_>], limit: Option<Timespec>) {
    retry_on_intr(|| poll(watched, limit.as_ref())).expect("descriptors and time-out are valid");
}

/// Everything that worker process `me` does, bound as `placement` says. Returns its exit status: 1 if the run has
/// failed; the job then has the reason.
pub(in crate::backend) fn work(
    job: &Job,
    me: usize,
    placement: &Placement,
    body: impl FnOnce() -> Result<(), Halt>,
) -> i32 {
    // Panics of kernels are caught in the core; this catches our own. A child that unwinds must not return into the
    // coordinator's frames.
    let body = AssertUnwindSafe(|| {
        let ready = settle().and_then(|()| placement.enter(me));
        ready.map_err(|error| job.fail(format!("cannot set up worker {me}: {error}")))?;
        body()
    });
    let panicked = |_| Err(job.fail(format!("worker {me} panicked outside of a kernel")));
    i32::from(catch_unwind(body).unwrap_or_else(panicked).is_err())
}

/// Sets up a worker process. Its kernels must not read or write the streams of the coordinator, which carry a
/// protocol. It ignores an interrupt from the keyboard, which reaches the whole process group, because the
/// coordinator decides what to do about it.
///
/// A forked process maps each page of code again when it first runs it, so this uses as little code as possible: without
/// `std::fs`, a worker has five page faults less.
pub(in crate::backend) fn settle() -> io::Result<()> {
    let null = open(c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    // SAFETY: no handler is installed, so no code runs in signal context.
    if unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Makes the Linux kernel kill the calling process when `parent` ends.
fn die_with(parent: Pid) {
    let asked = set_parent_process_death_signal(Some(Signal::KILL));
    // It may have ended before the call.
    if asked.is_err() || getppid() != Some(parent) {
        // SAFETY: as in `fork`.
        unsafe { libc::_exit(1) }
    }
}
