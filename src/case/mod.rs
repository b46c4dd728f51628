//! Runs each case in a child process of its own.
//!
//! The parent starts its own program again with the hidden subcommand `child`. They exchange lines of JSON
//! ([`protocol`]): the parent sends a case and requests slices, and the child sends samples. Between two slices the
//! child waits in a blocking read from its standard input. This has several advantages:
//!
//! - a fork always happens in a process that never had a second thread;
//! - every case gets a fresh allocator and fresh pools;
//! - a case that hangs can be killed, and a case that crashes becomes a record with an error;
//! - a case can be run by hand, under a debugger or a profiler;
//! - the child can be another build of the program, so two commits can be compared in the same way.

mod agreement;
mod child;
mod child_end;
mod child_meter;
mod child_program;
mod failed;
mod judge;
mod latencies;
mod lines;
mod process;
pub(crate) mod protocol;
mod recorded;
mod session;
mod stage;
mod trace_file;
mod wait_file;
mod work;

pub(crate) use child::serve;
pub use child_program::ChildProgram;
pub(crate) use latencies::LatencyTime;
pub use process::{Idle, Patience};
pub(crate) use recorded::{Surroundings, add_slice, note, record};
pub use session::{ChildPlan, Ready, Session};
pub(crate) use trace_file::TraceFolder;
pub use work::Works;
pub(crate) use work::serve_expected;
