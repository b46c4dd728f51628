//! What taskdyno catches: kernels that panic, abort, leave, hang and talk, and backends that lose tasks,
//! run them twice or too early, or garble what they hand on. Each becomes an error row that says what happened.
//!
//! ```text
//! cargo run --example broken -- run --workloads examples/broken.toml broken --timeout 1 --out target/broken
//! ```

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use taskdyno::prelude::*;

fn main() -> ExitCode {
    Harness::new()
        .kernel(&MishapKind)
        .backend(&Mistake {
            name: "loses-a-task",
            run: loses_a_task,
        })
        .backend(&Mistake {
            name: "runs-one-twice",
            run: runs_one_twice,
        })
        .backend(&Mistake {
            name: "runs-backwards",
            run: runs_backwards,
        })
        .backend(&Mistake {
            name: "garbles-a-payload",
            run: garbles_a_payload,
        })
        .main()
}

/// A kernel with a mishap in task 3.
struct MishapKind;

impl KernelKind for MishapKind {
    fn name(&self) -> &'static str {
        "mishap"
    }

    fn why(&self) -> &'static str {
        "something goes wrong in task 3"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "mishap",
            why: "what goes wrong",
            kind: ParameterKind::Choice(&["panic", "abort", "exit", "hang", "print", "hurry"]),
            default: None,
        }]
    }

    fn build(&self, parameters: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        Ok(Box::new(Mishap(parameters.text("mishap").into())))
    }
}

struct Mishap(String);

impl Kernel for Mishap {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        if task == TaskId(3) {
            match self.0.as_str() {
                "panic" => panic!("out of cheese"),
                "abort" => std::process::abort(),
                "exit" => std::process::exit(7),
                "hang" => loop {
                    std::thread::sleep(Duration::from_secs(3600));
                },
                // On standard output, where the child talks to its parent.
                "print" => println!("{{\"hello\": \"parent\"}}"),
                _ => {}
            }
        }
        seed
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }

    /// What it says it takes, and does not.
    fn duration(&self, _: TaskId) -> Option<Duration> {
        (self.0 == "hurry").then_some(Duration::from_secs(1))
    }
}

/// A backend with a mistake in it.
struct Mistake {
    name: &'static str,
    run: fn(&Job) -> Result<(), Halt>,
}

impl Backend for Mistake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn why(&self) -> &'static str {
        "gets it wrong"
    }

    fn fixed_worker_count(&self) -> Option<usize> {
        Some(1)
    }

    fn start(&self, job: Arc<Job>, _: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let run = self.run;
        Ok(pool_fn(job, move |job| run(job)))
    }
}

fn loses_a_task(job: &Job) -> Result<(), Halt> {
    let mut tasks = job.graph().tasks();
    // The last one: nobody else would miss it.
    tasks.next_back();
    tasks.try_for_each(|task| job.run(task))
}

fn runs_one_twice(job: &Job) -> Result<(), Halt> {
    job.graph().tasks().try_for_each(|task| job.run(task))?;
    job.run(TaskId(0))
}

fn garbles_a_payload(job: &Job) -> Result<(), Halt> {
    job.graph().tasks().try_for_each(|task| {
        job.run(task)?;
        if let Some(word) = job.payload(task).last() {
            // Relaxed: there is one thread.
            word.fetch_xor(1, Ordering::Relaxed);
        }
        Ok(())
    })
}

fn runs_backwards(job: &Job) -> Result<(), Halt> {
    job.graph().tasks().rev().try_for_each(|task| job.run(task))
}
