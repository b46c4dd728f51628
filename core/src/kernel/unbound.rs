use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::thread::sched_getaffinity;

use super::Kernel;
use crate::graph::TaskId;
use crate::memory::SharedSlice;

/// A kernel whose tasks only check whether their thread is bound to one core, and the number of tasks whose thread
/// was not. It tests whether a backend binds its workers.
///
/// # Errors
///
/// If the system refuses the shared page.
pub fn unbound_tasks() -> io::Result<(Box<dyn Kernel>, Arc<UnboundTasks>)> {
    let unbound = Arc::new(UnboundTasks(SharedSlice::new(1)?));
    Ok((Box::new(Looks(Arc::clone(&unbound))), unbound))
}

/// How many tasks ran on a thread that was not bound, in a page that worker processes share.
pub struct UnboundTasks(SharedSlice<AtomicU64>);

impl UnboundTasks {
    /// The count so far. Nothing may be running.
    pub fn count(&self) -> u64 {
        // Relaxed: the end of the run ordered all additions before this.
        self.0[0].load(Ordering::Relaxed)
    }
}

struct Looks(Arc<UnboundTasks>);

impl Kernel for Looks {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        // If the system does not say, the thread does not count as bound.
        let is_bound = sched_getaffinity(None).is_ok_and(|cores| cores.count() == 1);
        if !is_bound {
            // Relaxed: it is only a count.
            self.0.0[0].fetch_add(1, Ordering::Relaxed);
        }
        self.expected(task, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }
}
