//! The available memory.

use super::Root;
use super::cgroup::Groups;

/// The bytes of memory that this process can use: the memory of the machine, or the limit of its container.
pub fn usable_memory_bytes() -> u64 {
    usable_memory_bytes_below(&Root::default())
}

fn usable_memory_bytes_below(root: &Root) -> u64 {
    let info = rustix::system::sysinfo();
    let physical = info.totalram.saturating_mul(u64::from(info.mem_unit));
    let limit = Groups::of_this_process(root).memory_limit_bytes();
    limit.unwrap_or(u64::MAX).min(physical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::fixture::Machine;

    #[test]
    fn this_machine_has_memory_and_a_container_may_have_less() {
        assert!(usable_memory_bytes() > 1 << 20);
        let container = Machine::with(&[
            ("/proc/self/cgroup", "0::/"),
            ("/sys/fs/cgroup/memory.max", "4096"),
        ]);
        assert_eq!(usable_memory_bytes_below(&container.root), 4096);
    }
}
