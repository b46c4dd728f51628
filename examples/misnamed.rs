//! Shows the error for a program whose backend has a name that cannot be used: one that is already taken, or that is
//! not valid in the id of a case.
//!
//! ```text
//! MISNAMED=rayon cargo run --example misnamed -- list
//! ```

use std::process::ExitCode;

use taskdyno::prelude::*;

fn main() -> ExitCode {
    let name = std::env::var("MISNAMED").unwrap_or_else(|_| "two words".into());
    let why = "one loop on the calling thread, under any name";
    let misnamed = backend_fn(name.leak(), why, |job, _| {
        job.graph().tasks().try_for_each(|task| job.run(task))
    });
    Harness::new().backend(misnamed).main()
}
