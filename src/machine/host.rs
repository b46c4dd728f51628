//! The facts that a record holds about the machine, the program and the commit.

use std::collections::HashSet;
use std::num::NonZeroU64;

use crate::backend::Cores;
use crate::foreign::git::{Git, GitError};
use crate::record::{Commit, Host, single_blanks};
use crate::system::cgroup::Groups;
use crate::system::{Root, proc};

/// The facts about this machine now, without what `doctor` finds. A fact that it does not show is "unknown", 0 or null.
pub fn host() -> Host {
    host_below(&Root::default())
}

/// [`host`], read below a root folder.
pub(crate) fn host_below(root: &Root) -> Host {
    let uname = rustix::system::uname();
    let name = uname.sysname().to_string_lossy();
    let release = uname.release().to_string_lossy();
    let cpuinfo = root.read("/proc/cpuinfo").unwrap_or_default();
    let machine = uname.machine().to_string_lossy();
    let governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    let load = root
        .read("/proc/loadavg")
        .and_then(|text| load_average(&text));
    let (core_count, memory_bytes) = (core_count(), memory_bytes(root));
    let groups = Groups::of_this_process(root);
    Host {
        processor: processor(&cpuinfo).map_or_else(
            || format!("unknown {machine} processor"),
            |name| single_blanks(&name),
        ),
        core_count,
        // A limit at or above the number of cores has no effect.
        cpu_limit_millicores: groups
            .cpu_limit_millicores()
            .filter(|limit| *limit < u64::from(core_count) * 1000),
        kernel: format!("{name} {release}"),
        memory_bytes,
        memory_limit_bytes: groups
            .memory_limit_bytes()
            .filter(|limit| memory_bytes == 0 || *limit < memory_bytes),
        governor: root.read(governor).filter(|text| !text.is_empty()),
        load_average: load.unwrap_or(0.0),
        toolchain: env!("TASKDYNO_TOOLCHAIN").into(),
        taskdyno: env!("CARGO_PKG_VERSION").into(),
        findings: Vec::new(),
    }
}

/// The commit that is checked out in the folder of `git`; `None` outside a checkout, and before the first commit. Files
/// that are not under version control do not make it dirty: a report beside the sources does not change the build.
///
/// # Errors
///
/// If git fails for another reason.
pub(crate) fn commit(git: &Git<'_>) -> Result<Option<Commit>, GitError> {
    let hash = match git.commit("HEAD") {
        Err(GitError::NoCheckout(_)) => None,
        answer => answer?,
    };
    let Some(hash) = hash.filter(|hash| is_hash(hash)) else {
        return Ok(None);
    };
    let status = git.ask(["status", "--porcelain", "--untracked-files=no"])?;
    Ok(Some(Commit {
        hash,
        dirty: !status.is_empty(),
    }))
}

/// Those of the commits `hashes` that exist in the checkout of `git`, ancestors before descendants. Texts that are not
/// full hashes are ignored.
///
/// # Errors
///
/// If git fails; [`GitError::NoCheckout`] outside a checkout.
pub(crate) fn commit_order(git: &Git<'_>, hashes: &[&str]) -> Result<Vec<String>, GitError> {
    git.ask(["rev-parse", "--git-dir"])?;
    let asked: HashSet<&str> = hashes
        .iter()
        .copied()
        .filter(|hash| is_hash(hash))
        .collect();
    // Without a commit, git would list the commits of the checkout, or fail.
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let list = ["rev-list", "--topo-order", "--reverse", "--ignore-missing"];
    let listed = git.ask(list.into_iter().chain(asked.iter().copied()))?;
    let listed = listed.to_string_lossy();
    let known = listed.lines().filter(|line| asked.contains(line));
    Ok(known.map(str::to_owned).collect())
}

/// Whether `text` is a full hash: 40 digits for SHA-1, 64 for SHA-256.
fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Makes sleeps end on time, in the calling thread and in all threads and processes that it starts afterwards.
///
/// Linux delays timers by up to 50 µs to handle several of them with one wake-up (`PR_SET_TIMERSLACK(2const)`). This is
/// more than the overhead of most backends per task, and would be measured as theirs. Call this function first in a
/// process that measures. If the system forbids it, as a sandbox may, sleeps keep their delay, and
/// [`doctor`](super::doctor) reports it.
pub(crate) fn sharpen_timers() {
    // 0 would restore the default.
    let shortest = NonZeroU64::MIN;
    let _ = rustix::thread::set_current_timer_slack(Some(shortest));
}

/// The number of cores that the process may run on; 1 if it cannot be read.
pub fn core_count() -> u32 {
    Cores::allowed().map_or(1, |cores| cores.count())
}

fn memory_bytes(root: &Root) -> u64 {
    let meminfo = root.read("/proc/meminfo").unwrap_or_default();
    proc::bytes(&meminfo, "MemTotal").unwrap_or(0)
}

/// The load average over one minute, from a text in the format of `/proc/loadavg`; `None` if the text is invalid.
pub(super) fn load_average(text: &str) -> Option<f64> {
    let average: f64 = text.split_ascii_whitespace().next()?.parse().ok()?;
    (average.is_finite() && average >= 0.0).then_some(average)
}

/// The model of the processor, from a text in the format of `/proc/cpuinfo`; `None` if the text does not contain it.
///
/// x86 and 32-bit ARM have "model name", MIPS "cpu model", POWER "cpu", RISC-V "uarch". 64-bit ARM has only numbers,
/// and sometimes the name of the board.
fn processor(cpuinfo: &str) -> Option<String> {
    let named = ["model name", "cpu model", "cpu", "uarch"];
    let field = |key: &&str| proc::field(cpuinfo, key).filter(|value| !value.is_empty());
    let name = named.iter().find_map(field).map(String::from);
    let board = || {
        ["Hardware", "Model"]
            .iter()
            .find_map(field)
            .map(String::from)
    };
    name.or_else(|| arm_processor(cpuinfo)).or_else(board)
}

/// The name of a 64-bit ARM core, found by the numbers of its manufacturer and its design; the numbers themselves if
/// the name is not in [`ARM_CORES`].
fn arm_processor(cpuinfo: &str) -> Option<String> {
    let implementer = proc::field(cpuinfo, "CPU implementer")?;
    let part = proc::field(cpuinfo, "CPU part")?;
    let known = ARM_CORES
        .iter()
        .find(|(key, _)| *key == (implementer, part));
    Some(known.map_or_else(
        || format!("ARM implementer {implementer} part {part}"),
        |(_, name)| (*name).to_string(),
    ))
}

/// Current ARM cores, named as in util-linux (`sys-utils/lscpu-arm.c`).
const ARM_CORES: &[((&str, &str), &str)] = &[
    (("0x41", "0xd03"), "ARM Cortex-A53"),
    (("0x41", "0xd05"), "ARM Cortex-A55"),
    (("0x41", "0xd07"), "ARM Cortex-A57"),
    (("0x41", "0xd08"), "ARM Cortex-A72"),
    (("0x41", "0xd0b"), "ARM Cortex-A76"),
    (("0x41", "0xd0c"), "ARM Neoverse-N1"),
    (("0x41", "0xd40"), "ARM Neoverse-V1"),
    (("0x41", "0xd49"), "ARM Neoverse-N2"),
    (("0x41", "0xd4f"), "ARM Neoverse-V2"),
    (("0x61", "0x022"), "Apple Icestorm-M1"),
    (("0x61", "0x023"), "Apple Firestorm-M1"),
    (("0xc0", "0xac3"), "Ampere-1"),
    (("0xc0", "0xac4"), "Ampere-1a"),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::system::fixture::Machine;

    const LAPTOP: &str = "\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 142
model name\t: Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz
cpu MHz\t\t: 800.045
cpu cores\t: 4
";
    const ARM_SERVER: &str = "\
processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1
";
    const BOARD: &str = "\
processor\t: 0
model name\t: ARMv7 Processor rev 3 (v7l)
CPU implementer\t: 0x41
CPU part\t: 0xd08

Hardware\t: BCM2711
Model\t\t: Raspberry Pi 4 Model B Rev 1.4
";

    #[test]
    fn names_the_processor() {
        let name = |text| processor(text).unwrap();
        assert_eq!(name(LAPTOP), "Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz");
        assert_eq!(name(ARM_SERVER), "ARM Neoverse-N1");
        assert_eq!(name(BOARD), "ARMv7 Processor rev 3 (v7l)");
        assert_eq!(
            name("cpu\t\t: POWER9, altivec supported\n"),
            "POWER9, altivec supported"
        );
        assert_eq!(name("uarch : sifive,u74-mc"), "sifive,u74-mc");
    }

    #[test]
    fn an_unknown_arm_core_keeps_its_numbers() {
        let text = "CPU implementer : 0x48\nCPU part : 0xd01\n";
        assert_eq!(processor(text).unwrap(), "ARM implementer 0x48 part 0xd01");
        assert_eq!(
            processor("CPU implementer : 0x48\nModel : Some Board").unwrap(),
            "Some Board"
        );
    }

    #[test]
    fn a_text_without_a_processor_gives_none() {
        for text in ["", ":", "model name", "model name :", "\0\u{fffd}:::"] {
            assert_eq!(processor(text), None, "{text:?}");
        }
    }

    #[test]
    fn reads_the_load_average() {
        assert_eq!(load_average("0.01 0.24 0.20 1/90 10253"), Some(0.01));
        for text in ["", "x", "NaN 0 0", "-1 0 0", "inf"] {
            assert_eq!(load_average(text), None, "{text:?}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        let host = host();
        assert!(host.core_count >= 1);
        assert!(host.memory_bytes > 0);
        assert!(host.kernel.starts_with("Linux "), "{}", host.kernel);
        assert!(host.toolchain.starts_with("rustc "), "{}", host.toolchain);
    }

    #[test]
    fn the_limits_of_a_container_are_part_of_the_host() {
        let machine = Machine::with(&[
            ("/proc/cpuinfo", "model name : Example  CPU\n"),
            ("/proc/meminfo", "MemTotal: 8388608 kB\n"),
            ("/proc/self/cgroup", "0::/"),
            ("/sys/fs/cgroup/cpu.max", "50000 100000"),
            ("/sys/fs/cgroup/memory.max", "1073741824"),
        ]);
        let host = host_below(&machine.root);
        assert_eq!(host.cpu_limit_millicores, Some(500));
        assert_eq!(host.memory_limit_bytes, Some(1 << 30));
        assert_eq!(host.usable_core_count(), 1);
        assert_eq!(host.usable_memory_bytes(), 1 << 30);
        let class = format!("example-cpu-0-5-of-{}", core_count());
        assert!(host.class().starts_with(&class), "{}", host.class());

        machine.write("/sys/fs/cgroup/cpu.max", "819200000 100000");
        machine.write("/sys/fs/cgroup/memory.max", "max");
        let host = host_below(&machine.root);
        assert_eq!(
            (host.cpu_limit_millicores, host.memory_limit_bytes),
            (None, None)
        );
        assert_eq!(host.usable_core_count(), core_count());
    }

    #[test]
    fn timers_are_sharp_for_threads_started_later() {
        let slack = std::thread::spawn(|| {
            sharpen_timers();
            std::thread::spawn(|| rustix::thread::current_timer_slack().unwrap()).join()
        });
        assert_eq!(slack.join().unwrap().unwrap(), 1);
    }

    /// Runs git with a fixed author, and without signing commits.
    fn in_git(folder: &Path, arguments: &[&str]) {
        let set = [
            "-c",
            "user.name=n",
            "-c",
            "user.email=e",
            "-c",
            "commit.gpgsign=false",
        ];
        let status = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(set)
            .args(arguments)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }

    #[test]
    fn ancestors_come_before_descendants_and_unknown_commits_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let order = |asked: &[&str]| commit_order(&Git::at(path, &|| false), asked);
        assert!(matches!(order(&[]), Err(GitError::NoCheckout(_))));
        in_git(path, &["init", "-q"]);
        let mut hashes = Vec::new();
        for name in ["first", "second", "third"] {
            in_git(path, &["commit", "-q", "--allow-empty", "-m", name]);
            hashes.push(commit(&Git::at(path, &|| false)).unwrap().unwrap().hash);
        }
        let unknown = "0123456789".repeat(4);
        let asked = [&*hashes[2], &unknown, &hashes[0], "--all", "HEAD"];
        let known = [hashes[0].clone(), hashes[2].clone()];
        assert_eq!(order(&asked).unwrap(), known);
        assert_eq!(order(&[&unknown]).unwrap(), [""; 0]);
    }

    #[test]
    fn a_commit_is_dirty_after_one_of_its_files_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let commit = |path| commit(&Git::at(path, &|| false)).unwrap();
        assert_eq!(commit(path), None, "no checkout");
        in_git(path, &["init", "-q"]);
        assert_eq!(commit(path), None, "no commit");
        fs::write(path.join("source"), "text").unwrap();
        in_git(path, &["add", "source"]);
        in_git(path, &["commit", "-q", "-m", "first"]);
        fs::write(path.join("report"), "text").unwrap();
        assert!(!commit(path).unwrap().dirty);
        fs::write(path.join("source"), "other text").unwrap();
        let commit = commit(path).unwrap();
        assert!(commit.dirty);
        assert_eq!(commit.hash.len(), 40);
    }
}
