//! The backends that taskdyno measures, and what they need to know of the machine.
//!
//! They are a crate of their own so that a release build compiles them, like the core, in one part: the code of a runtime
//! is generic and runs in every task. The rest of the program is compiled in many parts, side by side.
//!
//! # Modules
//!
//! | module | what it is |
//! |---|---|
//! | [`system`] | facts about the machine and the container |
//! | [`backend`] | the backends, one file per backend |
//! | [`coordinated`] | the kernels whose tasks coordinate, and the primitives that they get |
//! | [`loads`] | kernels that do IO, or hinder each other, as real programs do |

pub mod backend;
pub mod coordinated;
pub mod loads;
pub mod system;

use taskdyno_core::{
    coordination, execute, graph, kernel, latency, memory, parameter, random, recursion, sync,
};
