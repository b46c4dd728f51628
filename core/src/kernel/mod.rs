//! What one task does. One file a kernel, one line in [`KERNELS`].

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use crate::graph::{TaskGraph, TaskId};
use crate::parameter::{Parameter, Parameters};

mod busy_wait;
mod compute_bound;
mod counter;
mod deadly;
mod empty;
mod hash;
mod load_imbalance;
mod memory_bound;
mod multiply_add;
mod replay;
mod sequence;
mod sleep;
mod traced;
mod unbound;

pub use busy_wait::BUSY_WAIT;
pub use compute_bound::COMPUTE_BOUND;
pub use counter::COUNTER;
pub use deadly::deadly;
pub use empty::EMPTY;
pub use hash::HASH;
pub use load_imbalance::LOAD_IMBALANCE;
pub use memory_bound::MEMORY_BOUND;
pub use replay::REPLAY;
pub use sleep::SLEEP;
pub use traced::{TaskTimes, traced};
pub use unbound::{UnboundTasks, unbound_tasks};

/// The kernels that every build has.
pub const KERNELS: &[&dyn KernelKind] = &[
    &EMPTY,
    &BUSY_WAIT,
    &COMPUTE_BOUND,
    &MEMORY_BOUND,
    &LOAD_IMBALANCE,
    &SLEEP,
    &HASH,
    &COUNTER,
    &REPLAY,
];

/// What one task does, ready to run.
///
/// A task turns a seed, folded from its inputs, into an output word. The work must depend on the seed:
/// work that does not can be moved, overlapped or removed by compiler and processor, and then nothing
/// was measured.
pub trait Kernel: Send + Sync {
    /// Does the work of `task` on the calling thread and returns its output, of which the low 48 bits
    /// are kept.
    fn run(&self, task: TaskId, seed: u64) -> u64;

    /// The output that [`run`](Kernel::run) returns, without its waiting or its side effects. The
    /// expected digest is made of these.
    fn expected(&self, task: TaskId, seed: u64) -> u64 {
        self.run(task, seed)
    }

    /// How long the task waits before it computes [`expected`](Kernel::expected), if waiting is all that
    /// it does. Async backends await a timer in its place.
    fn wait(&self, task: TaskId) -> Option<Duration> {
        let _ = task;
        None
    }

    /// How long `task` is meant to last on an idle core, if that is known beforehand. Bounds on the wall
    /// clock are made of these.
    fn duration(&self, task: TaskId) -> Option<Duration> {
        self.wait(task)
    }

    /// Whether no task ever ends before its [`duration`](Kernel::duration) has passed, so that a run that
    /// beats a bound made of them has broken a dependence.
    fn is_duration_kept(&self) -> bool {
        true
    }

    /// Clears what earlier runs left behind. Called outside the clock, when nothing runs.
    fn reset(&self) {}

    /// Checks what `task_run_count` tasks have done since [`reset`](Kernel::reset), beyond their
    /// outputs. Called outside the clock, when nothing runs.
    ///
    /// # Errors
    ///
    /// What was wrong, in a sentence.
    fn verify(&self, task_run_count: u64) -> Result<Findings, String> {
        let _ = task_run_count;
        Ok(Findings::new())
    }
}

/// What a run brought to light that is no failure, such as `lost_updates_count`. Keys carry their unit.
pub type Findings = BTreeMap<String, u64>;

/// How the workers of a backend see each other's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Workers are threads of one process.
    Threads,
    /// Workers are processes that share only what is mapped as shared.
    Processes,
}

/// Where a kernel is going to run.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The graph whose tasks it is.
    pub graph: &'a TaskGraph,
    /// How workers see each other's memory.
    pub sharing: Sharing,
    /// How many workers there are.
    pub worker_count: usize,
}

/// Tasks that last for a time by the clock, in proportion to their size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// How long a task lasts for each unit of its size.
    pub unit_ns: f64,
    /// Whether it only waits.
    pub waits: bool,
}

/// What the time of a task follows when the machine gets slower or faster from one day to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// How fast the machine computes.
    Machine,
    /// The clock: tasks last for a time that is known beforehand.
    Clock,
    /// How workers get in each other's way, which follows neither; the speed of the machine with one worker.
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

/// A kind of kernel: its name, its parameters, and how to make one.
pub trait KernelKind: Sync {
    /// The name in workload files and records.
    fn name(&self) -> &'static str;
    /// What it is good for, in one line.
    fn why(&self) -> &'static str;
    /// The parameters it takes.
    fn parameters(&self) -> &'static [Parameter];
    /// Whether a task may be run again after it was cut off in the middle.
    fn is_idempotent(&self) -> bool {
        true
    }
    /// Whether it only works on graphs that say how long each task lasts.
    fn needs_durations(&self) -> bool {
        false
    }
    /// The parameter, a count or a time, that the work of a task is proportional to, if there is one.
    fn size_parameter(&self) -> Option<&'static str> {
        None
    }

    /// What a unit of the size is worth by the clock, where tasks last for a time by the clock.
    fn timed(&self) -> Option<Timed> {
        None
    }

    /// What the time of a task follows. Times of different days are compared by it.
    fn pace(&self, parameters: &Parameters) -> Pace {
        let _ = parameters;
        match self.timed().is_some() || self.knows_durations() {
            true => Pace::Clock,
            false => Pace::Machine,
        }
    }

    /// Counts with which all tasks of one size take the same time, where the kernel's own need not. The peak
    /// that a sweep is told against is measured with them.
    fn even_parameters(&self) -> &'static [(&'static str, u64)] {
        &[]
    }

    /// The bytes that the kernel itself holds, whatever the graph.
    fn byte_len(&self, parameters: &Parameters) -> u64 {
        let _ = parameters;
        0
    }

    /// The bytes that the kernel itself holds for each task, beside those that it holds in any case.
    fn task_byte_len(&self) -> u64 {
        0
    }

    /// Whether every task lasts for a time that is known beforehand, as [`Kernel::duration`] tells it.
    fn knows_durations(&self) -> bool {
        false
    }
    /// A kernel for `setting`.
    ///
    /// # Errors
    ///
    /// When the system refuses what the kernel needs, such as shared memory, or the graph has no durations
    /// and the kernel [needs them](KernelKind::needs_durations).
    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Value;

    /// As `compare` has it for records that do not say.
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
                "counter" => Pace::Contention,
                _ => Pace::Machine,
            };
            assert_eq!(kernel.pace(&parameters), expected, "{}", kernel.name());
        }
        let sharded = BTreeMap::from([("variant".to_owned(), Value::Text("sharded".into()))]);
        let sharded = Parameters::check(COUNTER.parameters(), &sharded).unwrap();
        assert_eq!(COUNTER.pace(&sharded), Pace::Machine);
    }
}
