//! What else the machine did while something was measured.

use std::thread;
use std::time::{Duration, Instant};

use super::ticks::{CpuTicks, foreign_cpu_ns};
use super::usage::family_cpu_ns;

/// A stretch of time that has begun, in the process that starts all that is measured.
#[derive(Debug)]
pub(crate) struct Bracket {
    start: Instant,
    ticks: Option<CpuTicks>,
    own_cpu_ns: u64,
}

/// How long a stretch of time was, and what happened in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bracketed {
    /// From its start to its end.
    pub elapsed: Duration,
    /// CPU time that everything but this process and those it has waited for took; `None` if it was too short
    /// to tell, or the kernel does not say.
    pub foreign_cpu_ns: Option<u64>,
}

impl Bracket {
    /// Begins one now.
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            ticks: CpuTicks::now(),
            own_cpu_ns: family_cpu_ns(),
        }
    }

    /// Ends it now.
    pub(crate) fn end(self) -> Bracketed {
        let elapsed = self.start.elapsed();
        let own_cpu_ns = family_cpu_ns().saturating_sub(self.own_cpu_ns);
        let foreign = self.ticks.zip(CpuTicks::now());
        Bracketed {
            elapsed,
            foreign_cpu_ns: foreign
                .and_then(|(before, after)| foreign_cpu_ns(&before, &after, elapsed, own_cpu_ns)),
        }
    }
}

/// How long [`others_core_count`] looks: 30 ticks of a core, so that one more or less is 3%.
const LOOK: Duration = Duration::from_millis(300);

/// How many cores everything else on the machine keeps busy: 1.0 for one loop that never ends. Takes a third
/// of a second, in which this process does nothing. `None` where the kernel does not say.
pub(crate) fn others_core_count() -> Option<f64> {
    let bracket = Bracket::start();
    thread::sleep(LOOK);
    let Bracketed {
        elapsed,
        foreign_cpu_ns,
    } = bracket.end();
    Some(foreign_cpu_ns? as f64 / elapsed.as_nanos() as f64)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_loop_that_never_ends_is_seen() {
        let mut busy = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        // It runs, or something else does that is not ours either: with something to do, no core is left idle.
        let count = others_core_count();
        busy.kill().unwrap();
        busy.wait().unwrap();
        assert!(count.unwrap() > 0.25, "{count:?}");
    }

    #[test]
    fn what_is_too_short_has_no_figure() {
        assert_eq!(Bracket::start().end().foreign_cpu_ns, None);
    }
}
