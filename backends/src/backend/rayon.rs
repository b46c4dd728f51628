//! **Where a worker parks.** Rayon decides: an idle worker yields about thirty times and then sleeps until work is
//! pushed. A worker that waits for a child in a recursive program runs other tasks, and then sleeps in the same way. The calling thread hands over the run and sleeps until the scope has ended. The scope also counts every
//! spawned task, so the pool needs no count of its own.

use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::thread::JoinHandle;

use rayon::{Scope, ThreadPool, ThreadPoolBuilder};

use super::support::worker::{join_all, spawn};
use super::{Backend, Continuation, Placement, Pool, PoolPlan};
use crate::execute::{Halt, Job};
use crate::graph::TaskId;
use crate::recursion::{Folded, Join, ProgramVisitor, Recursion, Run, walk};

/// A pool of `rayon`, with one spawn for each task that becomes ready.
pub const RAYON: Rayon = Rayon;

/// See [`RAYON`].
#[derive(Debug)]
pub struct Rayon;

impl Backend for Rayon {
    fn name(&self) -> &'static str {
        "rayon"
    }

    fn why(&self) -> &'static str {
        "rayon: one scope, and one spawn for each task that becomes ready"
    }

    fn continuations(&self) -> &'static [Continuation] {
        &[Continuation::Queue, Continuation::Inline]
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn runs_recursion(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let pool = start_pool(&job, plan)?;
        let inline = plan.continuation == Continuation::Inline;
        Ok(Box::new(RayonPool { pool, job, inline }))
    }
}

/// Starts the workers.
pub(super) fn start_pool(job: &Arc<Job>, plan: &PoolPlan) -> io::Result<RayonThreadPool> {
    let placement = Placement::new(plan)?;
    let mut threads = RayonThreads::default();
    let pool = ThreadPoolBuilder::new()
        .num_threads(plan.worker_count)
        .spawn_handler(|thread| {
            let index = thread.index();
            let thread = spawn(placement, index, job, || thread.run())?;
            threads.0.push(thread);
            Ok(())
        })
        .build()
        .map_err(io::Error::other)?;
    Ok(RayonThreadPool {
        pool,
        _threads: threads,
    })
}

/// A pool whose threads have ended when it has been dropped.
pub(super) struct RayonThreadPool {
    /// Declared before its threads, so that they are told to end before they are joined.
    pool: ThreadPool,
    _threads: RayonThreads,
}

impl Deref for RayonThreadPool {
    type Target = ThreadPool;

    fn deref(&self) -> &ThreadPool {
        &self.pool
    }
}

/// The threads of a pool. Rayon only tells them to end, and does not wait for them.
#[derive(Default)]
struct RayonThreads(Vec<JoinHandle<()>>);

impl Drop for RayonThreads {
    fn drop(&mut self) {
        join_all(&mut self.0);
    }
}

struct RayonPool {
    pool: RayonThreadPool,
    job: Arc<Job>,
    inline: bool,
}

impl Pool for RayonPool {
    fn run(&mut self) -> Result<(), Halt> {
        if let Some(program) = self.job.recursion() {
            let walk = |seed| self.pool.install(|| program.visit(WalkWithRayon(seed)));
            return self.job.run_recursion(|seed| Ok(walk(seed)));
        }
        let (job, step) = (&*self.job, if self.inline { inline } else { queue });
        self.pool.scope(|scope| {
            for &source in job.graph().sources() {
                scope.spawn(move |scope| step(job, scope, source));
            }
        });
        job.outcome()
    }
}

/// Runs a recursive program with `rayon::join`.
struct WalkWithRayon(u64);

impl ProgramVisitor for WalkWithRayon {
    type Output = Folded;

    fn visit<R: Recursion + ?Sized>(self, program: &R) -> Folded {
        let run = Run::new(program, self.0);
        walk::<RayonJoin, R>(run, run.root(), &mut ())
    }
}

struct RayonJoin;

impl Join for RayonJoin {
    type Scope<'s> = ();

    #[inline]
    fn join<A, B>(_: &mut (), a: A, b: B) -> (Folded, Folded)
    where
        A: FnOnce(&mut ()) -> Folded + Send,
        B: FnOnce(&mut ()) -> Folded + Send,
    {
        rayon::join(|| a(&mut ()), || b(&mut ()))
    }
}

/// Runs `task`, and spawns every task that it makes ready.
fn queue<'scope>(job: &'scope Job, scope: &Scope<'scope>, task: TaskId) {
    if job.is_halted() {
        return;
    }
    // The failure is reported once, after the scope; here it only means that nothing follows.
    let _ = job.execute(task, |ready| {
        scope.spawn(move |scope| queue(job, scope, ready));
    });
}

/// Runs `task`, continues with the first task that it makes ready, and spawns the others.
fn inline<'scope>(job: &'scope Job, scope: &Scope<'scope>, task: TaskId) {
    let mut next = Some(task);
    while let Some(task) = next.take() {
        if job.is_halted() {
            return;
        }
        // As in `queue`.
        let _ = job.execute(task, |ready| {
            if next.is_none() {
                next = Some(ready);
            } else {
                scope.spawn(move |scope| inline(job, scope, ready));
            }
        });
    }
}
