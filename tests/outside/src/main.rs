//! A backend in a crate of its own. The program verifies it on a grid of tasks.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use taskdyno_core::prelude::*;

/// Runs the tasks that are ready on new threads, waits for all of them, and continues with the tasks that this made
/// ready.
struct Waves;

impl Backend for Waves {
    fn name(&self) -> &'static str {
        "waves"
    }

    fn why(&self) -> &'static str {
        "new threads for the tasks that are ready, and a barrier after them"
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let plan = plan.clone();
        Ok(pool_fn(job, move |job| {
            let mut wave = job.graph().sources().to_vec();
            while !wave.is_empty() {
                wave = run_wave(job, &plan, &wave)?;
            }
            Ok(())
        }))
    }
}

/// Runs the tasks of `wave`, and returns the tasks that this made ready.
fn run_wave(job: &Job, plan: &PoolPlan, wave: &[TaskId]) -> Result<Vec<TaskId>, Halt> {
    let next = Mutex::new(Vec::new());
    let push = |ready| next.lock().unwrap().push(ready);
    thread::scope(|scope| {
        let shares = wave.chunks(wave.len().div_ceil(plan.worker_count));
        for (worker, tasks) in shares.enumerate() {
            scope.spawn(move || {
                plan.enter(worker, job)?;
                tasks.iter().try_for_each(|task| job.execute(*task, push))
            });
        }
    });
    job.outcome()?;
    Ok(next.into_inner().unwrap())
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
    for worker_count in [1, 2, 3] {
        let plan = PoolPlan::plain(&Waves, worker_count);
        verify_runs(&Waves, &plan, Job::new(grid(20)?, Box::new(Pass))?, 3)?;
    }
    println!("waves: verified");
    Ok(())
}
