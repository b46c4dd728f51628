//! The CPU quota that control groups set, in both versions.

/// Where both versions are mounted by convention (systemd's file hierarchy, and every container runtime).
const MOUNT: &str = "/sys/fs/cgroup";

/// The tightest quota, in cores, on the way from the process's group up to the root; `None` if there is
/// none. `membership` is a text as `/proc/self/cgroup` has it, and `read` gives the text of a file.
pub(super) fn quota(membership: &str, read: impl Fn(&str) -> Option<String>) -> Option<f64> {
    let groups = membership.lines().filter_map(Group::parse);
    let quotas = groups.flat_map(|group| {
        let read = &read;
        group
            .folders()
            .into_iter()
            .filter_map(move |folder| group.quota(&folder, read))
    });
    quotas.min_by(f64::total_cmp)
}

/// A line of `/proc/self/cgroup`: `0::/path` in version 2, `4:cpu,cpuacct:/path` in version 1.
#[derive(Clone, Copy)]
struct Group<'a> {
    /// The controllers; empty in version 2.
    controllers: &'a str,
    path: &'a str,
}

impl<'a> Group<'a> {
    /// `None` for lines that have nothing to do with CPU time.
    fn parse(line: &'a str) -> Option<Self> {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let relevant = controllers.is_empty() || controllers.split(',').any(|name| name == "cpu");
        relevant.then_some(Self { controllers, path })
    }

    /// The group's folder and those above it. In a container the path may be that of the host, which is
    /// not to be seen from within; the root then stands for the container's own group.
    fn folders(self) -> Vec<String> {
        let mount = match self.controllers {
            "" => MOUNT.to_string(),
            controllers => format!("{MOUNT}/{controllers}"),
        };
        let mut path = self.path.trim_end_matches('/');
        let mut folders = Vec::new();
        while !path.is_empty() {
            folders.push(format!("{mount}{path}"));
            path = path.rsplit_once('/').map_or("", |(above, _)| above);
        }
        folders.push(mount);
        folders
    }

    fn quota(self, folder: &str, read: impl Fn(&str) -> Option<String>) -> Option<f64> {
        if self.controllers.is_empty() {
            let text = read(&format!("{folder}/cpu.max"))?;
            let (quota, period) = text.trim().split_once(' ')?;
            return cores(quota, period);
        }
        let quota = read(&format!("{folder}/cpu.cfs_quota_us"))?;
        let period = read(&format!("{folder}/cpu.cfs_period_us"))?;
        cores(&quota, &period)
    }
}

/// Quota over period; `None` for "max" (version 2), -1 (version 1) and nonsense.
fn cores(quota: &str, period: &str) -> Option<f64> {
    let quota: u64 = quota.trim().parse().ok()?;
    let period: u64 = period.trim().parse().ok()?;
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)], membership: &str) -> Option<f64> {
        quota(membership, |path| {
            let found = files.iter().find(|(name, _)| *name == path);
            found.map(|(_, text)| (*text).to_string())
        })
    }

    #[test]
    fn version_2_takes_the_tightest_on_the_way_up() {
        let set = [
            ("/sys/fs/cgroup/user.slice/a/cpu.max", "max 100000\n"),
            ("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n"),
        ];
        assert_eq!(files(&set, "0::/user.slice/a"), Some(1.5));
    }

    #[test]
    fn version_2_in_a_container_sits_at_the_root() {
        let set = [("/sys/fs/cgroup/cpu.max", "50000 100000")];
        assert_eq!(files(&set, "0::/"), Some(0.5));
        assert_eq!(
            files(&set, "0::/docker/79593f12"),
            Some(0.5),
            "a path of the host"
        );
    }

    #[test]
    fn version_1_has_two_files() {
        let folder = "/sys/fs/cgroup/cpu,cpuacct/docker";
        let quota = format!("{folder}/cpu.cfs_quota_us");
        let period = format!("{folder}/cpu.cfs_period_us");
        let set = [(quota.as_str(), "200000"), (period.as_str(), "100000")];
        let membership = "9:pids:/docker\n4:cpu,cpuacct:/docker\n1:name=systemd:/docker\n0::/\n";
        assert_eq!(files(&set, membership), Some(2.0));
        let unlimited = [(quota.as_str(), "-1"), (period.as_str(), "100000")];
        assert_eq!(files(&unlimited, membership), None);
    }

    #[test]
    fn other_controllers_say_nothing() {
        let set = [("/sys/fs/cgroup/cpuset/cpu.cfs_quota_us", "1")];
        assert_eq!(files(&set, "3:cpuset:/\n"), None);
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
                let given = quota(membership, |_| Some(text.into()));
                assert_eq!(given, None, "{membership:?} {text:?}");
            }
        }
    }
}
