//! A busy loop during a measurement, to test how a noisy machine affects a gate.

use std::hint::black_box;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};

/// A process that keeps one core busy until this is dropped.
#[derive(Debug)]
pub(crate) struct Neighbour(Child);

impl Neighbour {
    /// Starts `program` as a neighbour: its hidden subcommand `neighbour` is [`be_busy`].
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub(crate) fn start(program: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg("neighbour").stdin(Stdio::null());
        command.spawn().map(Self)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        // This fails only if it has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Keeps the first core busy until the parent ends.
///
/// # Errors
///
/// If the kernel refuses to end it with its parent, because it must not outlive its parent.
pub(crate) fn be_busy() -> io::Result<std::convert::Infallible> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut first = CpuSet::new();
    first.set(0);
    // If the process may not run on the first core, any core will do.
    let _ = sched_setaffinity(None, &first);
    let mut count = 0u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}
