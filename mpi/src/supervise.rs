//! A rank in two processes. MPI runs in the second; the first waits for it, so that somebody is left to say by which signal a
//! rank was killed. If the first is killed, the second says so and ends. The launcher passes on to the parent what they write.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd};
use std::thread;
use std::time::{Duration, Instant};

use crate::pmi::{self, is_ready};
use crate::trouble::Trouble;

/// The number of this rank, before MPI runs: the launchers name it in the environment.
fn rank_name() -> String {
    [
        "PMI_RANK",
        "OMPI_COMM_WORLD_RANK",
        "PMIX_RANK",
        "SLURM_PROCID",
    ]
    .iter()
    .find_map(|name| std::env::var(name).ok())
    .unwrap_or_else(|| "?".into())
}

/// Lets this process receive `signal` when its parent dies, which is `parent`.
fn hear_of_the_end(parent: libc::pid_t, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: sets a signal of this process, and takes no pointers.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: returns a number. If the parent has died before the call above, no signal comes.
    if unsafe { libc::getppid() } != parent {
        return Err(io::Error::other("the parent is gone"));
    }
    Ok(())
}

/// The signal by which one first process asks the others of its host to end.
const END: libc::c_int = libc::SIGUSR1;

/// The signal by which the second process hears that the first is dead.
const ORPHANED: libc::c_int = libc::SIGUSR2;

/// How long the others may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Returns in the second process. The first ends here, with the exit code of the second; if it was killed, with code 1 and
/// an error line that names rank and signal. If the code is not 0, the other ranks of this host end first: a launcher that
/// has to kill them writes lines of its own after the error.
///
/// # Errors
///
/// If the system refuses a process.
pub fn supervised() -> io::Result<()> {
    // SAFETY: returns a number.
    let launcher = unsafe { libc::getppid() };
    hear_of_the_end(launcher, libc::SIGKILL)?;
    let (before, awaited) = block(&[libc::SIGCHLD, END])?;
    // SAFETY: returns a number.
    let here = unsafe { libc::getpid() };
    // SAFETY: this process has one thread and holds no lock.
    let child = unsafe { libc::fork() };
    match child {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: the set was filled by `block`.
            unsafe { libc::sigprocmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
            return watch(launcher, here);
        }
        _ => {}
    }
    let status = loop {
        let mut status = 0;
        // SAFETY: the child is that of this process, and the place is valid.
        if unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == child {
            break status;
        }
        if next_signal(&awaited, None) == Some(END) {
            // SAFETY: the child was not waited for, so its id is its own.
            unsafe { libc::kill(child, libc::SIGKILL) };
            // SAFETY: as above.
            unsafe { libc::waitpid(child, &mut status, 0) };
            pmi::leave();
            std::process::exit(1);
        }
    };
    if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
        std::process::exit(0);
    }
    if libc::WIFSIGNALED(status) {
        let by = format!("by signal {}", libc::WTERMSIG(status));
        say_killed(&mut io::stdout(), &by);
    }
    end_others(launcher, here, &awaited);
    // Ranks of other hosts are left to the launcher.
    if pmi::is_one_host() {
        pmi::leave();
    }
    std::process::exit(1);
}

/// Writes the error line of a rank that was killed.
fn say_killed(replies: &mut impl Write, by: &str) {
    let message = format!("rank {} was killed {by}", rank_name());
    let line = Trouble::new("worker-died", message).to_json();
    // If nobody listens any more, nobody needs the line.
    let _ = replies.write_all(format!("{line}\n").as_bytes());
}

/// Starts a thread of the second process that waits for the death of the first, `first`. It sleeps until then.
fn watch(launcher: libc::pid_t, first: libc::pid_t) -> io::Result<()> {
    // Threads that start later inherit the mask, so the signal is left to the thread that waits for it.
    let (_, awaited) = block(&[ORPHANED])?;
    // SAFETY: standard output is open, and a copy of it belongs to nobody else.
    let copy = unsafe { libc::fcntl(1, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the copy is open and belongs to nobody else.
    let mut replies = unsafe { File::from_raw_fd(copy) };
    // Opened now, because a moment after the death only an open file can be read as quickly as the launcher asks.
    let mut state = File::open(format!("/proc/{first}/stat"))?;
    hear_of_the_end(first, ORPHANED)?;
    let watcher = thread::Builder::new().stack_size(1 << 17);
    watcher.spawn(move || {
        // The signal may also come from somebody else.
        // SAFETY: returns a number.
        while next_signal(&awaited, None) != Some(ORPHANED) || unsafe { libc::getppid() } == first {
        }
        let by = match death_signal(&mut state) {
            Some(signal) => format!("by signal {signal}"),
            None => "by a signal that only its launcher knows".into(),
        };
        // A pipe that nobody reads would keep this process. One with room for some bytes has room for a line.
        if is_ready(replies.as_raw_fd(), libc::POLLOUT, FAREWELL) {
            say_killed(&mut replies, &by);
        }
        end_others(launcher, first, &awaited);
        // Ranks of other hosts are left to the launcher.
        if pmi::is_one_host() {
            pmi::leave();
        }
        // SAFETY: ends this process. What other threads do is lost, as if they were killed.
        unsafe { libc::_exit(1) };
    })?;
    Ok(())
}

/// The signal that killed a process, from its `/proc/PID/stat`, as long as its parent has not asked for it.
fn death_signal(state: &mut File) -> Option<libc::c_int> {
    let mut place = [0; 1024];
    state.rewind().ok()?;
    let len = state.read(&mut place).ok()?;
    let text = std::str::from_utf8(&place[..len]).ok()?;
    let status = text.split_whitespace().next_back()?.parse().ok()?;
    libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status))
}

/// Blocks signals, to wait for them. Returns the mask from before, and these signals.
fn block(signals: &[libc::c_int]) -> io::Result<(libc::sigset_t, libc::sigset_t)> {
    let (mut before, mut awaited) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: fills the set.
    unsafe { libc::sigemptyset(awaited.as_mut_ptr()) };
    for signal in signals {
        // SAFETY: the set was filled above, and the signals exist.
        unsafe { libc::sigaddset(awaited.as_mut_ptr(), *signal) };
    }
    // SAFETY: the set was filled above, and the place for the mask is valid.
    let code = unsafe { libc::sigprocmask(libc::SIG_BLOCK, awaited.as_ptr(), before.as_mut_ptr()) };
    if code != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above has written it.
    let before = unsafe { before.assume_init() };
    // SAFETY: it was filled first.
    Ok((before, unsafe { awaited.assume_init() }))
}

/// Waits for one of these blocked signals; for at most this long, if a time is given.
fn next_signal(awaited: &libc::sigset_t, limit: Option<Duration>) -> Option<libc::c_int> {
    let time = limit.map(|limit| libc::timespec {
        tv_sec: limit.as_secs() as libc::time_t,
        tv_nsec: limit.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the set and the time outlive the call, and nothing else is asked for.
    let signal = unsafe { libc::sigtimedwait(awaited, std::ptr::null_mut(), time) };
    Some(signal).filter(|signal| *signal > 0)
}

/// Asks the first processes of other ranks of this host to end, and waits for them. That of this rank is `first`.
fn end_others(launcher: libc::pid_t, first: libc::pid_t, awaited: &libc::sigset_t) {
    // That of Open MPI ends them itself, and writes only to standard error. If several end while it does so, it sometimes
    // waits for ever.
    if std::env::var_os("OMPI_COMM_WORLD_RANK").is_some() {
        return;
    }
    let path = format!("/proc/{launcher}/task/{launcher}/children");
    let children = fs::read_to_string(path).unwrap_or_default();
    let name = |id: libc::pid_t| fs::read(format!("/proc/{id}/comm")).ok();
    let own_name = fs::read("/proc/self/comm").ok();
    let others: Vec<libc::pid_t> = children
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .filter(|id| *id != first && name(*id) == own_name)
        .collect();
    for other in &others {
        // SAFETY: sends a signal to a child of the same launcher, which runs this program. It handles the signal.
        unsafe { libc::kill(*other, END) };
    }
    let deadline = Instant::now() + FAREWELL;
    let is_there = |id: &libc::pid_t| name(*id) == own_name && !is_zombie(*id);
    while others.iter().any(is_there) && Instant::now() < deadline {
        // Another rank that ended by itself at the same time asks this one.
        if next_signal(awaited, Some(Duration::from_millis(1))) == Some(END) {
            return;
        }
    }
}

fn is_zombie(id: libc::pid_t) -> bool {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    text.rsplit_once(')')
        .is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
}
