//! The kernel's counters of busy time: `/proc/stat`, in ticks of 10 ms.
//!
//! A tick samples what a core does at one instant, and counts it for the whole 10 ms. A few ticks are therefore not
//! reliable. So differences over less than [`SHORTEST_BRACKET`] are not reported.

use std::time::Duration;

use crate::system::Root;

/// The shortest time over which counters of 10 ms ticks are used: ten ticks per core, so that an error of one tick is
/// 10%.
pub(crate) const SHORTEST_BRACKET: Duration = Duration::from_millis(100);

/// The counters of the whole machine at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CpuTicks {
    /// The sum over all cores.
    pub total: CoreTicks,
    /// Each core that is online: its number and its counters, in the order of the kernel.
    pub cores: Vec<(u32, CoreTicks)>,
}

/// The counters of one core, or sums over several cores, in ticks since the machine was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CoreTicks {
    /// Ticks in which the core was busy: user, nice, system, irq, softirq and steal. User and nice already contain the
    /// time of guests.
    pub busy: u64,
    /// Ticks in which the core was idle: idle and iowait.
    pub idle: u64,
    /// The part of `busy` in which the hypervisor ran something else.
    pub steal: u64,
}

impl CpuTicks {
    /// The counters now; `None` if `/proc/stat` cannot be read.
    pub(crate) fn now() -> Option<Self> {
        Self::below(&Root::default())
    }

    /// [`now`](Self::now), read below a root folder.
    pub(crate) fn below(root: &Root) -> Option<Self> {
        Self::parse(&root.read("/proc/stat")?)
    }

    /// The counters in a text in the format of `/proc/stat`; `None` if the line for the machine is missing or invalid.
    /// A core with an invalid line is omitted.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let total = lines.find_map(|line| line.strip_prefix("cpu "))?;
        let total = CoreTicks::parse(total)?;
        let cores = lines.filter_map(|line| {
            let (number, counters) = line.strip_prefix("cpu")?.split_once(' ')?;
            Some((number.parse().ok()?, CoreTicks::parse(counters)?))
        });
        Some(Self {
            total,
            cores: cores.collect(),
        })
    }

    /// The busy time of all cores together since `earlier`, in nanoseconds, exact to one tick per core.
    pub(crate) fn busy_ns_since(&self, earlier: &Self) -> u64 {
        self.total
            .since(earlier.total)
            .busy
            .saturating_mul(tick_ns())
    }

    /// The ticks of each core since `earlier`. A core that was not online at both instants is omitted.
    pub(crate) fn cores_since(&self, earlier: &Self) -> Vec<CoreTicks> {
        let then = |number| earlier.cores.iter().find(|(other, _)| *other == number);
        self.cores
            .iter()
            .filter_map(|(number, now)| then(*number).map(|(_, then)| now.since(*then)))
            .collect()
    }
}

impl CoreTicks {
    /// Parses the counters after the name in a line of `/proc/stat`: user nice system idle iowait irq softirq steal
    /// guest guest_nice. Kernels before 2.6.33 have fewer; missing ones count as 0.
    fn parse(counters: &str) -> Option<Self> {
        let mut fields = [0u64; 8];
        let mut given = counters.split_ascii_whitespace();
        for (at, field) in fields.iter_mut().enumerate() {
            match given.next() {
                Some(number) => *field = number.parse().ok()?,
                // Every kernel has the counters up to `idle`.
                None if at < 4 => return None,
                None => break,
            }
        }
        let [user, nice, system, idle, iowait, irq, softirq, steal] = fields;
        let sum = |counters: &[u64]| counters.iter().fold(0u64, |a, b| a.saturating_add(*b));
        Some(Self {
            busy: sum(&[user, nice, system, irq, softirq, steal]),
            idle: sum(&[idle, iowait]),
            steal,
        })
    }

    /// The ticks since `earlier`. The idle counters of the kernel sometimes run backwards, which counts as 0.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            busy: self.busy.saturating_sub(earlier.busy),
            idle: self.idle.saturating_sub(earlier.idle),
            steal: self.steal.saturating_sub(earlier.steal),
        }
    }

    /// All ticks, busy and idle.
    pub(crate) fn all(self) -> u64 {
        self.busy.saturating_add(self.idle)
    }

    /// Busy ticks over all ticks, from 0 to 1; `None` if nothing was counted.
    pub(crate) fn busy_ratio(self) -> Option<f64> {
        (self.all() > 0).then(|| self.busy as f64 / self.all() as f64)
    }

    /// Stolen ticks over all ticks, from 0 to 1; `None` if nothing was counted.
    pub(crate) fn steal_ratio(self) -> Option<f64> {
        (self.all() > 0).then(|| self.steal as f64 / self.all() as f64)
    }
}

/// The CPU time, in nanoseconds, that everything else on the machine used between two readings that are `elapsed`
/// apart. `own_cpu_ns` is the CPU time of the caller, which is subtracted. `None` if `elapsed` is below
/// [`SHORTEST_BRACKET`].
///
/// The result is exact to one tick per core. It is 0 if rounding makes the time of the machine smaller than
/// `own_cpu_ns`.
pub(crate) fn foreign_cpu_ns(
    before: &CpuTicks,
    after: &CpuTicks,
    elapsed: Duration,
    own_cpu_ns: u64,
) -> Option<u64> {
    let enough = elapsed >= SHORTEST_BRACKET;
    enough.then(|| after.busy_ns_since(before).saturating_sub(own_cpu_ns))
}

/// The length of a tick in nanoseconds. `/proc` counts in units of USER_HZ (proc_stat(5)), which differ from the ticks
/// of the kernel's timer.
pub(super) fn tick_ns() -> u64 {
    1_000_000_000 / rustix::param::clock_ticks_per_second().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An x86 laptop with four cores that runs a guest.
    const LAPTOP: &str = "\
cpu  1393280 32966 572056 13343292 6130 0 17875 0 23933 12
cpu0 348320 8241 143014 3335823 1532 0 4468 0 5983 3
cpu1 348320 8241 143014 3335823 1532 0 4468 0 5983 3
cpu2 348320 8242 143014 3335823 1533 0 4469 0 5983 3
cpu3 348320 8242 143014 3335823 1533 0 4470 0 5984 3
intr 114930548 113199788 3 0 5 263 0 4
ctxt 1990473
btime 1062191376
processes 2915
procs_running 1
softirq 183433 0 21755 12 39 1137 231 21459 2263
";

    /// An ARM board whose second core is offline.
    const BOARD: &str = "\
cpu  100 0 50 1000 10 0 5 0 0 0
cpu0 60 0 20 500 5 0 5 0 0 0
cpu2 40 0 30 500 5 0 0 0 0 0
";

    /// A virtual machine on a crowded host.
    const CROWDED: &str = "cpu  10 0 10 60 0 0 0 20 0 0\ncpu0 10 0 10 60 0 0 0 20 0 0\n";

    #[test]
    fn guests_are_not_counted_twice_and_waiting_for_disks_is_idle() {
        let ticks = CpuTicks::parse(LAPTOP).unwrap();
        assert_eq!(ticks.total.busy, 1_393_280 + 32_966 + 572_056 + 17_875);
        assert_eq!(ticks.total.idle, 13_343_292 + 6_130);
        assert_eq!(ticks.cores.len(), 4);
    }

    #[test]
    fn cores_keep_their_numbers() {
        let ticks = CpuTicks::parse(BOARD).unwrap();
        let numbers: Vec<u32> = ticks.cores.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [0, 2]);
    }

    #[test]
    fn stolen_time_is_busy_time() {
        let total = CpuTicks::parse(CROWDED).unwrap().total;
        assert_eq!(total.busy_ratio(), Some(0.4));
        assert_eq!(total.steal_ratio(), Some(0.2));
    }

    #[test]
    fn differences_are_in_nanoseconds() {
        let before = CpuTicks::parse(BOARD).unwrap();
        let after = CpuTicks::parse("cpu  103 0 51 1006 10\ncpu0 63 0 21 506 5\n").unwrap();
        let nine = CpuTicks::parse("cpu  108 0 50 1000 10 0 6 0 0 0").unwrap();
        assert_eq!(nine.busy_ns_since(&before), 90_000_000);
        let cores = after.cores_since(&before);
        assert_eq!(cores.len(), 1, "core 2 has gone offline");
        // softirq is missing in the later text. The difference must not wrap.
        assert_eq!((cores[0].busy, cores[0].idle), (0, 6));
    }

    #[test]
    fn counters_that_run_backwards_count_as_nothing() {
        let before = CpuTicks::parse("cpu 5 0 0 100").unwrap();
        let after = CpuTicks::parse("cpu 4 0 0 90").unwrap();
        assert_eq!(after.busy_ns_since(&before), 0);
        assert_eq!(after.total.since(before.total).busy_ratio(), None);
    }

    #[test]
    fn foreign_time_needs_enough_ticks() {
        let before = CpuTicks::parse("cpu 0 0 0 0").unwrap();
        let after = CpuTicks::parse("cpu 15 0 0 5").unwrap();
        let foreign = |elapsed, own| foreign_cpu_ns(&before, &after, elapsed, own);
        assert_eq!(foreign(Duration::from_millis(99), 0), None);
        assert_eq!(foreign(SHORTEST_BRACKET, 100_000_000), Some(50_000_000));
        assert_eq!(foreign(SHORTEST_BRACKET, 151_000_000), Some(0));
    }

    #[test]
    fn hostile_texts_give_nothing() {
        for text in [
            "",
            "cpu",
            "cpu ",
            "cpu a b c d",
            "cpu 1 2 3",
            "cpu -1 0 0 0",
            "cpu0 1 2 3 4",
        ] {
            assert_eq!(CpuTicks::parse(text), None, "{text:?}");
        }
        let huge = format!(
            "cpu {0} {0} {0} {0} {0} {0} {0} {0}\ncpux 1\ncpu1\n",
            u64::MAX
        );
        let ticks = CpuTicks::parse(&huge).unwrap();
        assert_eq!(ticks.total.all(), u64::MAX);
        assert!(ticks.cores.is_empty());
    }

    #[test]
    fn this_machine_has_counters() {
        assert!(!CpuTicks::now().unwrap().cores.is_empty());
    }
}
