//! A rank in two processes. MPI runs in the second; the first waits for it, so that somebody is left to say by which signal a
//! rank was killed. The launcher passes what it writes on to the parent.

use std::io::{self, Write};

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

/// Returns in the second process. The first ends here, with the exit code of the second; if it was killed, with code 1 and
/// an error line that names rank and signal.
///
/// # Errors
///
/// If the system refuses a process.
pub fn supervised() -> io::Result<()> {
    // SAFETY: returns a number.
    let launcher = unsafe { libc::getppid() };
    die_with(launcher)?;
    // SAFETY: returns a number.
    let here = unsafe { libc::getpid() };
    // SAFETY: this process has one thread and holds no lock.
    let child = unsafe { libc::fork() };
    match child {
        -1 => return Err(io::Error::last_os_error()),
        0 => return die_with(here),
        _ => {}
    }
    let mut status = 0;
    loop {
        // SAFETY: the child is that of this process, and the place is valid.
        let ended = unsafe { libc::waitpid(child, &mut status, 0) };
        if ended == child {
            break;
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return Err(io::Error::last_os_error());
        }
    }
    if libc::WIFSIGNALED(status) {
        let signal = libc::WTERMSIG(status);
        let message = format!("rank {} was killed by signal {signal}", rank_name());
        let line = Trouble::new("worker-died", message).to_json();
        // If nobody listens any more, nobody needs the line.
        let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
        std::process::exit(1);
    }
    std::process::exit(libc::WEXITSTATUS(status));
}
