//! A rank in two processes. MPI runs in the second; the first waits for it, so that somebody is left to say by which signal a
//! rank was killed. The launcher passes what it writes on to the parent.

use std::fs;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

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

/// Lets this process die when its parent does, which is `parent`.
fn die_with(parent: libc::pid_t) -> io::Result<()> {
    // SAFETY: sets a signal of this process, and takes no pointers.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: returns a number. If the parent has died before the call above, no signal comes.
    if unsafe { libc::getppid() } != parent {
        return Err(io::Error::other("the launcher is gone"));
    }
    Ok(())
}

/// The signal by which one first process asks the others of its host to end.
const END: libc::c_int = libc::SIGUSR1;

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
    die_with(launcher)?;
    let (before, awaited) = block()?;
    // SAFETY: returns a number.
    let here = unsafe { libc::getpid() };
    // SAFETY: this process has one thread and holds no lock.
    let child = unsafe { libc::fork() };
    match child {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: the set was filled by `block`.
            unsafe { libc::sigprocmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
            return die_with(here);
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
            leave();
            std::process::exit(1);
        }
    };
    if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
        std::process::exit(0);
    }
    if libc::WIFSIGNALED(status) {
        let signal = libc::WTERMSIG(status);
        let message = format!("rank {} was killed by signal {signal}", rank_name());
        let line = Trouble::new("worker-died", message).to_json();
        // If nobody listens any more, nobody needs the line.
        let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
    }
    end_others(launcher, here, &awaited);
    // Ranks of other hosts are left to the launcher.
    if number("MPI_LOCALNRANKS") == number("PMI_SIZE") {
        leave();
    }
    std::process::exit(1);
}

fn number(name: &str) -> Option<u32> {
    std::env::var(name).ok()?.parse().ok()
}

/// Blocks the signals that the first process awaits. Returns the mask from before, and these signals.
fn block() -> io::Result<(libc::sigset_t, libc::sigset_t)> {
    let (mut before, mut awaited) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: fills the set.
    unsafe { libc::sigemptyset(awaited.as_mut_ptr()) };
    for signal in [libc::SIGCHLD, END] {
        // SAFETY: the set was filled above, and the signals exist.
        unsafe { libc::sigaddset(awaited.as_mut_ptr(), signal) };
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

/// Asks the first processes of other ranks of this host to end, and waits for them.
fn end_others(launcher: libc::pid_t, here: libc::pid_t, awaited: &libc::sigset_t) {
    let path = format!("/proc/{launcher}/task/{launcher}/children");
    let children = fs::read_to_string(path).unwrap_or_default();
    let name = |id: libc::pid_t| fs::read(format!("/proc/{id}/comm")).ok();
    let own_name = name(here);
    let others: Vec<libc::pid_t> = children
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .filter(|id| *id != here && name(*id) == own_name)
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

/// Tells MPICH's launcher that this rank ends on purpose, so that it does not kill the others and say so. Other launchers
/// have no such descriptor.
fn leave() {
    let Some(descriptor) = number("PMI_FD") else {
        return;
    };
    let descriptor = descriptor as libc::c_int;
    let words = b"cmd=finalize\n";
    // SAFETY: the words outlive the call. The launcher has opened the descriptor for this process, and the rank that also
    // used it has ended. If it is closed, nothing is written.
    unsafe { libc::write(descriptor, words.as_ptr().cast(), words.len()) };
    // The launcher fails if nobody takes its answer.
    let mut answers = libc::pollfd {
        fd: descriptor,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one descriptor, at a valid place.
    if unsafe { libc::poll(&mut answers, 1, FAREWELL.as_millis() as libc::c_int) } > 0 {
        let mut place = [0u8; 256];
        // SAFETY: the place has as many bytes as are stated. What is read does not matter.
        unsafe { libc::read(descriptor, place.as_mut_ptr().cast(), place.len()) };
    }
}
