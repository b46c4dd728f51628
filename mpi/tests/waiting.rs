//! How ranks wait.

mod driver;

use std::fs;
use std::time::{Duration, Instant};

use driver::{Process, Ranks, Setup, has_mpi};
use taskdyno_mpi::graphs::grid;

/// Whether a process waits in this call of the system now; `None` if the system does not say where it is.
fn is_in(process: &Process, call: i64) -> Option<bool> {
    let text = fs::read_to_string(format!("/proc/{}/syscall", process.id)).ok()?;
    Some(text.split_whitespace().next() == Some(&call.to_string()))
}

#[test]
fn between_slices_ranks_sleep_until_they_are_woken() {
    if !has_mpi("ranks that sleep") {
        return;
    }
    let graph = grid(4, 10, |_| (0..4).collect());
    for ranks in [2, 4] {
        let setup = Setup {
            ranks,
            ..Setup::default()
        };
        let mut ranks = Ranks::prepared(&setup, &graph);
        // A rank that believes that messages of the run have not left yet would look for ever.
        ranks.slice(5, 1, 1, false).unwrap();
        let sleepers = ranks.rank_processes();
        assert_eq!(sleepers.len() as u32, setup.ranks);
        // Nobody wakes the first one: it reads requests.
        for (rank, process) in &sleepers[1..] {
            let deadline = Instant::now() + Duration::from_secs(60);
            loop {
                match is_in(process, libc::SYS_futex) {
                    Some(true) => break,
                    Some(false) => {}
                    None => {
                        eprintln!("SKIPPED ranks that sleep: this system hides what they do");
                        return;
                    }
                }
                assert!(Instant::now() < deadline, "rank {rank} does not sleep");
                std::thread::yield_now();
            }
        }
        ranks.finish();
    }
}
