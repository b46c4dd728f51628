//! Where ranks run.

mod driver;

use std::collections::BTreeSet;
use std::fs;

use driver::{Process, Ranks, Setup, has_mpi, oracle};
use taskdyno_mpi::graphs::grid;

/// The cores that each thread of a process may use, as the system lists them.
fn cores(process: &Process) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{}/task", process.id)).unwrap();
    let cores = threads.map(|thread| {
        let text = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        let mut lines = text.lines();
        let list = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        list.unwrap().trim().to_owned()
    });
    cores.collect()
}

#[test]
fn bound_threads_have_one_core_each_and_share_none_if_there_are_enough() {
    if !has_mpi("bound ranks") {
        return;
    }
    let graph = grid(4, 6, |_| (0..4).collect());
    for (ranks, threads) in [(1, 1), (2, 1), (1, 2), (2, 2)] {
        let setup = Setup {
            ranks,
            threads,
            bind: "cores",
            ..Setup::default()
        };
        let mut ranks = Ranks::prepared(&setup, &graph);
        let (digests, _) = ranks.slice(3, 1, 1, false).unwrap();
        assert_eq!(digests, [format!("{:016x}", oracle(&graph, 3))]);
        let bound: Vec<String> = ranks
            .rank_processes()
            .iter()
            .flat_map(|(_, process)| cores(process))
            .filter(|list| list.parse::<u32>().is_ok())
            .collect();
        ranks.finish();
        // MPI may have threads of its own, which inherit a core.
        let count = (setup.ranks * threads) as usize;
        assert!(bound.len() >= count, "{bound:?}");
        let used = bound.iter().collect::<BTreeSet<_>>().len();
        let here = std::thread::available_parallelism().unwrap().get();
        assert_eq!(used, count.min(here), "{bound:?}");
    }
}
