use proptest::prelude::*;

use super::*;
use crate::machine::ticks::CpuTicks;
use crate::system::fixture::Machine;

/// A laptop with default settings: governor, turbo, hardware threads, a busy browser.
fn laptop() -> Facts {
    Facts {
        cpuinfo: "model name\t: Intel(R) Core(TM) i7-8550U\nflags\t\t: fpu vme sse2 ht\n".into(),
        firmware: "LENOVO 20KHCTO1WW".into(),
        allowed: vec![0, 1, 2, 3],
        online: "0-3".into(),
        siblings: [(0, "0,2"), (1, "1,3"), (2, "0,2"), (3, "1,3")]
            .map(|(core, list)| (core, list.to_string()))
            .to_vec(),
        governors: vec!["powersave".into(); 4],
        no_turbo: "0".into(),
        loadavg: "2.80 1.90 1.10 3/1200 4242".into(),
        clock_source: "tsc".into(),
        clock_sources: "tsc hpet acpi_pm".into(),
        timer_slack_ns: Some(1),
        meminfo: "SwapTotal: 8388604 kB\nSwapFree: 8000000 kB\n".into(),
        huge_pages: "[always] madvise never".into(),
        ..server()
    }
}

/// An ARM server set up for measuring.
fn server() -> Facts {
    let counters = CpuTicks::parse("cpu 100 0 50 9000\ncpu0 50 0 25 4500\ncpu1 50 0 25 4500\n");
    let counters = counters.unwrap();
    Facts {
        kernel: "6.1.0-18-arm64".into(),
        can_start_itself: true,
        are_groups_known: true,
        cpuinfo: "Features\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n".into(),
        firmware: "GIGABYTE R152-P30".into(),
        allowed: vec![0, 1],
        online: "0-1".into(),
        siblings: vec![(0, "0".into()), (1, "1".into())],
        governors: vec!["performance".into()],
        boost: "0".into(),
        loadavg: "0.01 0.02 0.00 1/300 900".into(),
        watch: Some(facts::CpuWatch {
            before: counters.clone(),
            after: counters,
            elapsed: WATCH,
            own_cpu_ns: 0,
        }),
        clock_source: "arch_sys_counter".into(),
        timer_slack_ns: Some(1),
        meminfo: "SwapTotal: 0 kB\nSwapFree: 0 kB\n".into(),
        huge_pages: "always [madvise] never".into(),
        ..Facts::default()
    }
}

/// A container with half a core, in a virtual machine.
fn container() -> Facts {
    Facts {
        cpuinfo: "flags\t\t: fpu vme hypervisor\n".into(),
        cpu_limit_millicores: Some(500),
        timer_slack_ns: Some(50_000),
        governors: Vec::new(),
        ..server()
    }
}

fn severities(facts: &Facts) -> Vec<Severity> {
    advise(facts).iter().map(|advice| advice.severity).collect()
}

#[test]
fn a_machine_that_was_set_up_is_fit() {
    assert_eq!(
        render(&advise(&server())),
        "This machine is fit for measuring.\n"
    );
}

#[test]
fn a_laptop_has_warnings_and_notes() {
    use Severity::{Note, Warning};
    assert_eq!(
        severities(&laptop()),
        [Warning, Warning, Warning, Note, Note, Note]
    );
}

#[test]
fn the_worst_comes_first() {
    use Severity::{Note, Unfit, Unknown, Warning};
    assert_eq!(severities(&container()), [Unfit, Warning, Unknown, Note]);
}

#[test]
fn records_get_a_line_per_finding_and_nothing_that_is_not_known() {
    let found = lines(&container());
    assert!(found[0].starts_with("unfit: "), "{found:?}");
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|line| !line.contains('\n')), "{found:?}");
    assert_eq!(
        lines(&Facts::default()).len(),
        rule::all(&Facts::default()).len()
    );
}

#[test]
fn a_machine_that_shows_nothing_is_not_called_fit() {
    let nothing = Machine::with(&[]);
    let facts = Facts {
        debug_build: false,
        ..Facts::gather(&nothing.root, Duration::ZERO)
    };
    let text = render(&advise(&facts));
    for words in [
        "unfit: /proc is not mounted",
        "unknown: could not find out: the processor (/proc/cpuinfo); ",
        "what other programs use (/proc/stat); ",
        "This machine is not fit for measuring in its current state.",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn with_one_missing_fact_a_machine_is_not_called_fit() {
    let hide: [fn(&mut Facts); 14] = [
        |facts| facts.cpuinfo.clear(),
        |facts| facts.firmware.clear(),
        |facts| facts.allowed.clear(),
        |facts| facts.online.clear(),
        |facts| facts.siblings.clear(),
        |facts| facts.governors.clear(),
        |facts| {
            facts.governors.clear();
            facts.boost.clear();
        },
        |facts| facts.loadavg.clear(),
        |facts| facts.watch = None,
        |facts| facts.are_groups_known = false,
        |facts| facts.clock_source.clear(),
        |facts| facts.timer_slack_ns = None,
        |facts| facts.meminfo.clear(),
        |facts| facts.huge_pages.clear(),
    ];
    for (index, hide) in hide.into_iter().enumerate() {
        let mut facts = server();
        hide(&mut facts);
        let text = render(&advise(&facts));
        assert!(
            text.contains("unknown: could not find out: "),
            "{index}: {text}"
        );
        assert!(!text.contains("This machine is fit"), "{index}: {text}");
    }
}

#[test]
fn advice_reads_as_what_why_and_what_to_do() {
    insta::assert_snapshot!(render(&advise(&container())), @"
    unfit: a control group limits the process to 0.50 of 2 cores
      why: once the quota is used up, all workers are stopped until the next period begins
      do:  start the container with --cpus=2, or use --workers 1

    warning: sleeps end up to 50µs late, and the system does not allow changing this
      why: this delay is added to the measured time of every task that sleeps
      do:  allow prctl(PR_SET_TIMERSLACK) in the system call filter of the sandbox

    unknown: could not find out: the frequency governor (/sys/devices/system/cpu/cpufreq)
      why: each of these can disturb measurements, and here it would go unnoticed
      do:  run `taskdyno doctor` on the host, outside the container or virtual machine

    note: this is a virtual machine
      why: waking an idle core involves the hypervisor, and other guests slow this one unnoticed
      do:  compare only within one run; measure absolute times on a physical machine

    This machine is not fit for measuring in its current state.
    ");
}

#[test]
fn notes_alone_leave_a_machine_fit() {
    let mut facts = server();
    facts.huge_pages = "[always] madvise never".into();
    let text = render(&advise(&facts));
    assert!(text.ends_with("This machine is fit for measuring, within the limits above.\n"));
}

#[test]
fn every_remedy_is_one_line() {
    for advice in advise(&laptop()).into_iter().chain(advise(&container())) {
        assert!(
            !advice.remedy.is_empty() && !advice.remedy.contains('\n'),
            "{advice:?}"
        );
    }
}

#[test]
fn this_machine_can_be_examined() {
    let facts = Facts::gather(&Root::default(), Duration::ZERO);
    assert!(!facts.allowed.is_empty() && facts.watch.is_some());
    // Tests are built with debug assertions, unless they run in release mode.
    let debug = advise(&facts)
        .iter()
        .any(|advice| advice.severity == Severity::Unfit);
    assert!(debug || !cfg!(debug_assertions));
}

proptest! {
    /// The texts consist of words from the kernel's files, so that many of them pass the first checks of a rule.
    #[test]
    fn no_text_makes_a_rule_panic(
        text in "([a-zA-Z_]{0,9}|cpu[0-9 ]?|SwapTotal|SwapFree|[0-9]{1,21}|kB|[-:, /.\\t\\n]|\\PC){0,60}",
    ) {
        let counters = CpuTicks::parse(&text).unwrap_or_default();
        let facts = Facts {
            cpuinfo: text.clone(),
            firmware: text.clone(),
            online: text.clone(),
            siblings: vec![(0, text.clone()), (u32::MAX, text.clone())],
            governors: vec![text.clone()],
            no_turbo: text.clone(),
            boost: text.clone(),
            loadavg: text.clone(),
            watch: Some(facts::CpuWatch {
                before: CpuTicks::default(),
                after: counters,
                elapsed: WATCH,
                own_cpu_ns: 0,
            }),
            clock_source: text.clone(),
            clock_sources: text.clone(),
            meminfo: text.clone(),
            huge_pages: text,
            ..server()
        };
        for advice in advise(&facts) {
            prop_assert!(!advice.what.is_empty() && !advice.remedy.is_empty());
        }
    }
}
