use std::io;
use std::sync::Arc;

use super::fork::{self, COORDINATOR_SPIN, WORKER_SPIN};
use super::support::reserving::RESERVE;
use super::{Backend, Continuation, Family, Pool, PoolPlan};
use crate::execute::Job;
use crate::kernel::Sharing;
use crate::parameter::{DefaultValue, Parameter, ParameterKind};

/// Forked processes with several threads each, like servers that fork first and then start threads.
///
/// Workers are threads, numbered across all processes: with 4 workers and 2 threads there are 2 processes. They take
/// tasks from the same deques as the workers of [`FORK`](super::FORK), and park in the same way. If a process dies,
/// its threads die too, and each of their tasks counts as tried.
pub const FORK_THREADS: ForkThreads = ForkThreads;

/// See [`FORK_THREADS`].
#[derive(Debug)]
pub struct ForkThreads;

/// How many threads each process has, for backends with threads in processes.
pub const PROCESS_THREADS: Parameter = Parameter {
    name: "threads",
    why: "threads per process; there are as many processes as the number of workers requires",
    kind: ParameterKind::Count { min: 1, max: 4096 },
    default: Some(DefaultValue::Count(2)),
};

impl Backend for ForkThreads {
    fn name(&self) -> &'static str {
        "fork-threads"
    }

    fn why(&self) -> &'static str {
        "forked processes with several threads each, like pre-forking servers"
    }

    fn sharing(&self) -> Sharing {
        Sharing::Processes
    }

    fn family(&self) -> Family {
        Family::Mixed
    }

    fn continuations(&self) -> &'static [Continuation] {
        &[Continuation::Queue, Continuation::Inline]
    }

    fn options(&self) -> &'static [Parameter] {
        &[WORKER_SPIN, COORDINATOR_SPIN, RESERVE, PROCESS_THREADS]
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn runs_recursion(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        fork::start(job, plan, plan.options.count(PROCESS_THREADS.name) as usize)
    }
}
