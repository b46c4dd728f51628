//! The rules. Each is a pure function of the facts that it uses.

use std::time::Duration;

use super::facts::{CpuWatch, Facts};
use super::{Advice, Severity};
use crate::machine::host;
use crate::machine::ticks::{SHORTEST_BRACKET, foreign_cpu_ns};
use crate::system::cgroup::ProcessLimit;
use crate::system::limit::ThreadLimits;
use crate::system::proc;
use crate::units;

/// The advice of all rules.
pub(super) fn all(facts: &Facts) -> Vec<Advice> {
    let core_count = facts.allowed.len();
    let found = [
        no_proc(facts.can_start_itself),
        old_kernel(&facts.kernel),
        threads(&facts.thread_limits, facts.user_thread_count, core_count),
        debug_build(facts.debug_build),
        quota(facts.cpu_limit_millicores, core_count),
        few_cores(&facts.allowed, &facts.online),
        governor(&facts.governors),
        turbo(&facts.no_turbo, &facts.boost),
        shared_cores(&facts.siblings),
        load_average(&facts.loadavg, core_count),
        facts.watch.as_ref().and_then(foreign_cpu),
        facts.watch.as_ref().and_then(steal),
        virtual_machine(&facts.cpuinfo, &facts.firmware),
        clock_source(&facts.clock_source, &facts.clock_sources),
        timer_slack(facts.timer_slack_ns),
        swap(&facts.meminfo),
        huge_pages(&facts.huge_pages),
    ];
    found.into_iter().flatten().collect()
}

fn no_proc(can_start_itself: bool) -> Option<Advice> {
    (!can_start_itself).then(|| Advice {
        what: "/proc is not mounted, or does not show this program (/proc/self/exe)".into(),
        why:
            "every case is a child process that is started through this path, so all cases would fail"
                .into(),
        remedy: "mount -t proc proc /proc".into(),
        severity: Severity::Unfit,
    })
}

/// The oldest kernel that can watch worker processes through descriptors: `pidfd_open` was added in Linux 5.3, and
/// waiting for its descriptors (`P_PIDFD`) in 5.4.
const OLDEST_KERNEL: (u32, u32) = (5, 4);

fn old_kernel(release: &str) -> Option<Advice> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let version = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let (major, minor) = OLDEST_KERNEL;
    (version < OLDEST_KERNEL).then(|| Advice {
        what: format!("this is Linux {release}, and the oldest supported version is {major}.{minor}"),
        why: "this kernel has no descriptors for watching worker processes, so cases that use them fail".into(),
        remedy: "use only other backends: --backends serial,static,threads,thread-pool,crossbeam,rayon,tokio".into(),
        severity: Severity::Unfit,
    })
}

fn threads(limits: &ThreadLimits, user_thread_count: u64, core_count: usize) -> Option<Advice> {
    // A case has one process and one worker per core. The control loop has one thread per core, except for the first.
    let needed = 2 * core_count.max(1) as u64;
    let of_user = limits
        .of_user
        .map(|most| most.saturating_sub(user_thread_count));
    let of_group = limits.of_group.map(ProcessLimit::room);
    let room = of_user.into_iter().chain(of_group).min()?;
    (room < needed).then(|| Advice {
        what: format!(
            "at most {room} more processes or threads can be started: {}",
            limits.text().unwrap_or_default()
        ),
        why: format!(
            "one worker per core needs {needed}, and cases whose workers cannot be started fail"
        ),
        remedy: "raise the limit: `ulimit -u`, or `--pids-limit` of the container".into(),
        severity: Severity::Unfit,
    })
}

fn debug_build(debug: bool) -> Option<Advice> {
    debug.then(|| Advice {
        what: "this is a debug build".into(),
        why: "it is many times slower than a release build, and not by the same factor everywhere"
            .into(),
        remedy: "cargo run --release -- run".into(),
        severity: Severity::Unfit,
    })
}

fn quota(millicores: Option<u64>, core_count: usize) -> Option<Advice> {
    let cores = millicores? as f64 / 1000.0;
    if cores >= core_count as f64 {
        return None;
    }
    Some(Advice {
        what: format!("a control group limits the process to {cores:.2} of {core_count} cores"),
        why: "once the quota is used up, all workers are stopped until the next period begins"
            .into(),
        remedy: format!(
            "start the container with --cpus={core_count}, or use --workers {:.0}",
            cores.floor().max(1.0)
        ),
        severity: Severity::Unfit,
    })
}

fn few_cores(allowed: &[u32], online: &str) -> Option<Advice> {
    let online_cores = proc::core_list(online).unwrap_or_default();
    let (count, all) = (allowed.len(), online_cores.len());
    let bound = count < all;
    if count == 0 || (count > 1 && !bound) {
        return None;
    }
    let alone = count == 1;
    let what = match bound {
        true => format!("the process may use {count} of {all} cores"),
        false => "the machine has one core".into(),
    };
    let why = match alone {
        true => "workers take turns on it, so nothing is measured about parallel execution",
        false => "programs on the other cores share caches and power with the measured program",
    };
    let remedy = match bound {
        true => format!("taskset -pc {online} $$"),
        false => "measure on a machine with two cores or more".into(),
    };
    let severity = if alone {
        Severity::Warning
    } else {
        Severity::Note
    };
    Some(Advice {
        what,
        why: why.into(),
        remedy,
        severity,
    })
}

fn governor(governors: &[String]) -> Option<Advice> {
    let mut other: Vec<&str> = governors.iter().map(|text| text.trim()).collect();
    other.retain(|name| !name.is_empty() && *name != "performance");
    other.sort_unstable();
    other.dedup();
    (!other.is_empty()).then(|| Advice {
        what: format!("the frequency governor is \"{}\"", other.join("\", \"")),
        why: "cores slow down while workers wait, so backends whose workers wait look too slow"
            .into(),
        remedy: "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
            .into(),
        severity: Severity::Warning,
    })
}

fn turbo(no_turbo: &str, boost: &str) -> Option<Advice> {
    let remedy = if no_turbo.trim() == "0" {
        "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"
    } else if boost.trim() == "1" {
        "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost"
    } else {
        return None;
    };
    Some(Advice {
        what: "turbo is on".into(),
        why:
            "one busy core runs faster than many, which looks like bad scaling, and heat slows both"
                .into(),
        remedy: remedy.into(),
        severity: Severity::Warning,
    })
}

fn shared_cores(siblings: &[(u32, String)]) -> Option<Advice> {
    let allowed: Vec<u32> = siblings.iter().map(|(core, _)| *core).collect();
    // The first allowed sibling represents the physical core.
    let first_of = |list: &String| {
        let list = proc::core_list(list)?;
        list.into_iter().filter(|core| allowed.contains(core)).min()
    };
    let alone: Vec<String> = siblings
        .iter()
        .filter(|(core, list)| first_of(list).is_none_or(|first| first == *core))
        .map(|(core, _)| core.to_string())
        .collect();
    (alone.len() < allowed.len()).then(|| Advice {
        what: format!(
            "{} cores are hardware threads of {} physical cores",
            allowed.len(),
            alone.len()
        ),
        why:
            "two workers on one physical core slow each other down, so placement decides the result"
                .into(),
        remedy: format!("taskset -c {} taskdyno run", alone.join(",")),
        severity: Severity::Note,
    })
}

/// The load average per core above which a worker has to share its core with another program half of the time.
const HIGH_LOAD_PER_CORE: f64 = 0.5;

fn load_average(loadavg: &str, core_count: usize) -> Option<Advice> {
    let average = host::load_average(loadavg)?;
    let high = average > HIGH_LOAD_PER_CORE * core_count.max(1) as f64;
    high.then(|| Advice {
        what: format!("the load average is {average:.2} on {core_count} cores"),
        why:
            "other programs were busy in the last minute; if they still are, workers wait for cores"
                .into(),
        remedy:
            "stop the busiest programs that `top` shows, wait a minute, and check again: uptime"
                .into(),
        severity: Severity::Warning,
    })
}

/// The share of other programs above which advice is given: between one and two of the 30 ticks per core, because one
/// tick may be chance.
const HIGH_FOREIGN_RATIO: f64 = 0.05;

fn foreign_cpu(watch: &CpuWatch) -> Option<Advice> {
    let foreign_ns = foreign_cpu_ns(&watch.before, &watch.after, watch.elapsed, watch.own_cpu_ns)?;
    let core_count = watch.after.cores.len().max(1);
    let ratio = foreign_ns as f64 / (watch.elapsed.as_nanos() as f64 * core_count as f64);
    (ratio > HIGH_FOREIGN_RATIO).then(|| Advice {
        what: format!(
            "other programs use {:.0}% of the machine now",
            ratio * 100.0
        ),
        why: "they take cores from workers, and wake-ups look faster on a core that never sleeps"
            .into(),
        remedy: "top -b -n 1 -o %CPU | head -n 15".into(),
        severity: Severity::Warning,
    })
}

/// The share of stolen time above which advice is given. On a quiet host, it stays near 0.
const HIGH_STEAL_RATIO: f64 = 0.01;

fn steal(watch: &CpuWatch) -> Option<Advice> {
    let since_start = watch.after.total.steal_ratio()?;
    let now = watch.after.total.since(watch.before.total);
    // At least two ticks, because one may be chance.
    let enough = watch.elapsed >= SHORTEST_BRACKET && now.steal >= 2;
    let now = now.steal_ratio().filter(|_| enough).unwrap_or(0.0);
    let worst = since_start.max(now);
    (worst > HIGH_STEAL_RATIO).then(|| Advice {
        what: format!("the hypervisor takes up to {:.1}% of the time", worst * 100.0),
        why: "workers stop for milliseconds without noticing, which causes a few very long times".into(),
        remedy: "use a machine with dedicated cores, or measure while column st of this command is 0: vmstat 1".into(),
        severity: Severity::Warning,
    })
}

/// Names in the firmware of virtual machines, for processors without a flag for it. systemd uses the same names
/// (`src/basic/virt.c`).
const VIRTUAL_FIRMWARE: &[&str] = &[
    "QEMU",
    "KVM",
    "VMware",
    "VirtualBox",
    "Xen",
    "Bochs",
    "Parallels",
    "Google Compute Engine",
    "Microsoft Corporation Virtual Machine",
];

fn virtual_machine(cpuinfo: &str, firmware: &str) -> Option<Advice> {
    let flags = proc::field(cpuinfo, "flags").unwrap_or_default();
    let flagged = flags
        .split_ascii_whitespace()
        .any(|flag| flag == "hypervisor");
    let named = VIRTUAL_FIRMWARE.iter().any(|word| firmware.contains(word));
    (flagged || named).then(|| Advice {
        what: "this is a virtual machine".into(),
        why:
            "waking an idle core involves the hypervisor, and other guests slow this one unnoticed"
                .into(),
        remedy: "compare only within one run; measure absolute times on a physical machine".into(),
        severity: Severity::Note,
    })
}

/// Clock sources that programs read without a system call (`vdso_clock_mode` in the kernel).
const FAST_CLOCKS: &[&str] = &[
    "tsc",
    "kvm-clock",
    "hyperv_clocksource_tsc_page",
    "arch_sys_counter",
    "riscv_clocksource",
    "timebase",
    "tod",
];

fn clock_source(current: &str, available: &str) -> Option<Advice> {
    let current = current.trim();
    if current.is_empty() || FAST_CLOCKS.contains(&current) {
        return None;
    }
    let fast = |name: &&str| FAST_CLOCKS.contains(name);
    let remedy = match available.split_ascii_whitespace().find(fast) {
        Some(name) => format!(
            "echo {name} | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource"
        ),
        None => {
            "start the kernel with tsc=reliable if dmesg | grep -i tsc shows no other fault".into()
        }
    };
    Some(Advice {
        what: format!("the clock source is \"{current}\""),
        why: "reading the clock takes a system call and up to a microsecond".into(),
        remedy,
        severity: Severity::Warning,
    })
}

fn timer_slack(slack_ns: Option<u64>) -> Option<Advice> {
    let slack = Duration::from_nanos(slack_ns.filter(|slack| *slack > 1)?);
    Some(Advice {
        what: format!(
            "sleeps end up to {slack:?} late, and the system does not allow changing this"
        ),
        why: "this delay is added to the measured time of every task that sleeps".into(),
        remedy: "allow prctl(PR_SET_TIMERSLACK) in the system call filter of the sandbox".into(),
        severity: Severity::Warning,
    })
}

fn swap(meminfo: &str) -> Option<Advice> {
    let total = proc::bytes(meminfo, "SwapTotal")?;
    let used = total.saturating_sub(proc::bytes(meminfo, "SwapFree")?);
    (used > 0).then(|| Advice {
        what: format!("{} are swapped out", units::size(used)),
        why: "memory was short at some time, and reading a page back from disk takes milliseconds"
            .into(),
        remedy: "sudo swapoff -a && sudo swapon -a".into(),
        severity: Severity::Note,
    })
}

fn huge_pages(enabled: &str) -> Option<Advice> {
    enabled.contains("[always]").then(|| Advice {
        what: "transparent huge pages are enabled for all memory".into(),
        why: "whether the kernel finds huge pages differs between runs, and so does memory-bound work"
            .into(),
        remedy: "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled".into(),
        severity: Severity::Note,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::ticks::CpuTicks;

    fn lists(lists: &[(u32, &str)]) -> Vec<(u32, String)> {
        lists
            .iter()
            .map(|(core, list)| (*core, (*list).into()))
            .collect()
    }

    fn watch(before: &str, after: &str, milliseconds: u64) -> CpuWatch {
        CpuWatch {
            before: CpuTicks::parse(before).unwrap(),
            after: CpuTicks::parse(after).unwrap(),
            elapsed: Duration::from_millis(milliseconds),
            own_cpu_ns: 0,
        }
    }

    #[test]
    fn a_kernel_without_descriptors_of_processes_is_unfit() {
        for old in ["4.19.0-26-amd64", "5.3.18", "3.10"] {
            let found = old_kernel(old).unwrap();
            assert!(found.what.contains("the oldest supported version is 5.4"));
            assert_eq!(found.severity, Severity::Unfit);
        }
        for new in [
            "5.4.0",
            "5.15.153.1-microsoft-standard-WSL2",
            "6.18",
            "10.0",
            "",
            "x.y",
        ] {
            assert_eq!(old_kernel(new), None, "{new}");
        }
    }

    #[test]
    fn room_for_fewer_threads_than_a_run_needs_is_reported() {
        let user = ThreadLimits {
            of_user: Some(100),
            of_group: None,
        };
        assert_eq!(threads(&user, 96, 2), None);
        let found = threads(&user, 97, 2).unwrap();
        let expected = "at most 3 more processes or threads can be started: \
                        this user may have 100 processes and threads (ulimit -u)";
        assert_eq!(found.what, expected);
        let group = |current| ThreadLimits {
            of_group: Some(ProcessLimit { most: 9, current }),
            ..user
        };
        assert_eq!(threads(&group(5), 0, 2), None);
        assert!(threads(&group(6), 0, 2).unwrap().what.contains("pids.max"));
        assert_eq!(threads(&ThreadLimits::default(), 1 << 20, 2), None);
    }

    #[test]
    fn a_debug_build_is_unfit() {
        assert_eq!(debug_build(true).unwrap().severity, Severity::Unfit);
        assert_eq!(debug_build(false), None);
    }

    #[test]
    fn a_quota_matters_below_the_number_of_cores() {
        let found = quota(Some(1500), 2).unwrap();
        assert_eq!(
            found.what,
            "a control group limits the process to 1.50 of 2 cores"
        );
        assert!(found.remedy.ends_with("--workers 1"));
        assert!(quota(Some(500), 2).unwrap().remedy.ends_with("--workers 1"));
        assert_eq!(quota(Some(2000), 2), None);
        assert_eq!(quota(None, 2), None);
    }

    #[test]
    fn one_core_is_too_few() {
        let found = few_cores(&[0], "0").unwrap();
        assert_eq!(
            (found.what.as_str(), found.severity),
            ("the machine has one core", Severity::Warning)
        );
        let bound = few_cores(&[3], "0-3").unwrap();
        assert_eq!(bound.remedy, "taskset -pc 0-3 $$");
        assert_eq!(few_cores(&[0, 1], "0-3").unwrap().severity, Severity::Note);
        assert_eq!(few_cores(&[0, 1], "0-1"), None);
        assert_eq!(few_cores(&[0, 1], "nonsense"), None);
        assert_eq!(few_cores(&[], ""), None);
    }

    #[test]
    fn any_core_with_another_governor_counts() {
        let names = ["performance", "powersave", "schedutil", "powersave"].map(String::from);
        let found = governor(&names).unwrap();
        assert_eq!(
            found.what,
            "the frequency governor is \"powersave\", \"schedutil\""
        );
        assert_eq!(governor(&names[..1]), None);
        assert_eq!(governor(&[]), None);
        assert_eq!(governor(&[String::new()]), None);
    }

    #[test]
    fn turbo_has_one_switch_per_manufacturer() {
        assert!(turbo("0", "").unwrap().remedy.contains("no_turbo"));
        assert!(turbo("", "1").unwrap().remedy.contains("boost"));
        for (no_turbo, boost) in [("1", ""), ("", "0"), ("", ""), ("x", "x")] {
            assert_eq!(turbo(no_turbo, boost), None, "{no_turbo:?} {boost:?}");
        }
    }

    #[test]
    fn one_thread_of_each_physical_core_is_enough() {
        let laptop = lists(&[(0, "0,4"), (1, "1,5"), (4, "0,4"), (5, "1,5")]);
        let found = shared_cores(&laptop).unwrap();
        assert_eq!(
            found.what,
            "4 cores are hardware threads of 2 physical cores"
        );
        assert_eq!(found.remedy, "taskset -c 0,1 taskdyno run");
    }

    #[test]
    fn threads_that_may_not_be_used_do_not_matter() {
        assert_eq!(shared_cores(&lists(&[(4, "0,4"), (5, "1,5")])), None);
        assert_eq!(shared_cores(&lists(&[(0, "0"), (1, "1")])), None);
        assert_eq!(shared_cores(&lists(&[(0, ""), (1, "x")])), None);
        assert_eq!(shared_cores(&[]), None);
    }

    #[test]
    fn load_is_high_above_half_a_core() {
        assert_eq!(load_average("1.00 0.24 0.20 1/90 10253", 2), None);
        assert!(load_average("1.01 0.24 0.20 1/90 10253", 2).is_some());
        assert_eq!(load_average("", 2), None);
    }

    #[test]
    fn the_work_of_others_is_seen() {
        let quiet = "cpu 0 0 0 0\ncpu0 0 0 0 0\ncpu1 0 0 0 0\n";
        let one_busy = "cpu 30 0 0 30\ncpu0 30 0 0 0\ncpu1 0 0 0 30\n";
        let found = foreign_cpu(&watch(quiet, one_busy, 300)).unwrap();
        assert_eq!(found.what, "other programs use 50% of the machine now");
        assert_eq!(foreign_cpu(&watch(quiet, quiet, 300)), None);
        assert_eq!(
            foreign_cpu(&watch(quiet, one_busy, 90)),
            None,
            "too short to tell"
        );
        let own = CpuWatch {
            own_cpu_ns: 300_000_000,
            ..watch(quiet, one_busy, 300)
        };
        assert_eq!(foreign_cpu(&own), None);
    }

    #[test]
    fn steal_counts_now_and_since_the_start() {
        let crowded = "cpu 10 0 10 60 0 0 0 20";
        let found = steal(&watch(crowded, crowded, 300)).unwrap();
        assert_eq!(found.what, "the hypervisor takes up to 20.0% of the time");
        let quiet = "cpu 1000 0 0 9000 0 0 0 5";
        assert_eq!(steal(&watch(quiet, quiet, 300)), None);
        assert!(steal(&watch(quiet, "cpu 1010 0 0 9010 0 0 0 7", 300)).is_some());
        assert_eq!(
            steal(&watch(quiet, "cpu 1010 0 0 9010 0 0 0 6", 300)),
            None,
            "one tick"
        );
        assert_eq!(steal(&CpuWatch::default()), None);
    }

    #[test]
    fn a_hypervisor_shows_in_flags_or_firmware() {
        let flagged = "flags\t\t: fpu vme sse2 hypervisor lahf_lm\n";
        assert!(virtual_machine(flagged, "").is_some());
        assert!(virtual_machine("Features : fp asimd", "QEMU QEMU Virtual Machine").is_some());
        assert_eq!(
            virtual_machine("flags : fpu nohypervisor", "LENOVO 20KHCTO1WW"),
            None
        );
        assert_eq!(virtual_machine("", ""), None);
    }

    #[test]
    fn a_slow_clock_can_be_changed_if_there_is_a_fast_one() {
        let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        let found = clock_source("hpet", "tsc hpet acpi_pm ").unwrap();
        assert_eq!(found.remedy, format!("echo tsc | sudo tee {path}"));
        assert!(
            clock_source("hpet", "hpet acpi_pm")
                .unwrap()
                .remedy
                .contains("tsc=reliable")
        );
        for fast in ["tsc", "kvm-clock", "arch_sys_counter", ""] {
            assert_eq!(clock_source(fast, ""), None, "{fast}");
        }
    }

    #[test]
    fn slack_that_cannot_be_changed_is_reported() {
        assert!(timer_slack(Some(50_000)).unwrap().what.contains("50µs"));
        assert_eq!(timer_slack(Some(1)), None);
        assert_eq!(timer_slack(None), None);
    }

    #[test]
    fn swap_in_use_is_reported() {
        let meminfo = "MemTotal: 16 kB\nSwapTotal:  4096 kB\nSwapFree:  1024 kB\n";
        assert_eq!(swap(meminfo).unwrap().what, "3.00 MiB are swapped out");
        assert_eq!(swap("SwapTotal: 4096 kB\nSwapFree: 4096 kB"), None);
        assert_eq!(swap("SwapTotal: 1 kB\nSwapFree: 9 kB"), None);
        assert_eq!(swap(""), None);
    }

    #[test]
    fn huge_pages_for_all_memory_are_reported() {
        assert!(huge_pages("[always] madvise never").is_some());
        assert_eq!(huge_pages("always [madvise] never"), None);
        assert_eq!(huge_pages(""), None);
    }
}
