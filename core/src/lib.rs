//! What a backend of taskdyno is made of: task graphs, kernels, verified execution, and the traits to implement.

pub mod backend;
pub mod execute;
pub mod graph;
pub mod kernel;
pub mod memory;
pub mod parameter;
pub mod pattern;
pub mod random;
pub mod sync;
