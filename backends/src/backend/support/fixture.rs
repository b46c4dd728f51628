//! Small jobs for the tests of code that backends share.

use crate::execute::{Job, Reserved};
use crate::graph::{TaskGraphBuilder, TaskId};
use crate::kernel::Kernel;

/// A kernel whose output is its seed.
pub(in crate::backend) struct Pass;

impl Kernel for Pass {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }
}

/// A job of two sources, 0 and 1, and two tasks that wait for both. Its first run has begun, and the first source
/// has run. The worker of this source has nothing else to do, and keeps the last task.
pub(in crate::backend) fn reserved() -> (Job, Reserved) {
    let mut builder = TaskGraphBuilder::default();
    let sources = [(); 2].map(|()| builder.push([]).unwrap());
    for _ in 0..2 {
        builder.push(sources).unwrap();
    }
    let job = Job::new(builder.finish(), Box::new(Pass)).unwrap();
    job.begin_run();
    let none = |task| panic!("{task:?} is ready");
    let reserved = job.execute_or_reserve(TaskId(0), true, none, || true);
    let reserved = reserved.unwrap().expect("it waits for only one input");
    (job, reserved)
}
