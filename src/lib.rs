//! A dynamometer for task runtimes: runs the same workload on every backend, verifies and measures each run, and
//! compares the results.

pub mod backend;
pub mod case;
mod cmd;
pub mod compare;
pub mod diagnostic;
mod disk;
pub mod foreign;
pub mod gate;
pub mod graph_file;
mod harness;
pub mod input;
pub mod machine;
pub mod matrix;
pub mod measure;
pub mod metg;
pub mod prelude;
pub mod record;
pub mod registry;
pub mod report;
pub mod stats;
mod system;
mod text;
mod units;
pub mod workload;

pub use harness::Harness;
pub use taskdyno_core::{execute, graph, kernel, memory, parameter, pattern, random, sync};
