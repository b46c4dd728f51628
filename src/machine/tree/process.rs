//! What the kernel says about a process, in `/proc`.

use std::mem::MaybeUninit;

use crate::machine::ticks::tick_ns;
use crate::machine::usage::{Usage, stat_fields, usage_from};
use crate::system::{Root, proc};

/// One process among all that ever run: the kernel uses an id again, but not with the same start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub pid: i32,
    /// When it was started, in ticks since the machine was.
    start_ticks: u64,
}

#[cfg(test)]
impl Identity {
    /// An identity for tests of what is computed from readings.
    pub(super) fn invented(pid: i32) -> Self {
        let start_ticks = 0;
        Self { pid, start_ticks }
    }
}

/// A process at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub identity: Identity,
    pub parent: i32,
    pub group: i32,
    /// Its first thread has ended. It has no other threads, and waits to be reaped, or its other threads go on.
    pub is_zombie: bool,
    pub thread_count: u32,
    pub waited: ChildTimes,
}

/// What a process knows of the children that it has waited for, and of those that these have waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ChildTimes {
    /// Their CPU time. User and system time are each rounded down to ticks.
    pub cpu_ns: u64,
    /// Their page faults. Every process has some, so this grows even if `cpu_ns` is rounded to 0.
    pub fault_count: u64,
}

impl Process {
    /// All processes that the kernel shows. The list is not of one instant.
    pub(super) fn all() -> Vec<Self> {
        let names = Root::default().names("/proc");
        let ids = names.iter().filter_map(|name| name.parse().ok());
        ids.filter_map(Self::read).collect()
    }

    /// The process with this id; `None` if there is none.
    pub(super) fn read(pid: i32) -> Option<Self> {
        Self::parse(pid, &Root::default().read(&format!("/proc/{pid}/stat"))?)
    }

    /// Parses a text in the format of `/proc/PID/stat`.
    fn parse(pid: i32, stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat_fields(stat)?.collect();
        // The numbers are those of proc_pid_stat(5). The first field after the name is number 3.
        let text = |number: usize| fields.get(number - 3).copied();
        let number = |at: usize| text(at)?.parse::<u64>().ok();
        Some(Self {
            identity: Identity {
                pid,
                start_ticks: number(22)?,
            },
            parent: text(4)?.parse().ok()?,
            group: text(5)?.parse().ok()?,
            is_zombie: text(3)? == "Z",
            thread_count: text(20)?.parse().ok()?,
            waited: ChildTimes {
                cpu_ns: (number(16)? + number(17)?).saturating_mul(tick_ns()),
                fault_count: number(11)?.saturating_add(number(13)?),
            },
        })
    }

    /// The soft limit on file locks; `None` if it is unlimited, or if the process no longer exists.
    pub(super) fn mark(&self) -> Option<u64> {
        let limits = Root::default().read(&format!("/proc/{}/limits", self.identity.pid))?;
        soft_limit(&limits, "Max file locks")
    }

    /// Its peak resident memory so far, in bytes; 0 after it has ended.
    pub(super) fn peak_memory_bytes(&self) -> u64 {
        let status = Root::default().read(&format!("/proc/{}/status", self.identity.pid));
        status
            .and_then(|status| proc::bytes(&status, "VmHWM"))
            .unwrap_or(0)
    }

    /// Whether it is Python's resource tracker, which removes what other processes of a Python program forgot in
    /// `/dev/shm`. It ends by itself when the last of them has ended.
    pub(super) fn is_resource_tracker(&self) -> bool {
        let line = Root::default().read(&format!("/proc/{}/cmdline", self.identity.pid));
        line.is_some_and(|line| line.contains("multiprocessing.resource_tracker"))
    }
}

/// The soft limit in the line of `name` of a text in the format of `/proc/PID/limits`; `None` if it is unlimited.
fn soft_limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Reaps a child of this process that has ended, and returns what it and the children that it had waited for have
/// used; `None` if it has not ended.
pub(super) fn reap(pid: i32) -> Option<Usage> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to writable memory that lives through the call.
    let reaped = unsafe { libc::wait4(pid, &mut status, libc::WNOHANG, usage.as_mut_ptr()) };
    // SAFETY: all zero is a valid `rusage`, and so is what the kernel writes.
    let usage = unsafe { usage.assume_init() };
    (reaped == pid).then(|| usage_from(&usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_from_its_line() {
        let stat = "812 (a) b) Z 811 800 811 0 -1 4194560 120 30 0 4 9 1 7 5 20 0 6 0 5121 0 0";
        let process = Process::parse(812, stat).unwrap();
        assert_eq!((process.parent, process.group), (811, 800));
        assert_eq!(process.identity.start_ticks, 5121);
        assert!(process.is_zombie);
        assert_eq!(process.thread_count, 6);
        assert_eq!(process.waited.cpu_ns, 12 * tick_ns());
        assert_eq!(process.waited.fault_count, 34);
        assert_eq!(Process::parse(812, "812 (a) Z 811"), None);
    }

    #[test]
    fn the_mark_is_the_first_number_of_its_line() {
        let limits = "\
Limit                     Soft Limit           Hard Limit           Units
Max file locks            1234                 unlimited            locks
Max pending signals       unlimited            15                   signals
";
        assert_eq!(soft_limit(limits, "Max file locks"), Some(1234));
        assert_eq!(soft_limit(limits, "Max pending signals"), None);
        assert_eq!(soft_limit("", "Max file locks"), None);
    }
}
