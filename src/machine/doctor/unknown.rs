//! Reports the facts that the machine does not show. A rule gives no advice on a missing fact, so without this report a
//! machine that hides its facts would look fit.

use super::facts::Facts;
use super::{Advice, Severity};

/// A fact that rules use: its name, and a function that says whether it is known.
type Fact = (&'static str, fn(&Facts) -> bool);

const FACTS: &[Fact] = &[
    ("the processor (/proc/cpuinfo)", |facts| {
        !facts.cpuinfo.is_empty()
    }),
    ("whether this is a virtual machine", is_nature_known),
    ("which cores this process may use", |facts| {
        !facts.allowed.is_empty()
    }),
    (
        "which cores there are (/sys/devices/system/cpu/online)",
        |facts| !facts.online.is_empty(),
    ),
    ("which cores share a physical core", |facts| {
        facts.siblings.iter().any(|(_, list)| !list.is_empty())
    }),
    (
        "the frequency governor (/sys/devices/system/cpu/cpufreq)",
        |facts| !facts.governors.is_empty(),
    ),
    ("whether turbo is on", is_turbo_known),
    ("the load average (/proc/loadavg)", |facts| {
        !facts.loadavg.is_empty()
    }),
    ("what other programs use (/proc/stat)", |facts| {
        facts.watch.is_some()
    }),
    (
        "the limits of control groups (/proc/self/cgroup)",
        |facts| facts.are_groups_known,
    ),
    (
        "the clock source (/sys/devices/system/clocksource)",
        |facts| !facts.clock_source.is_empty(),
    ),
    ("how late sleeps end", |facts| {
        facts.timer_slack_ns.is_some()
    }),
    ("whether memory is swapped out (/proc/meminfo)", |facts| {
        !facts.meminfo.is_empty()
    }),
    ("the use of huge pages (/sys/kernel/mm)", |facts| {
        !facts.huge_pages.is_empty()
    }),
];

/// The flags of an x86 processor or the names in the firmware show whether the machine is virtual.
fn is_nature_known(facts: &Facts) -> bool {
    facts.cpuinfo.contains("flags") || !facts.firmware.trim().is_empty()
}

/// A machine that shows governors but no switch for turbo has no turbo that could be switched off.
fn is_turbo_known(facts: &Facts) -> bool {
    let switches = [&facts.no_turbo, &facts.boost];
    switches.iter().any(|text| !text.is_empty()) || !facts.governors.is_empty()
}

/// The facts that could not be found out; `None` if all are known.
pub(super) fn unknown(facts: &Facts) -> Option<Advice> {
    let missing = FACTS.iter().filter(|(_, is_known)| !is_known(facts));
    let missing: Vec<&str> = missing.map(|(name, _)| *name).collect();
    (!missing.is_empty()).then(|| Advice {
        what: format!("could not find out: {}", missing.join("; ")),
        why: "each of these can disturb measurements, and here it would go unnoticed".into(),
        remedy: "run `taskdyno doctor` on the host, outside the container or virtual machine"
            .into(),
        severity: Severity::Unknown,
    })
}
