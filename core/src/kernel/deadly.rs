use std::io;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Findings, Kernel};
use crate::graph::TaskId;
use crate::memory::SharedSlice;
use crate::random::mix;

/// `kernel`, in whose tasks worker processes die: of `kill_ratio` of all tasks that are begun, one way or
/// another, before or after the work. For trying out whether a backend survives it.
///
/// The process that calls this never dies of it, so thread backends are spared.
///
/// # Errors
///
/// When the system refuses the shared page.
pub fn deadly(kernel: Box<dyn Kernel>, kill_ratio: f64, seed: u64) -> io::Result<Box<dyn Kernel>> {
    Ok(Box::new(Deadly {
        kernel,
        // A ratio of 1 saturates to the largest number, which all but one draw are below.
        threshold: (kill_ratio * u64::MAX as f64) as u64,
        seed,
        draws: SharedSlice::new(1)?,
        spared: process::id(),
    }))
}

struct Deadly {
    kernel: Box<dyn Kernel>,
    /// Draws below it are deadly.
    threshold: u64,
    seed: u64,
    /// Counts the tasks that were begun, by all workers: a task that is tried again draws anew.
    draws: SharedSlice<AtomicU64>,
    spared: u32,
}

/// The ways to die. The last leaves by itself.
const SIGNALS: [libc::c_int; 5] = [
    libc::SIGKILL,
    libc::SIGSEGV,
    libc::SIGABRT,
    libc::SIGTERM,
    0,
];

impl Kernel for Deadly {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        // Relaxed: every begun task gets a number of its own, and that is all it is for.
        let draw = mix(self.seed ^ mix(self.draws[0].fetch_add(1, Ordering::Relaxed)));
        let is_deadly = draw < self.threshold && process::id() != self.spared;
        // Other bits than those that decided.
        let way = mix(draw);
        if is_deadly && way.is_multiple_of(2) {
            die(way / 2);
        }
        let output = self.kernel.run(task, seed);
        if is_deadly {
            die(way / 2);
        }
        output
    }

    fn expected(&self, task: TaskId, seed: u64) -> u64 {
        self.kernel.expected(task, seed)
    }

    fn wait(&self, task: TaskId) -> Option<Duration> {
        self.kernel.wait(task)
    }

    fn duration(&self, task: TaskId) -> Option<Duration> {
        self.kernel.duration(task)
    }

    fn is_duration_kept(&self) -> bool {
        self.kernel.is_duration_kept()
    }

    fn reset(&self) {
        self.kernel.reset();
    }

    fn verify(&self, task_run_count: u64) -> Result<Findings, String> {
        self.kernel.verify(task_run_count)
    }
}

/// Ends this process in one of the ways.
fn die(way: u64) -> ! {
    let signal = SIGNALS[(way % SIGNALS.len() as u64) as usize];
    if signal != 0 {
        // SAFETY: both handlers are the system's own, which end the process.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        // SAFETY: it sends this process a signal and touches nothing.
        unsafe { libc::kill(process::id() as i32, signal) };
    }
    // SAFETY: `_exit` does not return and runs nothing of ours.
    unsafe { libc::_exit(3) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskGraph;
    use crate::kernel::{EMPTY, KernelKind, Setting, Sharing};
    use crate::parameter::Parameters;

    #[test]
    fn the_process_that_made_it_is_spared() {
        let setting = Setting {
            graph: &TaskGraph::default(),
            sharing: Sharing::Threads,
            worker_count: 1,
        };
        let empty = EMPTY.build(&Parameters::default(), &setting);
        let deadly = deadly(empty.unwrap(), 1.0, 7).unwrap();
        assert_eq!(deadly.run(TaskId(0), 5), 5);
    }
}
