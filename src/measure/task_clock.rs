//! Which clock times the tasks of traced runs.

use crate::kernel::TaskClock;
use crate::system::Root;

/// The clock of this machine.
pub fn own_task_clock() -> TaskClock {
    task_clock(&Root::default())
}

/// The time stamp counter if the Linux kernel itself keeps its time by it, because it then has checked that all cores count
/// alike, and if it counts at a constant rate, also in idle states. Otherwise the monotonic clock.
fn task_clock(root: &Root) -> TaskClock {
    let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let is_source = root.read(source).is_some_and(|name| name.trim() == "tsc");
    let processors = root.read("/proc/cpuinfo").unwrap_or_default();
    let flags = processors.lines().find(|line| line.starts_with("flags"));
    let flags: Vec<&str> = flags.unwrap_or_default().split_whitespace().collect();
    let is_constant = ["constant_tsc", "nonstop_tsc"]
        .iter()
        .all(|flag| flags.contains(flag));
    match is_source && is_constant && cfg!(target_arch = "x86_64") {
        true => TaskClock::TimeStampCounter,
        false => TaskClock::Monotonic,
    }
}

/// The name of a clock in the file of a traced run.
pub(crate) fn clock_name(clock: TaskClock) -> &'static str {
    match clock {
        TaskClock::TimeStampCounter => "tsc",
        TaskClock::Monotonic => "monotonic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::fixture::Machine;

    fn clock(source: &str, flags: &str) -> TaskClock {
        let machine = Machine::with(&[
            (
                "/sys/devices/system/clocksource/clocksource0/current_clocksource",
                source,
            ),
            (
                "/proc/cpuinfo",
                &format!("processor\t: 0\nflags\t\t: fpu {flags}\n"),
            ),
        ]);
        task_clock(&machine.root)
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_counter_is_used_only_where_it_is_the_time_of_the_system() {
        let constant = "tsc constant_tsc nonstop_tsc";
        assert_eq!(clock("tsc\n", constant), TaskClock::TimeStampCounter);
        for (source, flags) in [
            ("kvm-clock\n", constant),
            ("hpet\n", constant),
            ("tsc\n", "tsc constant_tsc"),
            ("tsc\n", "tsc nonstop_tsc"),
        ] {
            assert_eq!(
                clock(source, flags),
                TaskClock::Monotonic,
                "{source} {flags}"
            );
        }
    }

    #[test]
    fn a_machine_that_says_nothing_gets_the_monotonic_clock() {
        assert_eq!(task_clock(&Machine::with(&[]).root), TaskClock::Monotonic);
    }
}
