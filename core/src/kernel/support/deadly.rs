use std::io;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::wrapper::{Wrapped, Wrapper};
use crate::graph::TaskId;
use crate::kernel::Kernel;
use crate::memory::SharedSlice;
use crate::random::mix;

/// `kernel`, but worker processes die in a fraction of about `kill_ratio` of all attempts at a task: in different
/// ways, before or after the work. It tests whether a backend survives this.
///
/// The process that calls this function never dies of it, so thread backends are not affected.
///
/// # Errors
///
/// If the system refuses the shared page.
pub fn deadly(kernel: Box<dyn Kernel>, kill_ratio: f64, seed: u64) -> io::Result<Box<dyn Kernel>> {
    let wrapper = Killer {
        // A ratio of 1 saturates to the largest number; all draws except one are below it.
        threshold: (kill_ratio * u64::MAX as f64) as u64,
        seed,
        draws: SharedSlice::new(1)?,
        spared: process::id(),
    };
    Ok(Box::new(Wrapped { kernel, wrapper }))
}

/// Kills the process in some of the tasks.
struct Killer {
    /// Draws below this value are deadly.
    threshold: u64,
    seed: u64,
    /// The number of attempts by all workers, so that a task that is tried again gets a new draw.
    draws: SharedSlice<AtomicU64>,
    spared: u32,
}

/// The signals to die of. The last way to die is to exit.
const SIGNALS: [libc::c_int; 5] = [
    libc::SIGKILL,
    libc::SIGSEGV,
    libc::SIGABRT,
    libc::SIGTERM,
    0,
];

impl Wrapper for Killer {
    fn run(&self, _: TaskId, work: impl FnOnce() -> u64) -> u64 {
        // Relaxed: each attempt only needs a different number.
        let draw = mix(self.seed ^ mix(self.draws[0].fetch_add(1, Ordering::Relaxed)));
        let is_deadly = draw < self.threshold && process::id() != self.spared;
        // Use other bits than those of the decision.
        let way = mix(draw);
        if is_deadly && way.is_multiple_of(2) {
            die(way / 2);
        }
        let output = work();
        if is_deadly {
            die(way / 2);
        }
        output
    }
}

/// Ends this process; `way` chooses how.
fn die(way: u64) -> ! {
    let signal = SIGNALS[(way % SIGNALS.len() as u64) as usize];
    if signal != 0 {
        // SAFETY: this restores the system's default handler, which ends the process.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        // SAFETY: it sends a signal to this process and accesses no memory.
        unsafe { libc::kill(process::id() as i32, signal) };
    }
    // SAFETY: `_exit` does not return and runs no destructors.
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
        let graph = TaskGraph::default();
        let setting = Setting::new(&graph, Sharing::Threads, 1);
        let empty = EMPTY.build(&Parameters::default(), &setting);
        let deadly = deadly(empty.unwrap(), 1.0, 7).unwrap();
        assert_eq!(deadly.run(TaskId(0), 5), 5);
    }
}
