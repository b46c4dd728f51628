//! A dynamometer for task runtimes: one workload, every backend, verified, measured, compared.

pub mod backend;
pub mod case;
mod cmd;
pub mod compare;
pub mod diagnostic;
mod disk;
pub mod execute;
pub mod foreign;
pub mod gate;
pub mod graph;
mod harness;
pub mod input;
pub mod kernel;
pub mod matrix;
pub mod measure;
pub mod memory;
pub mod metg;
pub mod parameter;
pub mod pattern;
pub mod random;
pub mod record;
pub mod registry;
pub mod report;
pub mod stats;
pub mod sync;
mod system;
mod text;
pub mod workload;

pub use harness::Harness;
