//! The `taskdyno` program: the library's command line with what is built in.

use std::process::ExitCode;

fn main() -> ExitCode {
    taskdyno::Harness::new().main()
}
