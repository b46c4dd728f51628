//! What taskdyno detects: kernels that panic, abort, exit, hang or print, and backends that lose tasks, run them
//! twice or too early, or corrupt the bytes that tasks pass on. Each becomes an error row that says what happened.
//!
//! ```text
//! cargo run --example broken -- run --workloads examples/broken.toml broken --timeout 1 --out target/broken
//! ```

use std::io;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use taskdyno::prelude::*;

fn main() -> ExitCode {
    Harness::new()
        .kernel(MishapKind)
        .backend(mistake("loses-a-task", loses_a_task))
        .backend(mistake("runs-one-twice", runs_one_twice))
        .backend(mistake("runs-backwards", runs_backwards))
        .backend(mistake("garbles-a-payload", garbles_a_payload))
        .main()
}

/// A kernel that does something wrong in task 3.
struct MishapKind;

impl KernelKind for MishapKind {
    fn name(&self) -> &'static str {
        "mishap"
    }

    fn why(&self) -> &'static str {
        "does something wrong in task 3"
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
                // On standard output, which carries the protocol between child and parent.
                "print" => println!("{{\"hello\": \"parent\"}}"),
                _ => {}
            }
        }
        seed
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }

    /// A duration that it does not keep.
    fn duration(&self, _: TaskId) -> Option<Duration> {
        (self.0 == "hurry").then_some(Duration::from_secs(1))
    }
}

/// A backend that calls `run`, which has an error in it.
fn mistake(name: &'static str, run: fn(&Job) -> Result<(), Halt>) -> impl Backend {
    backend_fn(name, "schedules tasks wrongly", move |job, _| run(job))
}

fn loses_a_task(job: &Job) -> Result<(), Halt> {
    let mut tasks = job.graph().tasks();
    // The last task: no other task waits for it.
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
