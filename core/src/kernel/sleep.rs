use std::io;
use std::thread;
use std::time::Duration;

use super::{Kernel, KernelKind, Setting, Timed, Venue};
use crate::graph::TaskId;
use crate::parameter::{Parameter, ParameterKind, Parameters};

/// A task that waits, like one that communicates with a disk or a network.
pub const SLEEP: SleepKind = SleepKind;

/// See [`SLEEP`].
#[derive(Debug)]
pub struct SleepKind;

impl KernelKind for SleepKind {
    fn name(&self) -> &'static str {
        "sleep"
    }

    fn why(&self) -> &'static str {
        "waits: a blocking sleep on threads and processes, an awaited timer on async backends"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "duration_ms",
            why: "how long a task waits",
            kind: ParameterKind::Milliseconds,
            default: None,
        }]
    }

    fn fits(&self, _: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        venue.lets_wait()
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("duration_ms")
    }

    fn timed(&self) -> Option<Timed> {
        Some(Timed {
            unit_ns: 1e6,
            waits: true,
        })
    }

    fn knows_durations(&self) -> bool {
        true
    }

    fn build(&self, parameters: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        Ok(Box::new(Sleep {
            duration: parameters.milliseconds("duration_ms"),
        }))
    }
}

struct Sleep {
    duration: Duration,
}

impl Kernel for Sleep {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        // How far a sleep overshoots depends on the thread's timer slack, which workers inherit from the thread that
        // started them: see `machine::host::sharpen_timers`.
        thread::sleep(self.duration);
        self.expected(task, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }

    fn wait(&self, _: TaskId) -> Option<Duration> {
        Some(self.duration)
    }
}
