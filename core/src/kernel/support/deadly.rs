use std::io;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::recursive::Recursive;
use super::wrapper::{Wrapped, Wrapper};
use crate::graph::TaskId;
use crate::kernel::Kernel;
use crate::memory::{Shareable, SharedSlice};
use crate::random::mix;
use crate::recursion::{KnownResult, Recursion, RecursiveProgram, Splitting, Words};

/// `kernel`, but worker processes die in a fraction of about `kill_ratio` of all attempts at a task: in different
/// ways, before or after the work. It tests whether a backend survives this.
///
/// A recursive program is one task: in a deadly attempt, the worker dies that begins one of the tasks it has spawned.
///
/// The process that calls this function never dies of it, so thread backends are not affected.
///
/// # Errors
///
/// If the system refuses the shared page.
pub fn deadly(kernel: Box<dyn Kernel>, kill_ratio: f64, seed: u64) -> io::Result<Box<dyn Kernel>> {
    let killer = Killer {
        // A ratio of 1 saturates to the largest number; all draws except one are below it.
        threshold: (kill_ratio * u64::MAX as f64) as u64,
        seed,
        draws: SharedSlice::new(1)?,
        spared: process::id(),
    };
    Ok(match kernel.recursion().is_some() {
        true => Box::new(Recursive(RecursiveProgram::Other(Box::new(
            DeadlyProgram::new(kernel, killer)?,
        )))),
        false => Box::new(Wrapped {
            kernel,
            wrapper: killer,
        }),
    })
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

impl Killer {
    /// Begins an attempt. If it is deadly, returns random bits that choose the way to die.
    fn draw(&self) -> Option<u64> {
        // Relaxed: each attempt only needs a different number.
        let draw = mix(self.seed ^ mix(self.draws[0].fetch_add(1, Ordering::Relaxed)));
        let is_deadly = draw < self.threshold && process::id() != self.spared;
        // Use other bits than those of the decision.
        is_deadly.then(|| mix(draw))
    }
}

impl Wrapper for Killer {
    fn run(&self, _: TaskId, work: impl FnOnce() -> u64) -> u64 {
        let deadly = self.draw();
        if let Some(way) = deadly.filter(|way| way.is_multiple_of(2)) {
            die(way / 2);
        }
        let output = work();
        if let Some(way) = deadly {
            die(way / 2);
        }
        output
    }
}

/// The recursive program of a kernel, with a killer.
struct DeadlyProgram {
    kernel: Box<dyn Kernel>,
    killer: Killer,
    attempt: SharedSlice<DeadlyAttempt>,
}

/// An attempt at a program, for all workers.
#[derive(Default)]
struct DeadlyAttempt {
    /// How many tasks have begun.
    begun: AtomicU64,
    /// The number of the deadly one, from 1; 0 if there is none.
    deadly: AtomicU64,
    /// The way to die in it.
    way: AtomicU64,
}

// SAFETY: zero is a valid value of every field, all are atomic, and none needs a drop.
unsafe impl Shareable for DeadlyAttempt {}

/// One of the first tasks is deadly. Programs that do not know how many they have are larger than this.
const FIRST_TASKS: u64 = 100;

impl DeadlyProgram {
    fn new(kernel: Box<dyn Kernel>, killer: Killer) -> io::Result<Self> {
        Ok(Self {
            kernel,
            killer,
            attempt: SharedSlice::new(1)?,
        })
    }

    fn program(&self) -> &RecursiveProgram {
        self.kernel.recursion().expect("the kernel is recursive")
    }
}

impl Recursion for DeadlyProgram {
    type State = Words;

    fn root(&self, seed: u64) -> Words {
        let attempt = &self.attempt[0];
        let task_count = self.known().task_count.unwrap_or(FIRST_TASKS);
        let way = self.killer.draw();
        // Relaxed, all of it: the root is begun before any other task, and pushing a child publishes it.
        attempt.begun.store(0, Ordering::Relaxed);
        attempt.way.store(way.unwrap_or(0), Ordering::Relaxed);
        let deadly = way.map_or(0, |way| mix(way) % task_count + 1);
        attempt.deadly.store(deadly, Ordering::Relaxed);
        self.program().root(seed)
    }

    fn split(&self, state: &mut Words) -> Splitting {
        let attempt = &self.attempt[0];
        // Relaxed: each task only needs a different number.
        let number = attempt.begun.fetch_add(1, Ordering::Relaxed) + 1;
        // Relaxed, both: see `root`.
        if number == attempt.deadly.load(Ordering::Relaxed) {
            die(attempt.way.load(Ordering::Relaxed));
        }
        self.program().split(state)
    }

    fn child(&self, parent: &Words, index: u32) -> Words {
        self.program().child(parent, index)
    }

    fn combine(&self, parent: &Words, sum: u64) -> u64 {
        self.program().combine(parent, sum)
    }

    fn known(&self) -> KnownResult {
        self.program().known()
    }

    fn check(&self) -> Result<(), String> {
        self.program().check()
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
