//! **Where a worker parks.** A worker without a job sleeps on a condition variable, and spins for nothing. Every 100 µs a
//! further thread, which belongs to chili, tells each busy worker to share one of its jobs. A shorter program therefore
//! runs on one worker.

use std::any::Any;
use std::io;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

use chili::{Config, Scope, ThreadPool};

use super::support::worker::started_threads;
use super::{Backend, Pool, PoolPlan};
use crate::execute::{Halt, Job};
use crate::recursion::{Folded, Join, ProgramVisitor, Recursion, Run, walk};

/// A pool of `chili`, whose workers share jobs only when they are told to.
pub const CHILI: Chili = Chili;

/// See [`CHILI`].
#[derive(Debug)]
pub struct Chili;

impl Backend for Chili {
    fn name(&self) -> &'static str {
        "chili"
    }

    fn why(&self) -> &'static str {
        "chili: joins that cost little, jobs shared at heartbeats; recursion only"
    }

    fn runs_graphs(&self) -> bool {
        false
    }

    fn runs_recursion(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        if job.recursion().is_none() {
            let message = "`chili` runs only recursive programs, and this job is a graph";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        let config = Config {
            thread_count: NonZero::new(plan.worker_count),
            ..Config::default()
        };
        let (pool, threads) = started_threads(|| ThreadPool::with_config(config));
        // The calling thread is one of the workers. The last thread that chili starts is that of the heartbeats.
        job.note_worker(0);
        for (index, thread) in (1..plan.worker_count).zip(threads) {
            job.note_worker_thread(index, thread);
        }
        Ok(Box::new(ChiliPool::new(job, pool)))
    }
}

/// A pool, and the scope in which the calling thread joins. Making a scope takes a lock and may wake the thread of the
/// heartbeats, so there is one for all runs, as in programs that keep theirs.
struct ChiliPool {
    job: Arc<Job>,
    /// Borrows `pool`. `None` only while the pool is dropped.
    scope: Option<Scope<'static>>,
    /// From [`Box::into_raw`].
    pool: NonNull<ThreadPool>,
}

impl ChiliPool {
    fn new(job: Arc<Job>, pool: ThreadPool) -> Self {
        let pool = NonNull::from(Box::leak(Box::new(pool)));
        // SAFETY: the pool is freed only when this value is dropped, after the scope. Nobody has a mutable reference.
        let scope = unsafe { pool.as_ref() }.scope();
        Self {
            job,
            scope: Some(scope),
            pool,
        }
    }
}

impl Drop for ChiliPool {
    fn drop(&mut self) {
        self.scope = None;
        // SAFETY: it came from a box, and the scope, its only borrower, is gone.
        drop(unsafe { Box::from_raw(self.pool.as_ptr()) });
    }
}

impl Pool for ChiliPool {
    fn run(&mut self) -> Result<(), Halt> {
        let program = self.job.recursion().expect("checked at the start");
        let scope = self.scope.as_mut().expect("the pool is not being dropped");
        self.job
            .run_recursion(|seed| Ok(program.visit(WalkWithChili { seed, scope })))
    }
}

struct WalkWithChili<'a> {
    seed: u64,
    scope: &'a mut Scope<'static>,
}

impl ProgramVisitor for WalkWithChili<'_> {
    type Output = Folded;

    fn visit<R: Recursion + ?Sized>(self, program: &R) -> Folded {
        let run = Run::new(program, self.seed);
        walk::<ChiliJoin, R>(run, run.root(), self.scope)
    }
}

struct ChiliJoin;

impl Join for ChiliJoin {
    type Scope<'s> = Scope<'s>;

    #[inline]
    fn join<A, B>(scope: &mut Scope<'_>, a: A, b: B) -> (Folded, Folded)
    where
        A: FnOnce(&mut Scope<'_>) -> Folded + Send,
        B: FnOnce(&mut Scope<'_>) -> Folded + Send,
    {
        let (a, b) = scope.join(|scope| caught(a, scope), |scope| caught(b, scope));
        let folded = |result: Caught| result.unwrap_or_else(|panic| resume_unwind(panic));
        (folded(a), folded(b))
    }
}

/// What a closure returned, or what it panicked with.
type Caught = Result<Folded, Box<dyn Any + Send>>;

/// Runs a closure without letting a panic out. `join` of chili 0.2 keeps the address of its first closure, which lies on the
/// stack, in a queue while it runs the second. If that panicked through it, another thread would run what is left of the first.
#[inline]
fn caught(run: impl FnOnce(&mut Scope<'_>) -> Folded, scope: &mut Scope<'_>) -> Caught {
    // The panic goes on after the join, so nobody sees what it left behind.
    catch_unwind(AssertUnwindSafe(|| run(scope)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::graph::TaskGraphBuilder;
    use crate::kernel::{FIB, KernelKind};
    use crate::parameter::Parameters;
    use crate::system::{Root, proc};

    #[test]
    fn the_thread_of_the_heartbeats_is_no_worker() {
        let mut graph = TaskGraphBuilder::default();
        graph.push([]).unwrap();
        let graph = graph.finish();
        let parameters = Parameters::check(FIB.parameters(), &BTreeMap::new()).unwrap();
        let setting = CHILI.setting(&graph, 2);
        let kernel = FIB.build(&parameters, &setting).unwrap();
        let job = Arc::new(Job::new(graph, kernel).unwrap());
        let before = proc::threads(&Root::default(), "self");
        let _pool = CHILI
            .start(Arc::clone(&job), &PoolPlan::plain(&CHILI, 2))
            .unwrap();
        let workers = job.worker_threads();
        assert_eq!(workers.len(), 2);
        // The heartbeats go to sleep again and again, and the worker sleeps until there is a job.
        let mut started = proc::threads(&Root::default(), "self");
        started.retain(|thread| !before.contains(thread));
        assert_eq!(started.len(), 2);
        let heartbeats = loop {
            let mut beating = started.iter().filter(|thread| sleep_count(**thread) > 20);
            if let Some(thread) = beating.next() {
                break thread;
            }
        };
        assert!(!workers.contains(heartbeats), "{workers:?} of {started:?}");
    }

    /// How often a thread has gone to sleep.
    fn sleep_count(thread: u32) -> u64 {
        let status = Root::default().read(&format!("/proc/self/task/{thread}/status"));
        proc::number(&status.unwrap(), "voluntary_ctxt_switches").unwrap()
    }
}
