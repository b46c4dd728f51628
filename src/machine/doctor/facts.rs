//! The facts that rules use, in the form in which the machine shows them.

use std::thread;
use std::time::Duration;

use rustix::process::getuid;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::backend::Cores;
use crate::machine::host;
use crate::machine::ticks::CpuTicks;
use crate::record::nanoseconds;
use crate::system::cgroup::Groups;
use crate::system::limit::{ThreadLimits, thread_count_of_user};
use crate::system::{Root, can_start_itself};

/// Texts and numbers from one machine. Facts that it does not show are empty or `None`. Rules ignore these, and
/// `unknown` reports them.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// The release of the Linux kernel, such as `6.18.44-generic`.
    pub(super) kernel: String,
    /// Whether the program can start itself again, which requires `/proc`.
    pub(super) can_start_itself: bool,
    /// Whether the program was built with debug assertions.
    pub(super) debug_build: bool,
    /// `/proc/cpuinfo`.
    pub(super) cpuinfo: String,
    /// The manufacturer and the name of the machine, from its firmware.
    pub(super) firmware: String,
    /// The cores that the process may run on.
    pub(super) allowed: Vec<u32>,
    /// `/sys/devices/system/cpu/online`.
    pub(super) online: String,
    /// For each allowed core, its `thread_siblings_list`.
    pub(super) siblings: Vec<(u32, String)>,
    /// The governor of each frequency policy.
    pub(super) governors: Vec<String>,
    /// `/sys/devices/system/cpu/intel_pstate/no_turbo`: 0 means that turbo is on.
    pub(super) no_turbo: String,
    /// `/sys/devices/system/cpu/cpufreq/boost`: 1 means that boost is on.
    pub(super) boost: String,
    /// `/proc/loadavg`.
    pub(super) loadavg: String,
    /// The CPU time that was used while the machine was watched.
    pub(super) watch: Option<CpuWatch>,
    /// The tightest CPU quota that a control group sets, in thousandths of a core.
    pub(super) cpu_limit_millicores: Option<u64>,
    /// Whether the kernel says which control groups the process is in.
    pub(super) are_groups_known: bool,
    /// The limits on the number of processes and threads.
    pub(super) thread_limits: ThreadLimits,
    /// The number of threads that this user has.
    pub(super) user_thread_count: u64,
    /// The clock source in use.
    pub(super) clock_source: String,
    /// The available clock sources, separated by spaces.
    pub(super) clock_sources: String,
    /// The timer slack in nanoseconds, after the shortest was requested.
    pub(super) timer_slack_ns: Option<u64>,
    /// `/proc/meminfo`.
    pub(super) meminfo: String,
    /// `/sys/kernel/mm/transparent_hugepage/enabled`.
    pub(super) huge_pages: String,
}

/// Two readings of the kernel's counters of busy time.
#[derive(Debug, Clone, Default)]
pub(super) struct CpuWatch {
    pub(super) before: CpuTicks,
    pub(super) after: CpuTicks,
    pub(super) elapsed: Duration,
    /// The CPU time of this process between the readings, in nanoseconds.
    pub(super) own_cpu_ns: u64,
}

const CPU: &str = "/sys/devices/system/cpu";
const CLOCK: &str = "/sys/devices/system/clocksource/clocksource0";

impl Facts {
    /// Reads all facts below `root`, and watches the CPU time of the machine for the duration `watch`.
    pub(super) fn gather(root: &Root, watch: Duration) -> Self {
        let text = |path: &str| root.read(path).unwrap_or_default();
        let of_cpu = |file: &str| text(&format!("{CPU}/{file}"));
        let of_clock = |file: &str| text(&format!("{CLOCK}/{file}"));
        let siblings = |core| of_cpu(&format!("cpu{core}/topology/thread_siblings_list"));
        let groups = Groups::of_this_process(root);
        let allowed: Vec<u32> = Cores::allowed()
            .map(|cores| cores.numbers().collect())
            .unwrap_or_default();
        Self {
            kernel: rustix::system::uname().release().to_string_lossy().into(),
            can_start_itself: can_start_itself(root).is_ok(),
            debug_build: cfg!(debug_assertions),
            cpuinfo: text("/proc/cpuinfo"),
            firmware: firmware(root),
            siblings: allowed.iter().map(|&core| (core, siblings(core))).collect(),
            allowed,
            online: of_cpu("online"),
            governors: governors(root),
            no_turbo: of_cpu("intel_pstate/no_turbo"),
            boost: of_cpu("cpufreq/boost"),
            loadavg: text("/proc/loadavg"),
            watch: CpuWatch::take(root, watch),
            cpu_limit_millicores: groups.cpu_limit_millicores(),
            are_groups_known: groups.are_known(),
            thread_limits: ThreadLimits::now(root),
            user_thread_count: thread_count_of_user(root, getuid().as_raw()),
            clock_source: of_clock("current_clocksource"),
            clock_sources: of_clock("available_clocksource"),
            timer_slack_ns: shortest_timer_slack(),
            meminfo: text("/proc/meminfo"),
            huge_pages: text("/sys/kernel/mm/transparent_hugepage/enabled"),
        }
    }
}

impl CpuWatch {
    fn take(root: &Root, duration: Duration) -> Option<Self> {
        let own = || clock_gettime(ClockId::ProcessCPUTime);
        let wall = || clock_gettime(ClockId::Monotonic);
        let (own_before, wall_before, before) = (own(), wall(), CpuTicks::below(root)?);
        thread::sleep(duration);
        let (after, wall_after, own_after) = (CpuTicks::below(root)?, wall(), own());
        let own_cpu = between(own_before, own_after);
        Some(Self {
            before,
            after,
            elapsed: between(wall_before, wall_after),
            own_cpu_ns: nanoseconds(own_cpu),
        })
    }
}

fn between(earlier: Timespec, later: Timespec) -> Duration {
    let difference = later.checked_sub(earlier).unwrap_or_default();
    Duration::try_from(difference).unwrap_or_default()
}

fn firmware(root: &Root) -> String {
    let files = ["sys_vendor", "product_name"];
    files
        .map(|file| root.read(&format!("/sys/class/dmi/id/{file}")))
        .map(Option::unwrap_or_default)
        .join(" ")
}

fn governors(root: &Root) -> Vec<String> {
    let folder = format!("{CPU}/cpufreq");
    let policies = root.names(&folder).into_iter();
    policies
        .filter_map(|policy| root.read(&format!("{folder}/{policy}/scaling_governor")))
        .collect()
}

/// The timer slack of a measuring process in nanoseconds; `None` if the system does not report it. A separate thread
/// requests it, so that the slack of the calling thread does not change.
fn shortest_timer_slack() -> Option<u64> {
    let asked = thread::Builder::new().spawn(|| {
        host::sharpen_timers();
        rustix::thread::current_timer_slack()
    });
    asked.ok()?.join().ok()?.ok()
}
