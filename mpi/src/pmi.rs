//! What a rank says to MPICH's launcher beside what MPI says: lines on a descriptor that the launcher has opened. Other
//! launchers have no such descriptor, and are told nothing.

use std::time::Duration;

/// How long the launcher may take for an answer that needs no other rank.
const PROMPT: Duration = Duration::from_secs(2);

fn number(name: &str) -> Option<u32> {
    std::env::var(name).ok()?.parse().ok()
}

/// Whether all ranks are on this host, as far as the launcher says it. Without one, there is no other host.
pub fn is_one_host() -> bool {
    number("MPI_LOCALNRANKS") == number("PMI_SIZE")
}

/// Tells the launcher that this rank ends on purpose, so that it does not kill the others and say so.
pub fn leave() {
    ask("cmd=finalize\n", Some(PROMPT));
}

/// Waits, without MPI, until all ranks wait here, and then tells the launcher that this one ends. Returns whether the launcher
/// has let them wait; if not, MPI has to end in its own way.
pub fn leave_together() -> bool {
    let is_over = ask("cmd=barrier_in\n", None).is_some_and(|line| line.contains("barrier_out"));
    if is_over {
        leave();
    }
    is_over
}

/// Writes a line to the launcher, and returns its answer.
fn ask(words: &str, limit: Option<Duration>) -> Option<String> {
    let descriptor = number("PMI_FD")? as libc::c_int;
    // SAFETY: the words outlive the call. The launcher has opened the descriptor for this rank, and nothing else of it
    // speaks meanwhile: MPI has ended, or does not run in this thread. If it is closed, nothing is written.
    let len = unsafe { libc::write(descriptor, words.as_ptr().cast(), words.len()) };
    // The launcher fails if nobody takes its answer.
    if len != words.len() as isize || !is_ready_within(descriptor, libc::POLLIN, limit) {
        return None;
    }
    let mut place = [0u8; 256];
    // SAFETY: the place has as many bytes as are stated.
    let len = unsafe { libc::read(descriptor, place.as_mut_ptr().cast(), place.len()) };
    let answer = place.get(..usize::try_from(len).ok()?)?;
    Some(String::from_utf8_lossy(answer).into())
}

/// Waits until a descriptor is ready for this, for at most this long.
pub fn is_ready(descriptor: libc::c_int, events: libc::c_short, limit: Duration) -> bool {
    is_ready_within(descriptor, events, Some(limit))
}

fn is_ready_within(
    descriptor: libc::c_int,
    events: libc::c_short,
    limit: Option<Duration>,
) -> bool {
    let mut place = libc::pollfd {
        fd: descriptor,
        events,
        revents: 0,
    };
    let limit = limit.map_or(-1, |limit| limit.as_millis() as libc::c_int);
    // SAFETY: one descriptor, at a valid place.
    unsafe { libc::poll(&mut place, 1, limit) > 0 }
}
