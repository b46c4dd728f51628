//! A program with its own backend, kernel and workload, and the whole command line of taskdyno:
//!
//! ```text
//! cargo run --release --example custom_backend -- run collatz --backends serial,batches,rayon
//! ```
//!
//! Every run is verified, as for the built-in backends, so an error in the scheduling becomes an error row and not a
//! good figure.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use taskdyno::prelude::*;

fn main() -> ExitCode {
    Harness::new()
        .backend(Batches)
        .kernel(COLLATZ)
        .workloads([("collatz.toml", include_str!("collatz.toml"))])
        .main()
}

/// Runs all ready tasks as one batch, split evenly over new threads, then collects the tasks that became ready: a
/// barrier after every level of the graph.
struct Batches;

impl Backend for Batches {
    fn name(&self) -> &'static str {
        "batches"
    }

    fn why(&self) -> &'static str {
        "new threads for every level of the graph, with a barrier after each level"
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let plan = plan.clone();
        Ok(pool_fn(job, move |job| {
            let mut batch = job.graph().sources().to_vec();
            while !batch.is_empty() {
                batch = run_batch(job, &plan, &batch)?;
            }
            Ok(())
        }))
    }
}

/// Runs `batch`, and returns the tasks that it made ready.
fn run_batch(job: &Job, plan: &PoolPlan, batch: &[TaskId]) -> Result<Vec<TaskId>, Halt> {
    let shares = batch.chunks(batch.len().div_ceil(plan.worker_count));
    thread::scope(|scope| {
        let workers: Vec<_> = shares
            .enumerate()
            .map(|(worker, tasks)| scope.spawn(move || run_share(job, plan, worker, tasks)))
            .collect();
        let mut ready = Vec::new();
        for worker in workers {
            // `execute` turns a panic of the kernel into an error, so the thread itself never panics.
            ready.extend(worker.join().expect("a worker does not panic")?);
        }
        Ok(ready)
    })
}

/// What a thread does: it becomes the worker of this number, and runs `tasks`.
fn run_share(
    job: &Job,
    plan: &PoolPlan,
    worker: usize,
    tasks: &[TaskId],
) -> Result<Vec<TaskId>, Halt> {
    plan.enter(worker, job)?;
    let mut ready = Vec::new();
    for &task in tasks {
        job.execute(task, |next| ready.push(next))?;
    }
    Ok(ready)
}

/// A task that counts the steps of a Collatz sequence: work of unpredictable length.
const COLLATZ: CollatzKind = CollatzKind;

struct CollatzKind;

impl KernelKind for CollatzKind {
    fn name(&self) -> &'static str {
        "collatz"
    }

    fn why(&self) -> &'static str {
        "computes: steps of a Collatz sequence of unpredictable length"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "bits",
            why: "the sequence begins with a number below two to this power",
            kind: ParameterKind::Count { min: 1, max: 40 },
            default: Some(DefaultValue::Count(30)),
        }]
    }

    fn build(&self, parameters: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let bits = parameters.count("bits");
        Ok(Box::new(Collatz {
            mask: (1 << bits) - 1,
        }))
    }
}

struct Collatz {
    mask: u64,
}

impl Kernel for Collatz {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        let mut number = (seed & self.mask) + 1;
        let mut step_count = 0;
        while number != 1 {
            number = if number.is_multiple_of(2) {
                number / 2
            } else {
                3 * number + 1
            };
            step_count += 1;
        }
        // The seed is part of the output, so that every input still affects the digest.
        seed ^ step_count
    }
}
