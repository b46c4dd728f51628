//! Recursive programs: tasks that are spawned and joined at run time.
//!
//! A [`Recursion`] is data, because closures cannot cross into forked workers. Its tasks are states of a fixed size. A
//! task either has a value, or is split into children, whose values are added and combined into its own. [`Run`] has
//! these steps for one run, and makes three things of every task: its value, a digest, and how many tasks there were.
//! All three are folded up the tree, so a task that is lost, or joined twice, changes the result at the root.
//!
//! A runtime has two ways to run a program:
//!
//! | what it has | what it implements |
//! |---|---|
//! | a function that runs two closures, possibly at the same time | [`Join`]; [`walk`] does the rest |
//! | queues of tasks | it calls the steps of [`Run`], and carries states and results itself |
//!
//! [`RecursiveProgram::visit`] calls a runtime's code with the type of the program, once per run. Everything below is compiled for
//! this program and this runtime, so no task pays for a virtual call.

mod fib;
mod join;
mod mergesort;
mod nqueens;
mod program;
mod quicksort;
mod recursive;
mod run;
mod skynet;
mod state;
mod support;
mod tree_sum;
mod uts;

pub use fib::Fib;
pub use join::{Join, Sequential, walk};
pub use mergesort::Mergesort;
pub use nqueens::NQueens;
pub use program::{ProgramVisitor, RecursiveProgram};
pub use quicksort::Quicksort;
pub use recursive::{KnownResult, Recursion, Splitting};
pub use run::{FirstStep, Folded, Run};
pub use skynet::Skynets;
pub use state::{Carried, MOST_WORDS, Words};
pub use tree_sum::TreeSum;
pub use uts::{TreeShape, Uts};

#[cfg(test)]
mod tests;
