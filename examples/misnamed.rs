//! Shows the error for a program whose backend has a name that cannot be used: one that is already taken, or that is
//! not valid in the id of a case.
//!
//! ```text
//! MISNAMED=rayon cargo run --example misnamed -- list
//! ```

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use taskdyno::Harness;
use taskdyno_core::backend::{Backend, Pool, PoolPlan};
use taskdyno_core::execute::{Halt, Job};

fn main() -> ExitCode {
    let name = std::env::var("MISNAMED").unwrap_or_else(|_| "two words".into());
    // The registry needs a backend that lives as long as the program.
    let misnamed: &'static Misnamed = Box::leak(Box::new(Misnamed(name.leak())));
    Harness::new().backend(misnamed).main()
}

/// One loop on the calling thread, under a chosen name.
struct Misnamed(&'static str);

impl Backend for Misnamed {
    fn name(&self) -> &'static str {
        self.0
    }

    fn why(&self) -> &'static str {
        "one loop on one thread, under any name"
    }

    fn start(&self, job: Arc<Job>, _: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        Ok(Box::new(Loop(job)))
    }
}

struct Loop(Arc<Job>);

impl Pool for Loop {
    fn run(&mut self) -> Result<(), Halt> {
        self.0.graph().tasks().try_for_each(|task| self.0.run(task))
    }
}
