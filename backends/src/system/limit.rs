//! How many processes and threads may be started, and the message if one could not be.
//!
//! The Linux kernel counts threads like processes, and reports only `EAGAIN` if there is one too many.

use std::fmt::Display;
use std::io;

use rustix::process::{Resource, geteuid, getrlimit};

use super::cgroup::{Groups, ProcessLimit};
use super::{Root, proc};

/// The limits on processes and threads that are in effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ThreadLimits {
    /// How many processes and threads all programs of this user may have (`ulimit -u`). `None` without a limit, and
    /// for the superuser, to whom the limit does not apply.
    pub of_user: Option<u64>,
    /// How many the control group may have (`pids.max`); `None` without a limit.
    pub of_group: Option<ProcessLimit>,
}

impl ThreadLimits {
    /// The limits of this process.
    pub fn now(root: &Root) -> Self {
        let of_user = getrlimit(Resource::Nproc).current;
        Self {
            of_user: of_user.filter(|_| !geteuid().is_root()),
            of_group: Groups::of_this_process(root).process_limit(),
        }
    }

    /// `this user may have 4 processes and threads (ulimit -u), the container 9 (pids.max)`; `None` without limits.
    pub fn text(&self) -> Option<String> {
        let user = self
            .of_user
            .map(|most| format!("this user may have {most} processes and threads (ulimit -u)"));
        let group = self.of_group.map(|limit| limit.most);
        match (user, group) {
            (None, None) => None,
            (Some(user), None) => Some(user),
            (Some(user), Some(most)) => Some(format!("{user}, the container {most} (pids.max)")),
            (None, Some(most)) => Some(format!(
                "the container may have {most} processes and threads (pids.max)"
            )),
        }
    }
}

/// The error for something that could not be started: `cannot start worker 3 of 8: Resource temporarily unavailable;
/// this user may have 4 processes and threads (ulimit -u)`. It contains the limits if they are the likely cause.
pub fn cannot_start(what: impl Display, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        refusal(what, error, &ThreadLimits::now(&Root::default())),
    )
}

/// [`cannot_start`] for a worker. Messages count workers from 1, as in "3 of 8".
pub fn cannot_start_worker(index: usize, count: usize, error: &io::Error) -> io::Error {
    cannot_start(format!("worker {} of {count}", index + 1), error)
}

fn refusal(what: impl Display, error: &io::Error, limits: &ThreadLimits) -> String {
    let limit = match error.raw_os_error() {
        Some(libc::EAGAIN) => limits.text(),
        Some(libc::EMFILE) => getrlimit(Resource::Nofile)
            .current
            .map(|most| format!("this process may have {most} files open (ulimit -n)")),
        _ => None,
    };
    match limit {
        Some(limit) => format!("cannot start {what}: {error}; {limit}"),
        None => format!("cannot start {what}: {error}"),
    }
}

/// How many threads all processes of a user have; 0 if the kernel does not say.
pub fn thread_count_of_user(root: &Root, user: u32) -> u64 {
    let is_process = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    let names = root.names("/proc").into_iter().filter(is_process);
    let statuses = names.filter_map(|name| root.read(&format!("/proc/{name}/status")));
    let is_of_user = |status: &String| {
        // Real, effective, saved and file system id: the kernel counts by the real one.
        let ids = proc::field(status, "Uid").unwrap_or_default();
        ids.split_ascii_whitespace().next() == Some(&user.to_string())
    };
    let of_user = statuses.filter(is_of_user);
    of_user
        .filter_map(|status| proc::number(&status, "Threads"))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::fixture::Machine;

    const USER: ThreadLimits = ThreadLimits {
        of_user: Some(4),
        of_group: None,
    };
    const GROUP: Option<ProcessLimit> = Some(ProcessLimit {
        most: 9,
        current: 9,
    });

    fn refused(limits: &ThreadLimits, error: i32) -> String {
        refusal(
            "worker 3 of 8",
            &io::Error::from_raw_os_error(error),
            limits,
        )
    }

    #[test]
    fn what_could_not_be_started_is_named_with_the_limits_in_effect() {
        let busy = libc::EAGAIN;
        let text = refused(&USER, busy);
        assert!(text.starts_with("cannot start worker 3 of 8: "), "{text}");
        assert!(
            text.ends_with("; this user may have 4 processes and threads (ulimit -u)"),
            "{text}"
        );
        let both = ThreadLimits {
            of_group: GROUP,
            ..USER
        };
        assert!(refused(&both, busy).ends_with(" (ulimit -u), the container 9 (pids.max)"));
        let group = ThreadLimits {
            of_user: None,
            ..both
        };
        assert!(
            refused(&group, busy)
                .ends_with("; the container may have 9 processes and threads (pids.max)")
        );
        let none = ThreadLimits::default();
        assert_eq!(
            refused(&none, busy),
            "cannot start worker 3 of 8: Resource temporarily unavailable (os error 11)"
        );
        assert!(!refused(&USER, libc::ENOMEM).contains("ulimit"));
        assert!(refused(&USER, libc::EMFILE).ends_with(" files open (ulimit -n)"));
    }

    #[test]
    fn the_threads_of_a_user_are_counted() {
        let machine = Machine::with(&[
            ("/proc/1/status", "Uid:\t0\t0\t0\t0\nThreads:\t50\n"),
            ("/proc/7/status", "Uid:\t1000\t0\t0\t0\nThreads:\t3\n"),
            (
                "/proc/8/status",
                "Uid:\t1000\t1000\t1000\t1000\nThreads:\t4\n",
            ),
            (
                "/proc/self/status",
                "Uid:\t1000\t1000\t1000\t1000\nThreads:\t4\n",
            ),
        ]);
        assert_eq!(thread_count_of_user(&machine.root, 1000), 7);
    }
}
