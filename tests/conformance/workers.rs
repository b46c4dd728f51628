//! Records say what each worker used, so a backend notes the threads that are its workers, and its other threads run no
//! task.

use std::sync::{Arc, Barrier, OnceLock, Weak};

use rustix::thread::gettid;
use taskdyno_core::execute::Job;
use taskdyno_core::graph::{TaskGraphBuilder, TaskId};
use taskdyno_core::kernel::Kernel;

use crate::variety::set_ups;
use crate::watched;

/// Panics on a thread that is not noted as a worker of the job.
struct OnWorkers {
    job: Arc<OnceLock<Weak<Job>>>,
    /// Holds the workers until each has a task.
    all_busy: Barrier,
}

impl Kernel for OnWorkers {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        self.all_busy.wait();
        let job = self.job.get().and_then(Weak::upgrade);
        let workers = job.expect("it is running").worker_threads();
        let own = gettid().as_raw_nonzero().get().cast_unsigned();
        assert!(workers.contains(&own), "{own} is none of {workers:?}");
        seed
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }
}

#[test]
fn all_noted_workers_run_tasks_and_nobody_else() {
    watched(|| {
        for (backend, plan) in set_ups(&[1, 2, 3]) {
            let noted = Arc::new(OnceLock::new());
            let kernel = Box::new(OnWorkers {
                job: Arc::clone(&noted),
                all_busy: Barrier::new(plan.worker_count),
            });
            let mut graph = TaskGraphBuilder::default();
            for _ in 0..plan.worker_count {
                graph.push([]).unwrap();
            }
            let job = Arc::new(Job::new(graph.finish(), kernel).unwrap());
            noted.set(Arc::downgrade(&job)).unwrap();
            let mut pool = backend.start(Arc::clone(&job), &plan).unwrap();
            job.begin_run();
            let ran = pool.run();
            let name = backend.name();
            assert_eq!(ran, Ok(()), "{name} {plan:?} {:?}", job.failure());
            assert_eq!(job.worker_threads().len(), plan.worker_count, "{name}");
        }
    });
}
