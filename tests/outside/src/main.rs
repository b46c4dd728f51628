//! A backend in a crate of its own. The program verifies it on a grid of tasks.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::thread;

use taskdyno_core::prelude::*;

/// Runs the tasks that are ready, each on a new thread, and continues with the tasks that this made ready.
fn waves(job: &Arc<Job>, plan: &PoolPlan) -> Result<(), Halt> {
    let mut wave = job.graph().sources().to_vec();
    while !wave.is_empty() {
        let next = Mutex::new(Vec::new());
        let run = |task| job.execute(task, |ready| next.lock().unwrap().push(ready));
        for batch in wave.chunks(plan.worker_count) {
            thread::scope(|scope| batch.iter().for_each(|task| drop(scope.spawn(|| run(*task)))));
        }
        job.outcome()?;
        wave = next.into_inner().unwrap();
    }
    Ok(())
}

/// A task whose output is its seed, which is made of its inputs.
struct Pass;

impl Kernel for Pass {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }
}

/// Each task depends on the task to its left and on the task above it.
fn grid(width: usize) -> Result<TaskGraph, Box<dyn Error>> {
    let mut builder = TaskGraphBuilder::default();
    let mut above: Vec<TaskId> = Vec::new();
    for _ in 0..width {
        let mut row: Vec<TaskId> = Vec::new();
        for column in 0..width {
            let inputs = row.last().into_iter().chain(above.get(column)).copied();
            row.push(builder.push(inputs.collect::<Vec<_>>())?);
        }
        above = row;
    }
    Ok(builder.finish())
}

fn main() -> Result<(), Box<dyn Error>> {
    let waves = backend_fn("waves", "new threads for each wave of ready tasks", waves);
    for worker_count in [1, 2, 3] {
        let plan = PoolPlan::plain(&waves, worker_count);
        verify_runs(&waves, &plan, Job::new(grid(20)?, Box::new(Pass))?, 3)?;
    }
    println!("waves: verified");
    Ok(())
}
