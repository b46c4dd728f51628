//! Which threads are the workers of a job.
//!
//! A runtime may have threads that execute no task, such as one for its timers, so the threads of a process do not tell.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use rustix::thread::gettid;

use super::Job;

/// The thread of each worker, by the number of the worker.
#[derive(Default)]
pub(super) struct WorkerThreads(Mutex<BTreeMap<usize, u32>>);

impl WorkerThreads {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, u32>> {
        self.0.lock().expect("nothing panics under the mutex")
    }
}

impl Job {
    /// Notes that the calling thread is worker `index`, so that a record can say what each worker used. A worker process
    /// has no need of it.
    pub fn note_worker(&self, index: usize) {
        self.note_worker_thread(index, gettid().as_raw_nonzero().get().cast_unsigned());
    }

    /// [`note_worker`](Job::note_worker) for another thread, by its id (gettid(2)): for runtimes whose threads call
    /// nothing of their user when they start.
    pub fn note_worker_thread(&self, index: usize, thread: u32) {
        self.workers.lock().insert(index, thread);
    }

    /// The ids of the threads that were noted as workers, in the order of the workers. Some of them may have ended.
    pub fn worker_threads(&self) -> Vec<u32> {
        self.workers.lock().values().copied().collect()
    }
}
