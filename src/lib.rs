//! A dynamometer for task runtimes: runs the same workload on every backend, verifies and measures each run, and
//! compares the results.
//!
//! The program `taskdyno` only calls [`Harness::main`]. Your own program can call it too. It then has the same command
//! line, with your backends, kernels, patterns and workloads in addition to the built-in ones:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::sync::{Arc, Mutex};
//! use std::thread;
//!
//! use taskdyno::prelude::*;
//!
//! /// Runs the tasks that are ready, each on a new thread, and continues with the tasks that this made ready.
//! fn waves(job: &Arc<Job>, plan: &PoolPlan) -> Result<(), Halt> {
//!     let mut wave = job.graph().sources().to_vec();
//!     while !wave.is_empty() {
//!         // Never poisoned: `execute` makes a panic of the kernel a failure of the run.
//!         let next = Mutex::new(Vec::new());
//!         let run = |task| job.execute(task, |ready| next.lock().unwrap().push(ready));
//!         for batch in wave.chunks(plan.worker_count) {
//!             thread::scope(|scope| batch.iter().for_each(|task| drop(scope.spawn(|| run(*task)))));
//!         }
//!         job.outcome()?;
//!         wave = next.into_inner().unwrap();
//!     }
//!     Ok(())
//! }
//!
//! fn main() -> ExitCode {
//!     let waves = backend_fn("waves", "new threads for each wave of ready tasks", waves);
//!     Harness::new().backend(waves).main()
//! }
//! ```
//!
//! `cargo run --release -- run empty --backends threads,waves` then measures both `threads` and `waves`.
//!
//! # Where to go from here
//!
//! - [`prelude`] exports the types for writing a backend, a kernel or a pattern. The documentation of its crate,
//!   [`taskdyno_core`], has a complete backend with worker threads, and the rules that a backend must follow. To
//!   implement a backend in a separate package, depend on that crate alone.
//! - [`record`] has the types of the records that `run` writes, and functions that read them.
//! - The repository documents the rest: README.md the command line, METHODOLOGY.md how taskdyno measures, FORMAT.md its
//!   files, ARCHITECTURE.md the modules of this crate.

mod case;
mod claim;
mod cmd;
mod compare;
mod conform;
mod diagnostic;
mod disk;
mod external;
mod filter;
mod foreign;
mod gate;
mod graph_file;
mod handover;
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
mod text;
mod timeline;
mod toml_file;
mod units;
mod workload;

pub use harness::Harness;
use taskdyno_backends::{backend, coordinated, loads, system};
use taskdyno_core::{execute, graph, kernel, latency, memory, parameter, pattern, random, sync};
