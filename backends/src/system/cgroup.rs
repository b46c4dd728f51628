//! The limits of control groups, in versions 1 and 2: what a container may use.

use super::Root;

/// The conventional mount point of both versions (systemd's file hierarchy, and every container runtime).
const MOUNT: &str = "/sys/fs/cgroup";

/// The control groups of this process. A limit of a group applies to all groups below it, so the tightest limit
/// among a group and those above it counts.
pub struct Groups<'a> {
    root: &'a Root,
    /// `/proc/self/cgroup`: one line per hierarchy.
    membership: String,
    /// `/proc/self/mountinfo`: the mount point of each hierarchy.
    mounts: String,
}

/// How many processes and threads a control group may have, and how many it has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessLimit {
    /// The most that there may be.
    pub most: u64,
    /// How many there are.
    pub current: u64,
}

impl ProcessLimit {
    /// How many more can be started.
    pub fn room(self) -> u64 {
        self.most.saturating_sub(self.current)
    }
}

/// One folder of a control group.
struct Folder<'a> {
    root: &'a Root,
    path: String,
    is_version_2: bool,
}

impl<'a> Groups<'a> {
    /// The groups of this process.
    pub fn of_this_process(root: &'a Root) -> Self {
        let text = |path| root.read(path).unwrap_or_default();
        Self {
            root,
            membership: text("/proc/self/cgroup"),
            mounts: text("/proc/self/mountinfo"),
        }
    }

    /// Whether the kernel says which groups these are. If it does not, the absence of a limit means nothing.
    pub fn are_known(&self) -> bool {
        !self.membership.is_empty()
    }

    /// The tightest CPU quota, in thousandths of a core; `None` if there is none.
    pub fn cpu_limit_millicores(&self) -> Option<u64> {
        let quota = |folder: Folder<'_>| match folder.is_version_2 {
            true => {
                let text = folder.read("cpu.max")?;
                let (quota, period) = text.split_once(' ')?;
                millicores(quota, period)
            }
            false => {
                let quota = folder.read("cpu.cfs_quota_us")?;
                millicores(&quota, &folder.read("cpu.cfs_period_us")?)
            }
        };
        self.folders("cpu").filter_map(quota).min()
    }

    /// The tightest limit on memory, in bytes; `None` if there is none. Version 1 writes a number of 19 digits for
    /// "none", which has the same effect, because no machine has as much memory.
    pub fn memory_limit_bytes(&self) -> Option<u64> {
        let limit = |folder: Folder<'_>| folder.number("memory.max", "memory.limit_in_bytes");
        self.folders("memory").filter_map(limit).min()
    }

    /// The limit on processes and threads that leaves the least room; `None` if there is none.
    pub fn process_limit(&self) -> Option<ProcessLimit> {
        let limit = |folder: Folder<'_>| {
            Some(ProcessLimit {
                most: folder.number("pids.max", "pids.max")?,
                current: folder.number("pids.current", "pids.current")?,
            })
        };
        self.folders("pids")
            .filter_map(limit)
            .min_by_key(|limit| limit.room())
    }

    /// How many processes of the group the kernel has killed because of low memory; `None` if it does not count
    /// them. Groups above are ignored, because they also count the kills of other groups.
    pub fn oom_kill_count(&self) -> Option<u64> {
        let mut counts = self.folders("memory").filter_map(|folder| {
            let text = folder.read_one_of("memory.events", "memory.oom_control")?;
            count(&text, "oom_kill")
        });
        counts.next()
    }

    /// The folders of the groups with this controller, in both versions: first each group's own, then those above
    /// it.
    fn folders(&self, controller: &str) -> impl Iterator<Item = Folder<'a>> {
        let of_controller = |line| Membership::parse(line).filter(|group| group.has(controller));
        let groups: Vec<_> = self.membership.lines().filter_map(of_controller).collect();
        let folders: Vec<Folder<'a>> = groups
            .into_iter()
            .flat_map(|group| {
                let is_version_2 = group.controllers.is_empty();
                let paths = group.paths(controller, &self.mounts).into_iter();
                paths.map(move |path| Folder {
                    root: self.root,
                    path,
                    is_version_2,
                })
            })
            .collect();
        folders.into_iter()
    }
}

impl Folder<'_> {
    fn read(&self, file: &str) -> Option<String> {
        self.root.read(&format!("{}/{file}", self.path))
    }

    /// The file for the version of this folder.
    fn read_one_of(&self, version_2: &str, version_1: &str) -> Option<String> {
        self.read(if self.is_version_2 {
            version_2
        } else {
            version_1
        })
    }

    /// The number in the file for the version of this folder; `None` for "max".
    fn number(&self, version_2: &str, version_1: &str) -> Option<u64> {
        self.read_one_of(version_2, version_1)?.parse().ok()
    }
}

/// A line of `/proc/self/cgroup`: `0::/path` in version 2, `4:cpu,cpuacct:/path` in version 1.
#[derive(Clone, Copy)]
struct Membership<'a> {
    /// The controllers; empty in version 2.
    controllers: &'a str,
    path: &'a str,
}

impl<'a> Membership<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { controllers, path })
    }

    /// Version 2 has all controllers in one hierarchy.
    fn has(self, controller: &str) -> bool {
        self.controllers.is_empty() || self.controllers.split(',').any(|name| name == controller)
    }

    /// The group's folder and those above it, as far as they are mounted. In a container the path may be that of the
    /// host, which is not visible from within; the root is then the container's own group.
    fn paths(self, controller: &str, mounts: &str) -> Vec<String> {
        let is_mine = |mount: &Mount<'_>| match self.controllers {
            "" => mount.controllers.is_none(),
            _ => mount
                .controllers
                .is_some_and(|all| all.split(',').any(|name| name == controller)),
        };
        let by_convention = match self.controllers {
            "" => MOUNT.to_string(),
            controllers => format!("{MOUNT}/{controllers}"),
        };
        let mount = mounts.lines().filter_map(Mount::parse).find(is_mine);
        let (group, point) = match &mount {
            Some(mount) => (mount.group, mount.point),
            None => ("/", by_convention.as_str()),
        };
        let mut path = below(self.path, group);
        let mut paths = Vec::new();
        while !path.is_empty() {
            paths.push(format!("{point}{path}"));
            path = path.rsplit_once('/').map_or("", |(above, _)| above);
        }
        paths.push(point.to_string());
        paths
    }
}

/// A line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)) that mounts control groups.
struct Mount<'a> {
    /// The controllers, among other options; `None` in version 2.
    controllers: Option<&'a str>,
    /// The mounted group, which includes all groups below it.
    group: &'a str,
    point: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (front, back) = line.split_once(" - ")?;
        let mut front = front.split(' ').skip(3);
        let (group, point) = (front.next()?, front.next()?);
        let mut back = back.split(' ');
        let (kind, _source, options) = (back.next()?, back.next()?, back.next()?);
        let controllers = match kind {
            "cgroup2" => None,
            "cgroup" => Some(options),
            _ => return None,
        };
        Some(Self {
            controllers,
            group,
            point,
        })
    }
}

/// The part of `path` below the mounted group, with a slash in front; empty if it is that group itself, or not
/// visible from here.
fn below<'a>(path: &'a str, mounted: &str) -> &'a str {
    let rest = path.strip_prefix(mounted.trim_end_matches('/'));
    rest.filter(|rest| rest.starts_with('/'))
        .unwrap_or_default()
        .trim_end_matches('/')
}

/// Quota over period; `None` for "max" (version 2), -1 (version 1) and invalid numbers.
fn millicores(quota: &str, period: &str) -> Option<u64> {
    let quota: u64 = quota.trim().parse().ok()?;
    let period: u64 = period.trim().parse().ok()?;
    let known = quota > 0 && period > 0;
    known.then(|| (quota.saturating_mul(1000) / period).max(1))
}

/// The number in the first line of the form `key number`.
pub fn count(text: &str, key: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .find(|(name, _)| *name == key)
        .and_then(|(_, number)| number.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::fixture::Machine;

    fn cpu_limit(membership: &str, files: &[(&str, &str)]) -> Option<u64> {
        let machine = Machine::with(files);
        machine.write("/proc/self/cgroup", membership);
        Groups::of_this_process(&machine.root).cpu_limit_millicores()
    }

    #[test]
    fn version_2_takes_the_tightest_on_the_way_up() {
        let set = [
            ("/sys/fs/cgroup/user.slice/a/cpu.max", "max 100000\n"),
            ("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n"),
        ];
        assert_eq!(cpu_limit("0::/user.slice/a", &set), Some(1500));
    }

    #[test]
    fn version_2_in_a_container_sits_at_the_root() {
        let set = [("/sys/fs/cgroup/cpu.max", "50000 100000")];
        assert_eq!(cpu_limit("0::/", &set), Some(500));
        let of_host = "0::/docker/79593f12";
        assert_eq!(cpu_limit(of_host, &set), Some(500), "a path of the host");
    }

    #[test]
    fn version_1_has_two_files() {
        let folder = "/sys/fs/cgroup/cpu,cpuacct/docker";
        let quota = format!("{folder}/cpu.cfs_quota_us");
        let period = format!("{folder}/cpu.cfs_period_us");
        let set = [(quota.as_str(), "200000"), (period.as_str(), "100000")];
        let membership = "9:pids:/docker\n4:cpu,cpuacct:/docker\n1:name=systemd:/docker\n0::/\n";
        assert_eq!(cpu_limit(membership, &set), Some(2000));
        let unlimited = [(quota.as_str(), "-1"), (period.as_str(), "100000")];
        assert_eq!(cpu_limit(membership, &unlimited), None);
    }

    #[test]
    fn a_group_is_looked_for_where_it_is_mounted() {
        let mounts = "\
32 31 0:29 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
33 32 0:30 /docker/a /cg/cpu rw,relatime shared:9 - cgroup cgroup rw,cpuacct,cpu
34 32 0:31 / /cg/unified rw,relatime - cgroup2 cgroup2 rw
";
        let set = [
            ("/proc/self/mountinfo", mounts),
            ("/cg/cpu/build/cpu.cfs_quota_us", "30000"),
            ("/cg/cpu/build/cpu.cfs_period_us", "100000"),
            ("/cg/unified/cpu.max", "200000 100000"),
        ];
        assert_eq!(
            cpu_limit("4:cpuacct,cpu:/docker/a/build\n", &set),
            Some(300)
        );
        assert_eq!(
            cpu_limit("4:cpuacct,cpu:/docker/ab\n0::/\n", &set),
            Some(2000)
        );
    }

    #[test]
    fn other_controllers_say_nothing() {
        let set = [("/sys/fs/cgroup/cpuset/cpu.cfs_quota_us", "1")];
        assert_eq!(cpu_limit("3:cpuset:/\n", &set), None);
    }

    #[test]
    fn memory_processes_and_kills_are_read_in_both_versions() {
        let version_2 = Machine::with(&[
            ("/proc/self/cgroup", "0::/a"),
            ("/sys/fs/cgroup/a/memory.max", "max"),
            ("/sys/fs/cgroup/memory.max", "1048576"),
            ("/sys/fs/cgroup/a/pids.max", "9"),
            ("/sys/fs/cgroup/a/pids.current", "5"),
            (
                "/sys/fs/cgroup/a/memory.events",
                "low 0\noom 3\noom_kill 2\n",
            ),
        ]);
        let groups = Groups::of_this_process(&version_2.root);
        assert_eq!(groups.memory_limit_bytes(), Some(1 << 20));
        let limit = groups.process_limit().unwrap();
        assert_eq!((limit.most, limit.room()), (9, 4));
        assert_eq!(groups.oom_kill_count(), Some(2));

        let version_1 = Machine::with(&[
            ("/proc/self/cgroup", "8:pids:/a\n4:memory:/a\n"),
            ("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4096"),
            ("/sys/fs/cgroup/pids/a/pids.max", "max"),
            ("/sys/fs/cgroup/memory/a/memory.oom_control", "oom_kill 7"),
        ]);
        let groups = Groups::of_this_process(&version_1.root);
        assert_eq!(groups.memory_limit_bytes(), Some(4096));
        assert_eq!(groups.process_limit(), None);
        assert_eq!(groups.oom_kill_count(), Some(7));
    }

    #[test]
    fn hostile_texts_give_nothing() {
        for membership in ["", ":", "::", "0::", "0:", "0::////", "x"] {
            for text in [
                "",
                " ",
                "max",
                "0 0",
                "-5 100000",
                "1 x",
                "99999999999999999999 1",
            ] {
                let set = [
                    ("/sys/fs/cgroup/cpu.max", text),
                    ("/proc/self/mountinfo", text),
                ];
                assert_eq!(cpu_limit(membership, &set), None, "{membership:?} {text:?}");
            }
        }
    }
}
