#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! | module | what it is |
//! |---|---|
//! | [`backend`] | the traits that a runtime implements; where its workers run |
//! | [`execute`] | executes and verifies tasks: [`Job`](execute::Job) |
//! | [`kernel`] | what a task does |
//! | [`graph`] | the task graph and its bounds |
//! | [`pattern`] | families of graphs |
//! | [`parameter`] | parameters declared as data |
//! | [`coordination`] | kernels whose tasks wait for each other |
//! | [`sync`] | what tasks share: counters, and the primitives by which they wait for each other |
//! | [`latency`] | histograms of latencies that threads and forked processes record |
//! | [`memory`] | slices in memory that threads and forked processes share |
//! | [`recursion`] | recursive programs: tasks that are spawned and joined at run time |
//! | [`random`] | numbers drawn from a seed |

pub mod backend;
pub mod coordination;
pub mod execute;
pub mod graph;
pub mod kernel;
pub mod latency;
pub mod memory;
pub mod parameter;
pub mod pattern;
pub mod prelude;
pub mod random;
pub mod recursion;
pub mod sync;
