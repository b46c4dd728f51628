//! The resources that the processes of a tree have used, and the differences between two readings.
//!
//! What a process has used is in one of three places, and it moves from one to the next when the process ends:
//!
//! 1. While the process exists: its own clock, which counts nanoseconds and includes threads that have ended.
//! 2. After its parent has waited for it: in what the parent knows of its children. Other processes can read that only
//!    in ticks, with user and system time rounded down one by one.
//! 3. After this process has waited for it, because its parent had died: in what the kernel then said, to a microsecond.
//!
//! A difference is therefore the sum over all three places, minus what moved.

use std::collections::HashMap;
use std::time::Instant;

use super::ProcessTree;
use super::process::{ChildTimes, Identity, Process};
use crate::machine::ticks::tick_ns;
use crate::machine::usage::{Usage, process_usage};
use crate::record::{SliceUsage, UsageSource};

/// What the processes of a tree have used up to an instant.
#[derive(Debug, Clone)]
pub(crate) struct TreeUsage {
    at: Instant,
    members: HashMap<Identity, MemberUsage>,
    /// What the processes had used that this process has reaped.
    reaped: Usage,
    /// The largest sum, over all readings so far, of the peak resident memory of each process that existed, in bytes.
    /// Memory that processes share counts once per process.
    pub peak_memory_bytes: u64,
}

/// What one process has used.
#[derive(Debug, Clone, Copy)]
struct MemberUsage {
    own: Usage,
    waited: ChildTimes,
    thread_count: u32,
}

/// The CPU time of one process between two readings, without that of its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessCpu {
    /// In nanoseconds, by its own clock.
    pub cpu_ns: u64,
    /// How many threads it had, at the reading at which it had more.
    pub thread_count: u32,
}

/// What a tree has used between two readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeDifference {
    /// The CPU time.
    pub cpu: SliceCpu,
    /// The part of each process that exists at the later reading, in no order.
    pub processes: Vec<ProcessCpu>,
    /// The part of processes that have ended, in nanoseconds. It may be too small, because it is rounded down to ticks.
    pub ended_ns: u64,
    /// The least CPU time that the readings leave possible, in nanoseconds.
    pub least_cpu_ns: u64,
    /// The most CPU time that the readings leave possible, in nanoseconds. It is the least one if only clocks were read.
    pub most_cpu_ns: u64,
    /// The time between the two readings, in nanoseconds.
    pub elapsed_ns: u64,
    /// How often a thread gave up its core. Switches of threads and processes that have ended since the earlier reading
    /// are missing, except those of orphans.
    pub voluntary_switch_count: u64,
    /// How often the scheduler took the core from a thread; the same ones are missing.
    pub involuntary_switch_count: u64,
}

/// The CPU time of a slice, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SliceCpu {
    /// Nanoseconds, from clocks alone.
    Clock(u64),
    /// Nanoseconds. Processes ended that another process of the tree waited for, so a part was counted in ticks.
    Ticks(u64),
    /// A part was counted in ticks, and the sum is less than [`TRUSTED_ERRORS`] times its possible error.
    TooShort,
}

/// How many times its possible error a figure must be, so that it is wrong by at most 10%.
const TRUSTED_ERRORS: u64 = 10;

/// The possible error of the time that one process knows of its children, in ticks: user and system time are each
/// rounded down.
const ERROR_TICKS: u64 = 2;

impl SliceCpu {
    /// The CPU time in nanoseconds; `None` if it is too short.
    pub(crate) fn ns(self) -> Option<u64> {
        match self {
            Self::Clock(ns) | Self::Ticks(ns) => Some(ns),
            Self::TooShort => None,
        }
    }

    /// Where the figure comes from.
    pub(crate) fn source(self) -> UsageSource {
        match self {
            Self::Clock(_) => UsageSource::Clock,
            Self::Ticks(_) => UsageSource::Ticks,
            Self::TooShort => UsageSource::TooShort,
        }
    }
}

impl TreeDifference {
    /// The figures for a record, of a slice of process `invocation` whose samples took `wall_ns`.
    pub(crate) fn of_slice(&self, invocation: u32, wall_ns: u64) -> SliceUsage {
        SliceUsage {
            invocation,
            cpu_ns: self.cpu.ns(),
            voluntary_switch_count: Some(self.voluntary_switch_count),
            involuntary_switch_count: Some(self.involuntary_switch_count),
            wall_ns,
            source: self.cpu.source(),
        }
    }

    /// The least and the most part of one core that the readings leave possible: 1 if one core was busy all the time.
    pub(crate) fn core_ratios(&self) -> (f64, f64) {
        let ratio = |cpu_ns: u64| cpu_ns as f64 / self.elapsed_ns.max(1) as f64;
        (ratio(self.least_cpu_ns), ratio(self.most_cpu_ns))
    }
}

/// How often a reading is repeated because a process ended or started during it.
const MOST_READINGS: usize = 5;

impl ProcessTree {
    /// What the tree has used up to now. Call it while the child waits for a request: a process that runs meanwhile is
    /// counted up to some instant during the call.
    pub(crate) fn usage(&mut self) -> TreeUsage {
        let mut before = self.unreaped();
        for _ in 1..MOST_READINGS {
            let usage = self.read(&before);
            let after = self.unreaped();
            // If a process ended during the reading, it may be missing in it, or be in two of the places.
            if before == after {
                return usage;
            }
            before = after;
        }
        self.read(&before)
    }

    fn unreaped(&mut self) -> Vec<Process> {
        let members = self.members();
        self.reap(members)
    }

    fn read(&mut self, members: &[Process]) -> TreeUsage {
        let at = Instant::now();
        let memory = members.iter().map(Process::peak_memory_bytes);
        self.peak_memory_bytes = self.peak_memory_bytes.max(memory.sum());
        let read = |one: &Process| {
            let member = MemberUsage {
                own: process_usage(one.identity.pid),
                waited: one.waited,
                thread_count: one.thread_count,
            };
            (one.identity, member)
        };
        TreeUsage {
            at,
            members: members.iter().map(read).collect(),
            reaped: self.reaped,
            peak_memory_bytes: self.peak_memory_bytes,
        }
    }
}

impl TreeUsage {
    /// What was used since `earlier`.
    ///
    /// A process that started since then counts in full. One that ended counts through whoever waited for it. If nobody
    /// did, because its parent ignores `SIGCHLD`, what it used since then is missing.
    pub(crate) fn since(&self, earlier: &Self) -> TreeDifference {
        let mut own = Usage::default();
        let mut waited_ns = 0;
        let mut waiting_count = 0;
        let mut processes = Vec::new();
        for (identity, now) in &self.members {
            let then = earlier.members.get(identity);
            let used = now
                .own
                .since(then.map_or(Usage::default(), |then| then.own));
            own = own.plus(used);
            let thread_count = then.map_or(0, |then| then.thread_count);
            processes.push(ProcessCpu {
                cpu_ns: used.cpu_ns,
                thread_count: now.thread_count.max(thread_count),
            });
            let then = then.map_or(ChildTimes::default(), |then| then.waited);
            waited_ns += now.waited.cpu_ns.saturating_sub(then.cpu_ns);
            waiting_count += u64::from(now.waited != then);
        }
        // What these had used was counted before the earlier reading, and is in the other two places now.
        let gone = self.gone_since(earlier);
        let reaped = self.reaped.since(earlier.reaped);
        let ended_ns = (waited_ns + reaped.cpu_ns).saturating_sub(gone.cpu_ns);
        let switches = own.plus(Usage {
            cpu_ns: 0,
            ..reaped.since(gone)
        });
        let cpu_ns = own.cpu_ns + ended_ns;
        let error_ns = waiting_count * ERROR_TICKS * tick_ns();
        TreeDifference {
            cpu: slice_cpu(cpu_ns, error_ns),
            processes,
            ended_ns,
            // The clocks of the processes that exist are exact.
            least_cpu_ns: own.cpu_ns + ended_ns.saturating_sub(error_ns),
            most_cpu_ns: cpu_ns + error_ns,
            elapsed_ns: self.at.duration_since(earlier.at).as_nanos() as u64,
            voluntary_switch_count: switches.voluntary_switch_count,
            involuntary_switch_count: switches.involuntary_switch_count,
        }
    }

    /// What the processes had used in the earlier reading that no longer exist.
    fn gone_since(&self, earlier: &Self) -> Usage {
        let gone = earlier.members.iter();
        gone.filter(|(identity, _)| !self.members.contains_key(identity))
            .fold(Usage::default(), |sum, (_, then)| Usage {
                cpu_ns: sum.cpu_ns + then.own.cpu_ns + then.waited.cpu_ns,
                ..sum.plus(then.own)
            })
    }
}

/// The figure for a CPU time that can be wrong by `error_ns`, because a part was counted in ticks.
fn slice_cpu(cpu_ns: u64, error_ns: u64) -> SliceCpu {
    match error_ns {
        0 => SliceCpu::Clock(cpu_ns),
        _ if cpu_ns >= TRUSTED_ERRORS * error_ns => SliceCpu::Ticks(cpu_ns),
        _ => SliceCpu::TooShort,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn used(cpu_ms: u64) -> Usage {
        Usage {
            cpu_ns: cpu_ms * MS,
            voluntary_switch_count: cpu_ms,
            involuntary_switch_count: 0,
        }
    }

    /// A reading of processes, each with its id, its own time and that of the children that it waited for, in
    /// milliseconds, and of what was reaped.
    fn reading(members: &[(i32, u64, u64)], reaped_ms: u64) -> TreeUsage {
        let member = |&(pid, own_ms, waited_ms): &(i32, u64, u64)| {
            let member = MemberUsage {
                own: used(own_ms),
                waited: ChildTimes {
                    cpu_ns: waited_ms * MS,
                    fault_count: waited_ms,
                },
                thread_count: 1,
            };
            (Identity::invented(pid), member)
        };
        TreeUsage {
            at: Instant::now(),
            members: members.iter().map(member).collect(),
            reaped: used(reaped_ms),
            peak_memory_bytes: 0,
        }
    }

    fn cpu(now: &TreeUsage, then: &TreeUsage) -> SliceCpu {
        now.since(then).cpu
    }

    #[test]
    fn live_processes_are_counted_by_their_clocks() {
        let then = reading(&[(1, 5, 70)], 30);
        let now = reading(&[(1, 6, 70), (2, 3, 0)], 30);
        assert_eq!(cpu(&now, &then), SliceCpu::Clock(4 * MS));
        assert_eq!(now.since(&then).voluntary_switch_count, 4);
        assert_eq!(cpu(&now, &now), SliceCpu::Clock(0));
        let parts = now.since(&then).processes;
        let mut parts: Vec<u64> = parts.iter().map(|one| one.cpu_ns).collect();
        parts.sort_unstable();
        assert_eq!(parts, [MS, 3 * MS]);
    }

    #[test]
    fn a_process_that_ended_counts_once() {
        let then = reading(&[(1, 5, 0), (2, 400, 100)], 0);
        let by_parent = reading(&[(1, 5, 900)], 0);
        assert_eq!(cpu(&by_parent, &then), SliceCpu::Ticks(400 * MS));
        assert_eq!(by_parent.since(&then).ended_ns, 400 * MS);
        let by_us = reading(&[(1, 5, 0)], 501);
        assert_eq!(cpu(&by_us, &then), SliceCpu::Clock(MS));
        // Of the children that it had waited for, no switches were known.
        assert_eq!(by_us.since(&then).voluntary_switch_count, 501 - 400);
    }

    #[test]
    fn a_process_that_nobody_waited_for_takes_nothing_away() {
        let then = reading(&[(1, 5, 0), (2, 400, 0)], 0);
        let now = reading(&[(1, 9, 0)], 0);
        assert_eq!(cpu(&now, &then), SliceCpu::Clock(4 * MS));
        assert_eq!(now.since(&then).voluntary_switch_count, 4);
    }

    #[test]
    fn few_ticks_are_no_figure() {
        let then = reading(&[(1, 0, 0), (2, 0, 0)], 0);
        let error_ms = ERROR_TICKS * tick_ns() / MS;
        let enough_ms = TRUSTED_ERRORS * error_ms;
        let one_waited = |own_ms| reading(&[(1, own_ms, error_ms), (2, 0, 0)], 0);
        assert_eq!(
            cpu(&one_waited(enough_ms - error_ms), &then),
            SliceCpu::Ticks(enough_ms * MS)
        );
        let short = one_waited(enough_ms - error_ms - 1).since(&then);
        let short_ms = enough_ms - 1;
        assert_eq!(short.least_cpu_ns, (short_ms - error_ms) * MS);
        assert_eq!(short.most_cpu_ns, (short_ms + error_ms) * MS);
        let slice = short.of_slice(3, 5);
        assert_eq!((slice.cpu_ns, slice.source), (None, UsageSource::TooShort));
        assert_eq!((slice.invocation, slice.wall_ns), (3, 5));
        // Two processes that each waited for others can each be wrong.
        let two_waited = reading(&[(1, enough_ms, 10), (2, 0, 10)], 0);
        assert_eq!(cpu(&two_waited, &then), SliceCpu::TooShort);
    }

    #[test]
    fn children_too_short_for_a_tick_are_noticed() {
        let then = reading(&[(1, 5, 0)], 0);
        let mut now = then.clone();
        let member = now.members.get_mut(&Identity::invented(1)).unwrap();
        member.waited.fault_count += 1;
        assert_eq!(cpu(&now, &then), SliceCpu::TooShort);
    }

    #[test]
    fn one_busy_core_is_a_ratio_of_one() {
        let slice = TreeDifference {
            cpu: SliceCpu::TooShort,
            processes: Vec::new(),
            ended_ns: 0,
            least_cpu_ns: 10 * MS,
            most_cpu_ns: 20 * MS,
            elapsed_ns: 20 * MS,
            voluntary_switch_count: 3,
            involuntary_switch_count: 4,
        };
        assert_eq!(slice.core_ratios(), (0.5, 1.0));
        let recorded = slice.of_slice(0, 5);
        assert_eq!(recorded.voluntary_switch_count, Some(3));
        assert_eq!(recorded.involuntary_switch_count, Some(4));
    }

    #[test]
    fn what_clocks_counted_is_certain() {
        let then = reading(&[(1, 5, 0)], 0);
        let now = reading(&[(1, 8, 10)], 0).since(&then);
        assert_eq!(now.cpu, SliceCpu::TooShort);
        assert_eq!(now.least_cpu_ns, 3 * MS);
        let by_clocks = reading(&[(1, 8, 0)], 0).since(&then);
        assert_eq!(
            (by_clocks.least_cpu_ns, by_clocks.most_cpu_ns),
            (3 * MS, 3 * MS)
        );
    }
}
