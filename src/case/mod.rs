//! One case, one child process.
//!
//! The parent starts its own program again with the hidden subcommand `child` and talks to it in JSON
//! lines ([`protocol`]): a case in, samples out, a slice at a time. Between two slices the child waits,
//! blocked, in a read from its standard input. What this buys:
//!
//! - a fork always happens in a process that never had a second thread;
//! - every case gets a fresh allocator and fresh pools;
//! - a hung case can be killed, and a crashed one becomes a record with an error;
//! - a case can be run by hand, under a debugger or a profiler;
//! - the program that is started can be another build, so comparing two commits needs nothing new.

mod child;
mod parent;
pub mod protocol;
mod recorded;

pub(crate) use child::serve;
pub use parent::{Idle, Patience, Session};
pub use recorded::{Surroundings, record};
