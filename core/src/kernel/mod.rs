//! Kernels define what one task does. There is one file per kernel, and one line per kernel in [`KERNELS`].

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use crate::graph::TaskId;
use crate::latency::Histogram;
use crate::parameter::{Parameter, Parameters};
use crate::recursion::RecursiveProgram;

mod busy_wait;
mod compute_bound;
mod counter;
mod empty;
mod fib;
mod hash;
mod load_imbalance;
mod r#loop;
mod memory_bound;
mod mergesort;
mod nqueens;
mod plus_minus;
mod quicksort;
mod replay;
mod skynet;
mod sleep;
mod support;
mod tree_sum;
mod uts;

pub use busy_wait::BUSY_WAIT;
pub use compute_bound::COMPUTE_BOUND;
pub use counter::COUNTER;
pub use empty::EMPTY;
pub use fib::FIB;
pub use hash::HASH;
pub use load_imbalance::LOAD_IMBALANCE;
pub use r#loop::LOOP;
pub use memory_bound::MEMORY_BOUND;
pub use mergesort::MERGESORT;
pub use nqueens::NQUEENS;
pub use plus_minus::PLUS_MINUS;
pub use quicksort::QUICKSORT;
pub use replay::REPLAY;
pub use skynet::SKYNET;
pub use sleep::SLEEP;
pub use support::deadly::deadly;
pub use support::traced::{MOST_THREADS, TaskClock, TaskSpan, TaskTimes, traced};
pub use support::venue::{Setting, Venue};
pub use tree_sum::TREE_SUM;
pub use uts::UTS;

/// The kernels of every build.
pub const KERNELS: &[&dyn KernelKind] = &[
    &EMPTY,
    &BUSY_WAIT,
    &COMPUTE_BOUND,
    &MEMORY_BOUND,
    &LOAD_IMBALANCE,
    &SLEEP,
    &HASH,
    &LOOP,
    &COUNTER,
    &PLUS_MINUS,
    &REPLAY,
];

/// The kernels that are recursive programs. [`Kernel::recursion`] says what they need.
pub const RECURSIVE: &[&dyn KernelKind] = &[
    &FIB, &NQUEENS, &UTS, &MERGESORT, &QUICKSORT, &TREE_SUM, &SKYNET,
];

/// What one task does, ready to run.
///
/// A task turns a seed, folded from its inputs, into an output word. The work must depend on the seed. Otherwise
/// compiler and processor can move, overlap or remove it, and then nothing is measured.
pub trait Kernel: Send + Sync {
    /// Does the work of `task` on the calling thread and returns its output. Only the low 48 bits are kept.
    fn run(&self, task: TaskId, seed: u64) -> u64;

    /// The output that [`run`](Kernel::run) returns, without its waiting and its side effects. The expected digest
    /// is made of these outputs.
    fn expected(&self, task: TaskId, seed: u64) -> u64 {
        self.run(task, seed)
    }

    /// How long the task waits before it computes [`expected`](Kernel::expected); `None` if it does anything other
    /// than wait. Async backends await a timer instead of calling `run`.
    fn wait(&self, task: TaskId) -> Option<Duration> {
        let _ = task;
        None
    }

    /// Whether async backends call [`awaited`](Kernel::awaited) instead of `run`.
    fn is_awaited(&self) -> bool {
        false
    }

    /// The async form of [`run`](Kernel::run), for a kernel that waits for something other than time. Called only if
    /// [`is_awaited`](Kernel::is_awaited).
    fn awaited(&self, task: TaskId, seed: u64) -> Awaited<'_> {
        Box::pin(std::future::ready(self.run(task, seed)))
    }

    /// Whether [`awaited`](Kernel::awaited) waits for descriptors, which an async runtime must then watch.
    fn awaits_descriptors(&self) -> bool {
        false
    }

    /// Whether tasks wait for each other, so that all of them must be in progress at once. If one of them fails or dies,
    /// the others may never end by themselves.
    fn has_parties(&self) -> bool {
        false
    }

    /// The recursive program that the one task of the graph is; `None` if tasks spawn no others. Backends that have
    /// [`runs_recursion`](crate::backend::Backend::runs_recursion) run it with
    /// [`Job::run_recursion`](crate::execute::Job::run_recursion).
    fn recursion(&self) -> Option<&RecursiveProgram> {
        None
    }

    /// The run has failed: tasks that wait must stop waiting. Called on any thread or process, while tasks run.
    fn halt(&self) {}

    /// How long `task` is meant to take on an idle core; `None` if this is not known beforehand. The lower bounds of
    /// the wall time are computed from this.
    fn duration(&self, task: TaskId) -> Option<Duration> {
        self.wait(task)
    }

    /// Whether no task ever ends before its [`duration`](Kernel::duration) has passed. If so, a run that is faster
    /// than a bound computed from durations has broken a dependence.
    fn is_duration_kept(&self) -> bool {
        true
    }

    /// Clears what earlier runs left behind. Called outside the timed section, when nothing runs.
    fn reset(&self) {}

    /// Checks the effects, other than outputs, of `task_run_count` tasks since [`reset`](Kernel::reset). Called
    /// outside the timed section, when nothing runs. Returns no findings by default.
    ///
    /// # Errors
    ///
    /// What is wrong, in a sentence.
    fn verify(&self, task_run_count: u64) -> Result<Findings, String> {
        let _ = task_run_count;
        Ok(Findings::new())
    }

    /// The type of the file system that holds the files of the tasks, such as `ext4`; `None` if they have no files.
    fn file_system(&self) -> Option<&str> {
        None
    }

    /// Records latencies from now on, or stops recording them, as at first. Called when nothing runs.
    fn record_latencies(&self, on: bool) {
        let _ = on;
    }

    /// Returns the latencies that were recorded since the last call, by name, and forgets them. Called when nothing runs.
    /// Each name is one of [`KernelKind::latencies`]. Returns none by default.
    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::new()
    }
}

/// A task in progress that can be awaited. Its output is that of [`Kernel::run`].
pub type Awaited<'a> = Pin<Box<dyn Future<Output = u64> + Send + 'a>>;

/// Findings of a run that are not failures, such as `lost_updates_count`. Each key contains its unit.
pub type Findings = BTreeMap<String, u64>;

/// Whether the workers of a backend share one address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Workers are threads of one process.
    Threads,
    /// Workers are processes that share only memory that is mapped as shared.
    Processes,
}

/// Tasks that last for a given time, in proportion to their size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// The nanoseconds per unit of a task's size.
    pub unit_ns: f64,
    /// Whether the tasks only wait.
    pub waits: bool,
}

/// What the time of a task depends on if the machine becomes slower or faster between days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The speed of the machine.
    Machine,
    /// The clock: tasks last for a time known beforehand.
    Clock,
    /// Contention between workers, which depends on neither. With one worker, the speed of the machine.
    Contention,
}

impl Pace {
    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Clock => "clock",
            Self::Contention => "contention",
        }
    }
}

/// A parameter that says which problems a recursive program solves without spawning.
#[derive(Debug, Clone, Copy)]
pub struct CutOff {
    /// The name of the parameter, a count. With its largest value, the whole program is one task.
    pub parameter: &'static str,
    /// The next smaller cut-off that is worth measuring.
    pub next: fn(u64) -> u64,
}

/// A kind of kernel: its name, its parameters, and how to build one.
pub trait KernelKind: Sync {
    /// The name in workload files and records.
    fn name(&self) -> &'static str;
    /// Its purpose, in one line.
    fn why(&self) -> &'static str;
    /// The parameters that it accepts.
    fn parameters(&self) -> &'static [Parameter];
    /// Checks that the kernel can work at `venue`: that its tasks, if they wait for each other, can all be in progress at
    /// once, and that what they share exists there.
    ///
    /// # Errors
    ///
    /// Why it cannot, in a sentence that says what to do about it.
    fn fits(&self, parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        let _ = (parameters, venue);
        Ok(())
    }
    /// Whether its tasks wait for each other. They can then not depend on each other, because all of them must be in
    /// progress at once.
    fn coordinates(&self) -> bool {
        false
    }
    /// Whether it is a recursive program, see [`Kernel::recursion`]. The graph must then be one task.
    fn is_recursive(&self) -> bool {
        false
    }
    /// Whether a task may run again after it was interrupted.
    fn is_idempotent(&self) -> bool {
        true
    }
    /// Whether it works only on graphs that contain the duration of each task.
    fn needs_durations(&self) -> bool {
        false
    }
    /// The parameter (a count or a time) to which the work of a task is proportional; `None` if there is none.
    fn size_parameter(&self) -> Option<&'static str> {
        None
    }

    /// The cut-off of a recursive program whose work is the same for every cut-off; `None` for other programs and kernels.
    /// It decides how many tasks the work is divided into, so a sweep changes it instead of a size.
    fn cut_off(&self) -> Option<CutOff> {
        None
    }

    /// The time of one unit of the size, for tasks that last for a given time; `None` for others.
    fn timed(&self) -> Option<Timed> {
        None
    }

    /// What the time of a task depends on. This decides how times of different days are compared.
    fn pace(&self, parameters: &Parameters) -> Pace {
        let _ = parameters;
        match self.timed().is_some() || self.knows_durations() {
            true => Pace::Clock,
            false => Pace::Machine,
        }
    }

    /// Parameter values with which all tasks of one size take the same time, for kernels whose tasks otherwise
    /// differ. Empty if they never differ. The peak for a sweep is measured with these values.
    fn even_parameters(&self) -> &'static [(&'static str, u64)] {
        &[]
    }

    /// The bytes that the kernel holds independent of the graph.
    fn byte_len(&self, parameters: &Parameters) -> u64 {
        let _ = parameters;
        0
    }

    /// The additional bytes that the kernel holds per task.
    fn task_byte_len(&self) -> u64 {
        0
    }

    /// Whether the duration of every task is known beforehand, see [`Kernel::duration`].
    fn knows_durations(&self) -> bool {
        false
    }

    /// The names of the latencies that its tasks can record, such as `lateness`. Empty if it records none.
    fn latencies(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether latencies are recorded in the measured samples, because timing is the work of its tasks. Otherwise they
    /// are recorded only in runs of their own: recording takes time, which would be in the wall time.
    fn is_timing_the_work(&self) -> bool {
        false
    }

    /// Whether reports rank by the CPU time that a run takes instead of its wall time, because the clock decides how long
    /// a run takes.
    fn is_ranked_by_cpu(&self) -> bool {
        false
    }

    /// Builds a kernel for `setting`.
    ///
    /// # Errors
    ///
    /// If the system refuses what the kernel needs, such as shared memory, or if the graph has no durations and the
    /// kernel [needs them](KernelKind::needs_durations).
    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Value;

    /// As `compare` assumes it for records that do not say.
    #[test]
    fn the_pace_of_what_is_built_in_is_known() {
        for kernel in KERNELS {
            let mut given = BTreeMap::new();
            for parameter in kernel
                .parameters()
                .iter()
                .filter(|one| one.default.is_none())
            {
                given.insert(parameter.name.to_owned(), Value::Count(1));
            }
            let parameters = Parameters::check(kernel.parameters(), &given).unwrap();
            let expected = match kernel.name() {
                "sleep" | "busy-wait" | "replay" => Pace::Clock,
                "counter" | "plus-minus" => Pace::Contention,
                _ => Pace::Machine,
            };
            assert_eq!(kernel.pace(&parameters), expected, "{}", kernel.name());
        }
        let sharded = BTreeMap::from([("variant".to_owned(), Value::Text("sharded".into()))]);
        let sharded = Parameters::check(COUNTER.parameters(), &sharded).unwrap();
        assert_eq!(COUNTER.pace(&sharded), Pace::Machine);
    }
}
