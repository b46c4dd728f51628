//! Finds out whether the kernel killed a process because of low memory. The parent sees only signal 9, as for any
//! other kill, but the kernel counts such kills.

use crate::system::Root;
use crate::system::cgroup::{Groups, count};
use crate::units;

/// The counters of such kills at the beginning of an operation.
#[derive(Debug)]
pub(crate) struct OomWatch {
    root: Root,
    in_group: Option<u64>,
    on_machine: Option<u64>,
}

impl OomWatch {
    /// Reads the counters now.
    pub(crate) fn start(root: Root) -> Self {
        Self {
            in_group: in_group(&root),
            on_machine: on_machine(&root),
            root,
        }
    }

    /// Describes such a kill since the start; `None` if there was none.
    pub(crate) fn verdict(&self) -> Option<String> {
        if has_risen(self.in_group, in_group(&self.root)) {
            let limit = Groups::of_this_process(&self.root).memory_limit_bytes();
            let limit = limit.map_or(String::new(), |bytes| {
                format!(": the container may use {}", units::size(bytes))
            });
            return Some(format!(
                "the kernel meanwhile killed for lack of memory in this control group{limit} (its oom_kill counter \
                 rose); give it more memory, or use a smaller workload or fewer workers"
            ));
        }
        has_risen(self.on_machine, on_machine(&self.root)).then(|| {
            "the kernel meanwhile killed for lack of memory on this machine (oom_kill in /proc/vmstat); end other \
             programs that need memory, or use a smaller workload or fewer workers"
                .into()
        })
    }
}

fn in_group(root: &Root) -> Option<u64> {
    Groups::of_this_process(root).oom_kill_count()
}

fn on_machine(root: &Root) -> Option<u64> {
    count(&root.read("/proc/vmstat")?, "oom_kill")
}

fn has_risen(before: Option<u64>, after: Option<u64>) -> bool {
    before
        .zip(after)
        .is_some_and(|(before, after)| after > before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::fixture::Machine;

    #[test]
    fn a_kill_for_memory_shows_in_the_counters() {
        let machine = Machine::with(&[
            ("/proc/self/cgroup", "0::/"),
            ("/proc/vmstat", "oom_kill 4"),
            ("/sys/fs/cgroup/memory.max", "67108864"),
            ("/sys/fs/cgroup/memory.events", "oom_kill 1"),
        ]);
        let watch = OomWatch::start(machine.root.clone());
        assert_eq!(watch.verdict(), None);
        machine.write("/proc/vmstat", "oom_kill 5");
        assert!(watch.verdict().unwrap().contains("on this machine"));
        machine.write("/sys/fs/cgroup/memory.events", "oom_kill 2");
        assert!(
            watch
                .verdict()
                .unwrap()
                .contains("the container may use 64.0 MiB")
        );
    }

    #[test]
    fn a_machine_that_does_not_count_says_nothing() {
        let machine = Machine::with(&[]);
        assert_eq!(OomWatch::start(machine.root.clone()).verdict(), None);
    }
}
