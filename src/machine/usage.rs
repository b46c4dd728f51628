//! What the measured process and its worker processes used: CPU time, context switches, memory, cores.
//!
//! CPU time comes from the scheduler's own clocks, which count nanoseconds, never from the 10 ms ticks of
//! `/proc`. There is a trap in them: the clock of a process only brings the *calling* thread up to date.
//! What another thread has used since the scheduler last looked at it, which it does when it sleeps and
//! at every timer tick, is missing: up to 4 ms for one that spins (measured on Linux 6.18 with a thread
//! spinning beside one that reads). Reading the clock of a *thread* brings that thread up to date, so
//! those of all threads are read first. The same is not allowed for other processes: a worker process
//! that runs while it is read shows up to a tick too little, one that sleeps is exact.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::fs::FileExt;

use rustix::process::Pid;
use rustix::time::{ClockId, clock_gettime};

use crate::system::{Root, proc};

/// What was used up to some instant, or between two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    /// CPU time, user and system, of all threads and worker processes.
    pub cpu_ns: u64,
    /// Times one of them gave up its core by itself.
    pub voluntary_switch_count: u64,
    /// Times one of them was made to give up its core.
    pub involuntary_switch_count: u64,
}

impl Usage {
    /// What was used since `earlier`. A worker process that vanished in between without being waited for
    /// takes its share along; what would be less than nothing is 0.
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

    /// What both used together.
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

/// Reads the usage of this process, of the worker processes it was given, and of those that have ended
/// and been waited for.
///
/// A worker that ends moves from the second group to the third with all it ever used, so the sum goes on
/// as if nothing had happened.
#[derive(Debug)]
pub(crate) struct UsageMeter {
    /// The clocks of the threads of this process.
    threads: Vec<libc::clockid_t>,
    workers: Vec<WorkerMeter>,
}

impl UsageMeter {
    /// A meter for this process and these children of it. A process that is no more is left out.
    ///
    /// Make it once the workers have been started: a thread started later is counted, but while it runs
    /// it shows up to a timer tick too little.
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

    /// What was used up to now, for the beginning of a sample: the clock of this process is read last,
    /// so that the reading itself is not part of the sample.
    pub(crate) fn read_before(&self) -> Usage {
        let rest = self.read_workers().plus(own_switches());
        rest.plus(self.own_cpu())
    }

    /// What was used up to now, for the end of a sample: the clock of this process is read first.
    pub(crate) fn read_after(&self) -> Usage {
        let own = self.read_own_after();
        own.plus(self.read_workers())
    }

    /// The part of [`read_after`](Self::read_after) that this process used, which is read first.
    pub(crate) fn read_own_after(&self) -> Usage {
        let own_cpu = self.own_cpu();
        own_cpu.plus(own_switches())
    }

    /// CPU time of all threads of this process, also those that have ended.
    fn own_cpu(&self) -> Usage {
        for &clock in &self.threads {
            // Read for its effect alone: the thread is brought up to date. One that has ended is.
            let _ = clock_ns(clock);
        }
        Usage {
            cpu_ns: timespec_ns(clock_gettime(ClockId::ProcessCPUTime)),
            ..Usage::default()
        }
    }

    /// What the worker processes used up to now, those with it that have ended and been waited for.
    pub(crate) fn read_workers(&self) -> Usage {
        // The ended ones first: a worker that is waited for in between is then missed once, which
        // `since` can bear, and not counted twice.
        let ended = rusage(libc::RUSAGE_CHILDREN);
        let live = self.workers.iter().map(WorkerMeter::read);
        live.fold(ended, Usage::plus)
    }
}

/// CPU time of this process and of all the processes it has waited for, with theirs.
pub(crate) fn family_cpu_ns() -> u64 {
    rusage(libc::RUSAGE_SELF)
        .plus(rusage(libc::RUSAGE_CHILDREN))
        .cpu_ns
}

/// Context switches of all threads of this process, also those that have ended.
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
    /// Its threads.
    threads: Vec<libc::pid_t>,
    /// `/proc/PID/status`, kept open: opening it costs more than reading it, and it can never be mistaken
    /// for that of a later process of the same number.
    status: File,
}

impl WorkerMeter {
    fn new(pid: Pid) -> Option<Self> {
        let raw = pid.as_raw_nonzero().get();
        let mut clock = 0;
        // SAFETY: the pointer is to a clock id that lives through the call.
        let found = unsafe { libc::clock_getcpuclockid(raw, &mut clock) };
        let status = File::open(format!("/proc/{raw}/status")).ok()?;
        let threads = threads(&raw.to_string());
        (found == 0).then_some(Self {
            clock,
            threads,
            status,
        })
    }

    /// What it has used; nothing once it has been waited for.
    fn read(&self) -> Usage {
        self.threads.iter().copied().for_each(account);
        let cpu_ns = clock_ns(self.clock).unwrap_or(0);
        Usage {
            cpu_ns,
            ..self.status().unwrap_or_default()
        }
    }

    fn status(&self) -> io::Result<Usage> {
        // On the largest machines, whose lists of cores and memory nodes are long, it has about 5 KB.
        let mut bytes = [0; 8192];
        let len = self.status.read_at(&mut bytes, 0)?;
        // The switches are among the last lines; looking through all of them takes longer than half of
        // what the kernel needs to write them.
        let tail = &bytes[len.saturating_sub(STATUS_TAIL)..len];
        Ok(switches(&String::from_utf8_lossy(tail)))
    }
}

/// Has the scheduler bring the account of a thread of another process up to date.
///
/// While a thread runs, others see its CPU time as of its last timer tick, up to 4 ms ago. A change of its
/// scheduling policy takes it off its queue and puts it back, which settles the account (Linux,
/// `__sched_setscheduler`). So the policy is changed to its nearest neighbour, which differs only in who
/// preempts whom when a thread wakes, and back at once.
fn account(thread: libc::pid_t) {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads nothing but its argument.
    let policy = unsafe { libc::sched_getscheduler(thread) };
    if policy != libc::SCHED_OTHER {
        // Someone chose another policy, or the thread is gone: then a tick too little must do.
        return;
    }
    for policy in [libc::SCHED_BATCH, libc::SCHED_OTHER] {
        // SAFETY: the pointer is to a parameter block that lives through the call.
        let _ = unsafe { libc::sched_setscheduler(thread, policy, &parameters) };
    }
}

/// Bytes at the end of `/proc/PID/status` that hold both counts of switches, of at most 48 bytes each,
/// and the two lines of processor features that x86 adds behind them.
const STATUS_TAIL: usize = 256;

/// The context switches in a text as `/proc/PID/status` has it; 0 where it does not say.
fn switches(status: &str) -> Usage {
    Usage {
        cpu_ns: 0,
        voluntary_switch_count: proc::number(status, "voluntary_ctxt_switches").unwrap_or(0),
        involuntary_switch_count: proc::number(status, "nonvoluntary_ctxt_switches").unwrap_or(0),
    }
}

/// The kernel's account of this process, or of its children that were waited for. CPU time is exact to a
/// microsecond: the kernel divides the scheduler's exact sum into user and system time.
fn rusage(who: libc::c_int) -> Usage {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to writable memory for one `rusage`. The call only fails for an unknown
    // `who`, and then leaves the zeros.
    let _ = unsafe { libc::getrusage(who, usage.as_mut_ptr()) };
    // SAFETY: all zero is a valid `rusage`, and so is what the kernel writes.
    let usage = unsafe { usage.assume_init() };
    let microseconds = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    Usage {
        cpu_ns: (microseconds(usage.ru_utime) + microseconds(usage.ru_stime)) * 1000,
        voluntary_switch_count: usage.ru_nvcsw as u64,
        involuntary_switch_count: usage.ru_nivcsw as u64,
    }
}

/// The clock of a thread of this process, put together as pthread_getcpuclockid(3) does: the inverted id,
/// and bits for "a thread" (4) and "by the scheduler" (2) (Linux, `include/linux/posix-timers_types.h`).
fn thread_clock(tid: i32) -> libc::clockid_t {
    (!tid << 3) | 4 | 2
}

/// The reading of the clock of a thread or another process; `None` once that is gone.
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

/// Peak resident memory of this process so far, plus what each worker process holds now that it shares
/// with nobody, in bytes. `None` where the kernel does not say; a worker that is no more counts as 0.
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

/// The bytes that only this process maps, from a text as `/proc/PID/smaps_rollup` has it.
fn unshared_bytes(rollup: &str) -> u64 {
    let part = |key| proc::bytes(rollup, key).unwrap_or(0);
    part("Private_Clean").saturating_add(part("Private_Dirty"))
}

/// The core that each of `worker_count` workers last ran on, for a record's `worker_cores`.
///
/// Which threads are workers follows from their number:
/// - with worker processes, these alone are: this process hands out work and waits;
/// - with more threads than workers, the youngest are: the older ones coordinate;
/// - with exactly as many, the caller is one of them (serial execution, or a fixed partition);
/// - with fewer, the workers do not outlive a run, and the answer is empty.
///
/// One worker that does not outlive a run cannot be told from a caller that works itself: do not ask for
/// such a backend.
pub(crate) fn worker_cores(worker_count: usize, workers: &[Pid]) -> Vec<u32> {
    if workers.is_empty() {
        youngest(&thread_cores(), worker_count)
    } else {
        process_cores(workers)
    }
}

/// The core that each thread of this process last ran on, in the order of the thread ids. Ids grow until they wrap at the
/// kernel's `pid_max`: the thread that started the process comes first, and the threads of a pool follow in the order in
/// which they were started.
fn thread_cores() -> Vec<u32> {
    let root = Root::default();
    let stat = |tid| root.read(&format!("/proc/self/task/{tid}/stat"));
    let cores = threads("self").into_iter().filter_map(stat);
    cores.filter_map(|stat| last_core(&stat)).collect()
}

fn process_cores(workers: &[Pid]) -> Vec<u32> {
    let root = Root::default();
    let stat = |pid: &Pid| root.read(&format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let cores = workers.iter().filter_map(stat);
    cores.filter_map(|stat| last_core(&stat)).collect()
}

fn youngest(cores: &[u32], count: usize) -> Vec<u32> {
    let older = cores.len().checked_sub(count);
    older.map_or_else(Vec::new, |older| cores[older..].to_vec())
}

/// The ids of the threads of a process, given as in `/proc`, in ascending order.
fn threads(process: &str) -> Vec<i32> {
    let names = Root::default().names(&format!("/proc/{process}/task"));
    let mut ids: Vec<i32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    ids.sort_unstable();
    ids
}

/// Field 39, `processor`, of a text as `/proc/PID/stat` has it (proc_pid_stat(5)). The second field is the
/// name in parentheses, which may hold spaces and parentheses of its own.
fn last_core(stat: &str) -> Option<u32> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    // The first field behind the name is number 3.
    behind_name
        .split_ascii_whitespace()
        .nth(39 - 3)?
        .parse()
        .ok()
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

    fn stat(name: &str) -> String {
        format!(
            "812 ({name}) S 811 812 811 0 -1 4194560 120 0 0 0 3 1 0 0 20 0 1 0 5 2703360 300 \
             18446744073709551615 1 1 0 0 0 0 0 4096 65536 0 0 0 17 3 0 0 0 0 0 1 1 1 1 1 1 1 0"
        )
    }

    #[test]
    fn the_last_core_is_found_behind_any_name() {
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
        let usage = switches(status);
        assert_eq!(usage.voluntary_switch_count, 150);
        assert_eq!(usage.involuntary_switch_count, 545);
        assert_eq!(switches(""), Usage::default());
    }

    #[test]
    fn the_youngest_threads_are_the_workers() {
        assert_eq!(youngest(&[7], 1), [7], "serial: the caller is the worker");
        assert_eq!(youngest(&[7, 8], 2), [7, 8], "the caller is worker 0");
        assert_eq!(youngest(&[7, 8, 9], 2), [8, 9], "the caller coordinates");
        assert!(youngest(&[7], 2).is_empty(), "the workers are gone");
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
        // Once it is stopped, the scheduler has looked at it.
        kill_process(pid, Signal::STOP).unwrap();
        waitpid(Some(pid), WaitOptions::UNTRACED).unwrap();
        let live = meter.workers[0].read();
        let before = meter.read_workers();
        assert!(live.cpu_ns > 0 && before.cpu_ns >= live.cpu_ns);
        assert!(worker_bytes(pid) > 0);
        assert_eq!(worker_cores(2, &[pid]).len(), 1);

        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(meter.workers[0].read(), Usage::default());
        assert!(worker_cores(2, &[pid]).is_empty());
        assert_eq!(worker_bytes(pid), 0);
        // User and system time are each cut to whole microseconds when it has ended.
        assert!(meter.read_workers().cpu_ns + 2000 >= before.cpu_ns);
    }

    #[test]
    fn the_clock_of_a_thread_is_that_thread_s() {
        let own = || timespec_ns(clock_gettime(ClockId::ThreadCPUTime));
        let tid = rustix::thread::gettid().as_raw_nonzero().get();
        let before = own();
        let by_id = clock_ns(thread_clock(tid)).unwrap();
        assert!((before..=own()).contains(&by_id));
    }

    #[test]
    fn what_would_be_negative_is_nothing() {
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
    fn every_thread_of_this_process_has_a_core() {
        assert!(!thread_cores().is_empty());
        assert!(peak_memory_bytes(&[]).unwrap() > 0);
    }
}
