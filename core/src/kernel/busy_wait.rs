use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

use super::sequence::in_sequence;
use super::{Kernel, KernelKind, Setting, Timed};
use crate::graph::TaskId;
use crate::parameter::{Parameter, ParameterKind, Parameters};
use crate::random::mix;

/// A task that keeps a core busy for a given time, however fast the core is.
pub const BUSY_WAIT: BusyWaitKind = BusyWaitKind;

/// See [`BUSY_WAIT`].
#[derive(Debug)]
pub struct BusyWaitKind;

impl KernelKind for BusyWaitKind {
    fn name(&self) -> &'static str {
        "busy-wait"
    }

    fn why(&self) -> &'static str {
        "spins for a time by the clock: work that lasts as long on every core, shared or not"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "duration_ns",
            why: "how long a task spins, to within one reading of the clock (20 to 50 ns)",
            kind: ParameterKind::Count {
                min: 1,
                max: 1 << 50,
            },
            default: None,
        }]
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("duration_ns")
    }

    fn timed(&self) -> Option<Timed> {
        Some(Timed {
            unit_ns: 1.0,
            waits: false,
        })
    }

    fn knows_durations(&self) -> bool {
        true
    }

    fn build(&self, parameters: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        Ok(Box::new(BusyWait {
            duration: Duration::from_nanos(parameters.count("duration_ns")),
        }))
    }
}

struct BusyWait {
    duration: Duration,
}

impl Kernel for BusyWait {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        spin(self.duration, seed);
        self.expected(task, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }

    fn duration(&self, _: TaskId) -> Option<Duration> {
        Some(self.duration)
    }
}

/// Keeps the core busy for `duration`, beginning when `seed` is known.
///
/// Between two readings of the clock it mixes a number, each step waiting for the one before it. How often
/// is up to the clock, so nothing of that may enter the output of a task.
pub(super) fn spin(duration: Duration, seed: u64) {
    let outcome = in_sequence(seed, |seed| {
        let mut link = black_box(seed);
        // The reading waits for all that comes before it, on x86-64 (`lfence` or `rdtscp`) and on Arm
        // (`isb`): that includes the seed.
        let end = Instant::now() + duration;
        while Instant::now() < end {
            link = mix(link);
        }
        link
    });
    black_box(outcome);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spin_never_ends_before_its_time() {
        let duration = Duration::from_micros(50);
        let start = Instant::now();
        spin(duration, 1);
        assert!(start.elapsed() >= duration);
    }
}
