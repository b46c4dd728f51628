use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::thread::sched_getaffinity;

use super::Kernel;
use crate::graph::TaskId;
use crate::memory::SharedSlice;

/// A kernel whose tasks do nothing but look whether the thread that runs them is bound to one core, and the count of
/// those for which it is not. For seeing whether a backend binds its workers.
///
/// # Errors
///
/// When the system refuses the shared page.
pub fn unbound_tasks() -> io::Result<(Box<dyn Kernel>, Arc<UnboundTasks>)> {
    let unbound = Arc::new(UnboundTasks(SharedSlice::new(1)?));
    Ok((Box::new(Looks(Arc::clone(&unbound))), unbound))
}

/// How many tasks ran on a thread that was free to move, in a page that worker processes share.
pub struct UnboundTasks(SharedSlice<AtomicU64>);

impl UnboundTasks {
    /// The number so far. Nothing may be running.
    pub fn count(&self) -> u64 {
        // Relaxed: the end of the run ordered all of them before this.
        self.0[0].load(Ordering::Relaxed)
    }
}

struct Looks(Arc<UnboundTasks>);

impl Kernel for Looks {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        // Where the system does not tell, nobody can say that the thread is bound.
        let is_bound = sched_getaffinity(None).is_ok_and(|cores| cores.count() == 1);
        if !is_bound {
            // Relaxed: it only counts.
            self.0.0[0].fetch_add(1, Ordering::Relaxed);
        }
        self.expected(task, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }
}
