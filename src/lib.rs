//! A dynamometer for task runtimes: runs the same workload on every backend, verifies and measures each run, and
//! compares the results.
//!
//! The program `taskdyno` only calls [`Harness::main`]. Your own program can call it too. It then has the same command
//! line, with your backends, kernels, patterns and workloads in addition to the built-in ones:
//!
//! ```no_run
//! use std::io;
//! use std::process::ExitCode;
//! use std::sync::Arc;
//!
//! use taskdyno::prelude::*;
//!
//! /// Runs all tasks on the calling thread. Ids are a topological order, so every input exists before it is read.
//! struct Loop;
//!
//! impl Backend for Loop {
//!     fn name(&self) -> &'static str {
//!         "loop"
//!     }
//!
//!     fn why(&self) -> &'static str {
//!         "one loop on one thread"
//!     }
//!
//!     fn fixed_worker_count(&self) -> Option<usize> {
//!         Some(1)
//!     }
//!
//!     fn start(&self, job: Arc<Job>, _: &PoolPlan) -> io::Result<Box<dyn Pool>> {
//!         Ok(pool_fn(job, |job| job.graph().tasks().try_for_each(|task| job.run(task))))
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     Harness::new().backend(&Loop).main()
//! }
//! ```
//!
//! `cargo run --release -- run empty --backends serial,loop` then measures both `serial` and `loop`.
//!
//! # Where to go from here
//!
//! - [`prelude`] exports the types for writing a backend, a kernel or a pattern. The documentation of its crate,
//!   [`taskdyno_core`], has a complete backend with worker threads, and the rules that a backend must follow. To
//!   implement a backend in a separate package, depend on that crate alone.
//! - [`record`] has the types of the records that `run` writes, and functions that read them.
//! - The repository documents the rest: README.md the command line, METHODOLOGY.md how taskdyno measures, FORMAT.md its
//!   files, ARCHITECTURE.md the modules of this crate.

mod backend;
mod case;
mod cmd;
mod compare;
mod diagnostic;
mod disk;
mod foreign;
mod gate;
mod graph_file;
mod harness;
mod input;
#[doc(hidden)]
pub mod internal;
mod machine;
mod matrix;
mod measure;
mod metg;
pub mod prelude;
pub mod record;
mod registry;
mod report;
mod stats;
mod system;
mod text;
mod units;
mod workload;

pub use harness::Harness;
use taskdyno_core::{execute, graph, kernel, memory, parameter, pattern, random};
