//! Recursive programs as async functions that call themselves. Each child but the first is spawned, and its handle is
//! awaited, so a worker never waits.

use std::pin::Pin;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::execute::{Halt, Job};
use crate::recursion::{FirstStep, Folded, Recursion, Run, Words};

/// A task and all tasks below it. It is boxed because it awaits others of its own kind.
type BoxedTask = Pin<Box<dyn Future<Output = Result<Folded, Halt>> + Send>>;

/// Runs the recursive program of `job`, whose root is spawned too.
pub(super) fn run_recursion(runtime: &Runtime, job: &Arc<Job>) -> Result<(), Halt> {
    let program = job.recursion().expect("the job is a recursive program");
    job.run_recursion(|seed| {
        let root = runtime.spawn(walk(Arc::clone(job), seed, program.root(seed)));
        ended(job, runtime.block_on(root))
    })
}

/// What a task that was spawned has returned. Panics are caught in the task, so this is an error only if tokio dropped it.
fn ended<E: std::fmt::Display>(
    job: &Job,
    joined: Result<Result<Folded, Halt>, E>,
) -> Result<Folded, Halt> {
    joined.unwrap_or_else(|error| Err(job.fail(format!("a task was not run: {error}"))))
}

/// Runs the task `state` and all tasks below it. When it has failed, so have all of them: nothing runs any more.
fn walk(job: Arc<Job>, seed: u64, mut state: Words) -> BoxedTask {
    Box::pin(async move {
        let program = job.recursion().expect("the job is a recursive program");
        let run = Run::new(program, seed);
        if job.is_halted() {
            return Err(Halt);
        }
        let count = match job.catch_panic(|| run.begin(&mut state))? {
            FirstStep::Ended(folded) => return Ok(folded),
            FirstStep::Waits(count) => count,
        };
        let child = |index| walk(Arc::clone(&job), seed, run.child(&state, index));
        let spawned: Vec<_> = (1..count).map(|index| tokio::spawn(child(index))).collect();
        let mut children = match count {
            0 => Ok(Folded::default()),
            _ => child(0).await.map(|first| run.joined(0, first)),
        };
        for (index, handle) in (1..).zip(spawned) {
            let child = ended(&job, handle.await);
            children = children.and_then(|sum| Ok(sum.plus(run.joined(index, child?))));
        }
        let children = children?;
        job.catch_panic(|| run.end(&state, children))
    })
}
