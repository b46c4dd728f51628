//! The resources that the measured process and its worker processes use: CPU time, context switches, memory, cores.
//!
//! CPU time comes from the clocks of the scheduler, which count nanoseconds, and not from the 10 ms ticks of `/proc`.
//!
//! These clocks have a pitfall. Reading the clock of a process updates only the *calling* thread. The scheduler updates
//! other threads when they sleep and at every timer tick, so the time since then is missing: up to 4 ms for a thread
//! that spins (measured on Linux 6.18). Reading the clock of a *thread* updates this thread. So the clocks of all
//! threads are read first.
//!
//! A process cannot read the thread clocks of other processes. This module updates these threads in another way: it
//! changes their scheduling policy and changes it back. If the policy cannot be changed, a worker process that runs
//! while it is read shows up to one tick too little. One that sleeps is exact.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::fs::FileExt;

use rustix::process::Pid;
use rustix::time::{ClockId, clock_gettime};

use crate::record::WorkerUsage;
use crate::system::{Root, proc};

/// The resources that were used up to an instant, or between two instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    /// CPU time (user and system) of all threads and worker processes, in nanoseconds.
    pub cpu_ns: u64,
    /// How often one of them gave up its core voluntarily.
    pub voluntary_switch_count: u64,
    /// How often the scheduler took the core from one of them.
    pub involuntary_switch_count: u64,
}

impl Usage {
    /// The usage since `earlier`. If a worker process has disappeared without being waited for, its usage is missing. A
    /// difference that would be negative is 0.
    #[must_use]
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns.saturating_sub(earlier.cpu_ns),
            voluntary_switch_count: self
                .voluntary_switch_count
                .saturating_sub(earlier.voluntary_switch_count),
            involuntary_switch_count: self
                .involuntary_switch_count
                .saturating_sub(earlier.involuntary_switch_count),
        }
    }

    /// The sum of both usages.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns + other.cpu_ns,
            voluntary_switch_count: self.voluntary_switch_count + other.voluntary_switch_count,
            involuntary_switch_count: self.involuntary_switch_count
                + other.involuntary_switch_count,
        }
    }
}

/// Reads the usage of this process, of the given worker processes, and of the children that have ended and were waited
/// for.
///
/// A worker that ends moves from the second group to the third with its whole usage, so the sum stays correct.
#[derive(Debug)]
pub(crate) struct UsageMeter {
    /// The clocks of the threads of this process.
    threads: Vec<libc::clockid_t>,
    workers: Vec<WorkerMeter>,
}

impl UsageMeter {
    /// A meter for this process and its children `workers`. A process that no longer exists is ignored.
    ///
    /// Create the meter after the workers were started. Threads that start later are counted, but while they run, they
    /// show up to one timer tick too little.
    pub(crate) fn new(workers: &[Pid]) -> Self {
        Self {
            threads: threads("self").into_iter().map(thread_clock).collect(),
            workers: workers
                .iter()
                .copied()
                .filter_map(WorkerMeter::new)
                .collect(),
        }
    }

    /// The usage up to now, for the beginning of a sample. The clock of this process is read last, so that the reading
    /// itself is not part of the sample.
    pub(crate) fn read_before(&self) -> Usage {
        let rest = self.read_workers().plus(own_switches());
        rest.plus(self.own_cpu())
    }

    /// The usage up to now, for the end of a sample. The clock of this process is read first.
    pub(crate) fn read_after(&self) -> Usage {
        let own = self.read_own_after();
        own.plus(self.read_workers())
    }

    /// The part of [`read_after`](Self::read_after) that this process used.
    pub(crate) fn read_own_after(&self) -> Usage {
        let own_cpu = self.own_cpu();
        own_cpu.plus(own_switches())
    }

    /// The CPU time of all threads of this process, including those that have ended.
    fn own_cpu(&self) -> Usage {
        for &clock in &self.threads {
            // The read updates the thread, and its result is not needed. A thread that has ended is up to date.
            let _ = clock_ns(clock);
        }
        Usage {
            cpu_ns: timespec_ns(clock_gettime(ClockId::ProcessCPUTime)),
            ..Usage::default()
        }
    }

    /// The usage of the worker processes up to now, including those that have ended and were waited for.
    pub(crate) fn read_workers(&self) -> Usage {
        // Read the ended workers first. If a worker is waited for in between, it is missing once, which `since`
        // tolerates. In the other order, it would be counted twice.
        let ended = rusage(libc::RUSAGE_CHILDREN);
        let live = self.workers.iter().map(WorkerMeter::read);
        live.fold(ended, Usage::plus)
    }
}

/// The CPU time of this process, of all children that it has waited for, and of their children, in nanoseconds.
pub(crate) fn family_cpu_ns() -> u64 {
    rusage(libc::RUSAGE_SELF)
        .plus(rusage(libc::RUSAGE_CHILDREN))
        .cpu_ns
}

/// The context switches of all threads of this process, including those that have ended.
fn own_switches() -> Usage {
    Usage {
        cpu_ns: 0,
        ..rusage(libc::RUSAGE_SELF)
    }
}

/// A worker process.
#[derive(Debug)]
struct WorkerMeter {
    clock: libc::clockid_t,
    /// The ids of its threads.
    threads: Vec<u32>,
    /// `/proc/PID/status`. It stays open, because opening costs more than reading, and because an open file never
    /// refers to a later process with the same id.
    status: File,
}

impl WorkerMeter {
    fn new(pid: Pid) -> Option<Self> {
        let raw = pid.as_raw_nonzero().get();
        Some(Self {
            clock: process_clock(raw)?,
            threads: threads(&raw.to_string()),
            status: File::open(format!("/proc/{raw}/status")).ok()?,
        })
    }

    /// The usage of the worker; zero after it was waited for.
    fn read(&self) -> Usage {
        self.threads.iter().copied().for_each(account);
        let cpu_ns = clock_ns(self.clock).unwrap_or(0);
        Usage {
            cpu_ns,
            ..self.status().unwrap_or_default()
        }
    }

    fn status(&self) -> io::Result<Usage> {
        // The file has up to about 5 KB, on machines with long lists of cores and memory nodes.
        let mut bytes = [0; 8192];
        let len = self.status.read_at(&mut bytes, 0)?;
        // The switches are among the last lines. Searching all lines would take more than half of the time that the
        // kernel needs to write them.
        let tail = &bytes[len.saturating_sub(STATUS_TAIL)..len];
        Ok(switches_in(&String::from_utf8_lossy(tail)))
    }
}

/// The usage of another process up to now: CPU time of all its threads, and the switches of those that exist; zero if it
/// does not exist.
pub(super) fn process_usage(pid: libc::pid_t) -> Usage {
    let threads = threads(&pid.to_string());
    threads.iter().copied().for_each(account);
    let cpu_ns = process_clock(pid).and_then(clock_ns).unwrap_or(0);
    let status = |thread| Root::default().read(&format!("/proc/{pid}/task/{thread}/status"));
    let switches = threads.iter().filter_map(status);
    let usage = Usage {
        cpu_ns,
        ..Usage::default()
    };
    switches.fold(usage, |sum, status| sum.plus(switches_in(&status)))
}

/// The clock of the CPU time of a process.
fn process_clock(pid: libc::pid_t) -> Option<libc::clockid_t> {
    let mut clock = 0;
    // SAFETY: the pointer is to a clock id that lives through the call.
    let found = unsafe { libc::clock_getcpuclockid(pid, &mut clock) };
    (found == 0).then_some(clock)
}

/// Makes the scheduler update the CPU time of a thread of another process.
///
/// While a thread runs, other processes see its CPU time at its last timer tick, up to 4 ms ago. A change of its
/// scheduling policy takes it off its queue and puts it back, which updates the time (Linux, `__sched_setscheduler`).
/// So the policy is changed to the most similar one, which differs only in preemption on wake-up, and back at once.
fn account(thread: u32) {
    let thread = thread.cast_signed();
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads nothing but its argument.
    let policy = unsafe { libc::sched_getscheduler(thread) };
    if policy != libc::SCHED_OTHER {
        // The user chose another policy, or the thread is gone. The time may then be one tick too small.
        return;
    }
    for policy in [libc::SCHED_BATCH, libc::SCHED_OTHER] {
        // SAFETY: the pointer is to a parameter block that lives through the call.
        let _ = unsafe { libc::sched_setscheduler(thread, policy, &parameters) };
    }
}

/// The number of bytes at the end of `/proc/PID/status` that contain both counts of switches, with at most 48 bytes
/// each, and the two lines of processor features that x86 adds after them.
const STATUS_TAIL: usize = 256;

/// The context switches in a text in the format of `/proc/PID/status`; 0 if they are missing.
fn switches_in(status: &str) -> Usage {
    Usage {
        cpu_ns: 0,
        voluntary_switch_count: proc::number(status, "voluntary_ctxt_switches").unwrap_or(0),
        involuntary_switch_count: proc::number(status, "nonvoluntary_ctxt_switches").unwrap_or(0),
    }
}

/// The usage of this process, or of its children that were waited for, according to the kernel. CPU time is exact to a
/// microsecond: the kernel splits the scheduler's exact sum into user and system time.
fn rusage(who: libc::c_int) -> Usage {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to writable memory for one `rusage`. The call only fails for an unknown
    // `who`, and then leaves the zeros.
    let _ = unsafe { libc::getrusage(who, usage.as_mut_ptr()) };
    // SAFETY: all zero is a valid `rusage`, and so is what the kernel writes.
    let usage = unsafe { usage.assume_init() };
    usage_from(&usage)
}

/// What the kernel says about a process that was waited for, or about several.
pub(super) fn usage_from(usage: &libc::rusage) -> Usage {
    let microseconds = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    Usage {
        cpu_ns: (microseconds(usage.ru_utime) + microseconds(usage.ru_stime)) * 1000,
        voluntary_switch_count: usage.ru_nvcsw as u64,
        involuntary_switch_count: usage.ru_nivcsw as u64,
    }
}

/// The clock of a thread of this process, composed as in pthread_getcpuclockid(3): the inverted id, and the bits for a
/// thread (4) and for the scheduler's clock (2) (Linux, `include/linux/posix-timers_types.h`).
fn thread_clock(tid: u32) -> libc::clockid_t {
    (!tid.cast_signed() << 3) | 4 | 2
}

/// Reads the clock of a thread or of another process, in nanoseconds; `None` after it has ended.
fn clock_ns(clock: libc::clockid_t) -> Option<u64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a `timespec` that lives through the call.
    let read = unsafe { libc::clock_gettime(clock, &mut time) };
    (read == 0).then(|| time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

fn timespec_ns(time: rustix::time::Timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The peak resident memory of this process so far, plus the unshared memory that each worker process has now, in
/// bytes. `None` if the kernel does not report it. A worker that no longer exists counts as 0.
pub(crate) fn peak_memory_bytes(workers: &[Pid]) -> Option<u64> {
    let own = proc::bytes(&Root::default().read("/proc/self/status")?, "VmHWM")?;
    Some(own + workers.iter().copied().map(worker_bytes).sum::<u64>())
}

fn worker_bytes(pid: Pid) -> u64 {
    let path = format!("/proc/{}/smaps_rollup", pid.as_raw_nonzero());
    Root::default()
        .read(&path)
        .map_or(0, |rollup| unshared_bytes(&rollup))
}

/// The bytes that only this process maps, from a text in the format of `/proc/PID/smaps_rollup`.
fn unshared_bytes(rollup: &str) -> u64 {
    let part = |key| proc::bytes(rollup, key).unwrap_or(0);
    part("Private_Clean").saturating_add(part("Private_Dirty"))
}

/// The core that each worker last ran on, for `worker_cores` in a record. The workers are `processes`, or, if there are
/// none, `threads` of this process. A worker that no longer exists is left out.
pub(crate) fn worker_cores(threads: &[u32], processes: &[Pid]) -> Vec<u32> {
    let root = Root::default();
    let stats: Vec<String> = if processes.is_empty() {
        let path = |tid| format!("/proc/self/task/{tid}/stat");
        let threads = threads.iter();
        threads.filter_map(|tid| root.read(&path(tid))).collect()
    } else {
        let path = |pid: &Pid| format!("/proc/{}/stat", pid.as_raw_nonzero());
        let processes = processes.iter();
        processes.filter_map(|pid| root.read(&path(pid))).collect()
    };
    stats.iter().filter_map(|stat| last_core(stat)).collect()
}

/// What each worker has used since it started. The workers are as for [`worker_cores`].
pub(crate) fn worker_usage(threads: &[u32], processes: &[Pid]) -> Vec<WorkerUsage> {
    if processes.is_empty() {
        let threads = threads.iter();
        let clocks = threads.filter_map(|tid| clock_ns(thread_clock(*tid)));
        let of_thread = |cpu_ns| WorkerUsage {
            cpu_ns,
            peak_memory_bytes: None,
        };
        clocks.map(of_thread).collect()
    } else {
        let of_process = |pid: &Pid| {
            let status = format!("/proc/{}/status", pid.as_raw_nonzero());
            let peak = proc::bytes(&Root::default().read(&status)?, "VmHWM");
            // A process that has ended, and was not waited for, has no memory.
            peak.map(|peak| WorkerUsage {
                cpu_ns: process_usage(pid.as_raw_nonzero().get()).cpu_ns,
                peak_memory_bytes: Some(peak),
            })
        };
        processes.iter().filter_map(of_process).collect()
    }
}

/// The ids of the threads of this process that are its `worker_count` workers, if it has no worker processes: those that
/// the backend noted.
///
/// If a backend does not note its workers, the number of threads determines which of them are workers:
/// - If there are more threads than workers, the youngest threads are workers: the older ones coordinate.
/// - If there are as many threads as workers, all are workers, including the caller (serial execution, or a fixed
///   partition).
/// - If there are fewer threads, the workers do not outlive a run, and the result is empty.
///
/// That is wrong for a runtime that starts further threads after its workers, and for a backend with one worker that does
/// not outlive a run, because the caller is taken for it.
pub(crate) fn worker_threads(worker_count: usize, mut noted: Vec<u32>) -> Vec<u32> {
    // A job that ran on a larger pool before has more.
    noted.truncate(worker_count);
    match noted.len() == worker_count {
        true => noted,
        false => youngest(&threads("self"), worker_count),
    }
}

fn youngest(threads: &[u32], count: usize) -> Vec<u32> {
    let older = threads.len().checked_sub(count);
    older.map_or_else(Vec::new, |older| threads[older..].to_vec())
}

/// The ids of the threads of a process of this machine.
fn threads(process: &str) -> Vec<u32> {
    proc::threads(&Root::default(), process)
}

/// Field 39, `processor`, of a text in the format of `/proc/PID/stat` (proc_pid_stat(5)).
fn last_core(stat: &str) -> Option<u32> {
    stat_fields(stat)?.nth(39 - 3)?.parse().ok()
}

/// The fields of a text in the format of `/proc/PID/stat` from number 3 on. The second field is the name in parentheses,
/// which may itself contain spaces and parentheses.
pub(super) fn stat_fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    Some(behind_name.split_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::process::{Command, Stdio};

    use rustix::process::{Signal, WaitOptions, kill_process, waitpid};

    use super::*;

    const ROLLUP: &str = "\
55c9b8f73000-7ffdcb3fe000 ---p 00000000 00:00 0                          [rollup]
Rss:                1764 kB
Shared_Clean:       1568 kB
Private_Clean:        84 kB
Private_Dirty:       112 kB
";

    fn own_thread() -> u32 {
        rustix::thread::gettid()
            .as_raw_nonzero()
            .get()
            .cast_unsigned()
    }

    fn stat(name: &str) -> String {
        format!(
            "812 ({name}) S 811 812 811 0 -1 4194560 120 0 0 0 3 1 0 0 20 0 1 0 5 2703360 300 \
             18446744073709551615 1 1 0 0 0 0 0 4096 65536 0 0 0 17 3 0 0 0 0 0 1 1 1 1 1 1 1 0"
        )
    }

    #[test]
    fn the_last_core_is_found_after_any_name() {
        for name in ["cat", "a b) S 1 (c", ")", "(", ""] {
            assert_eq!(last_core(&stat(name)), Some(3), "{name:?}");
        }
        for text in ["", ")", "1 (cat) S 1", "1 cat S"] {
            assert_eq!(last_core(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_worker_shares_what_it_inherited() {
        assert_eq!(unshared_bytes(ROLLUP), (84 + 112) * 1024);
        assert_eq!(unshared_bytes("Private_Dirty: x kB"), 0);
    }

    #[test]
    fn switches_come_from_the_status() {
        let status = "Name:\tvoluntary_ctxt_switches: 9\nvoluntary_ctxt_switches:\t150\n\
                      nonvoluntary_ctxt_switches:\t545\n";
        let usage = switches_in(status);
        assert_eq!(usage.voluntary_switch_count, 150);
        assert_eq!(usage.involuntary_switch_count, 545);
        assert_eq!(switches_in(""), Usage::default());
    }

    #[test]
    fn the_youngest_threads_are_the_workers() {
        assert_eq!(youngest(&[7], 1), [7], "serial: the caller is the worker");
        assert_eq!(youngest(&[7, 8], 2), [7, 8], "the caller is worker 0");
        assert_eq!(youngest(&[7, 8, 9], 2), [8, 9], "the caller coordinates");
        assert!(youngest(&[7], 2).is_empty(), "the workers are gone");
    }

    #[test]
    fn a_backend_that_notes_its_workers_is_believed() {
        // No thread has the number 0.
        assert_eq!(worker_threads(2, vec![0, 0]), [0, 0]);
        assert_eq!(worker_threads(1, vec![0, 0]), [0], "a larger pool before");
        assert!(!worker_threads(1, vec![]).contains(&0), "nobody is noted");
        assert!(!worker_threads(2, vec![0]).contains(&0), "one is missing");
    }

    #[test]
    fn cpu_time_is_counted_without_ticks() {
        let meter = UsageMeter::new(&[]);
        let before = meter.read_before();
        let sum = (0..100_000u64).fold(0, |a, b| black_box(a ^ b));
        let used = meter.read_after().since(before);
        black_box(sum);
        assert!(used.cpu_ns > 0);
    }

    #[test]
    fn a_worker_that_ends_takes_nothing_away() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        let meter = UsageMeter::new(&[pid]);
        // Once the child is stopped, the scheduler has updated its time.
        kill_process(pid, Signal::STOP).unwrap();
        waitpid(Some(pid), WaitOptions::UNTRACED).unwrap();
        let live = meter.workers[0].read();
        let before = meter.read_workers();
        assert!(live.cpu_ns > 0 && before.cpu_ns >= live.cpu_ns);
        assert!(worker_bytes(pid) > 0);
        assert_eq!(worker_cores(&[], &[pid]).len(), 1);
        let usage = worker_usage(&[], &[pid]);
        assert!(usage[0].cpu_ns >= live.cpu_ns);
        assert!(usage[0].peak_memory_bytes > Some(0));

        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(meter.workers[0].read(), Usage::default());
        assert!(worker_cores(&[], &[pid]).is_empty());
        assert!(worker_usage(&[], &[pid]).is_empty());
        assert_eq!(worker_bytes(pid), 0);
        // After the end, user and system time are each rounded down to whole microseconds.
        assert!(meter.read_workers().cpu_ns + 2000 >= before.cpu_ns);
    }

    #[test]
    fn the_clock_of_a_thread_shows_its_cpu_time() {
        let own = || timespec_ns(clock_gettime(ClockId::ThreadCPUTime));
        let tid = own_thread();
        let before = own();
        let by_id = clock_ns(thread_clock(tid)).unwrap();
        assert!((before..=own()).contains(&by_id));
    }

    #[test]
    fn a_negative_difference_is_zero() {
        let later = Usage {
            cpu_ns: 5,
            voluntary_switch_count: 1,
            involuntary_switch_count: 0,
        };
        let earlier = Usage {
            cpu_ns: 9,
            voluntary_switch_count: 0,
            involuntary_switch_count: 2,
        };
        let expected = Usage {
            cpu_ns: 0,
            voluntary_switch_count: 1,
            involuntary_switch_count: 0,
        };
        assert_eq!(later.since(earlier), expected);
    }

    #[test]
    fn a_thread_of_this_process_has_a_core_and_no_memory_of_its_own() {
        let own = [own_thread()];
        assert_eq!(worker_cores(&own, &[]).len(), 1);
        assert_eq!(worker_usage(&own, &[])[0].peak_memory_bytes, None);
        assert!(peak_memory_bytes(&[]).unwrap() > 0);
    }
}
