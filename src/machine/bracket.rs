//! What else the machine did while something was measured.

use std::thread;
use std::time::{Duration, Instant};

use super::ticks::{CpuTicks, foreign_cpu_ns};
use super::usage::family_cpu_ns;

/// A period of time that has begun. Use it in the process that starts everything that is measured.
#[derive(Debug)]
pub(crate) struct Bracket {
    start: Instant,
    ticks: Option<CpuTicks>,
    own_cpu_ns: u64,
}

/// The length of a period, and what the rest of the machine did in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bracketed {
    /// The time from the start to the end.
    pub elapsed: Duration,
    /// The CPU time, in nanoseconds, of everything except this process and the children it has waited for. `None` if
    /// the period was too short to measure it, or if the kernel does not report it.
    pub foreign_cpu_ns: Option<u64>,
}

impl Bracket {
    /// Starts a period now.
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            ticks: CpuTicks::now(),
            own_cpu_ns: family_cpu_ns(),
        }
    }

    /// Ends the period now.
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

/// How long [`others_core_count`] watches the machine: 30 ticks per core, so that an error of one tick is 3%.
const LOOK: Duration = Duration::from_millis(300);

/// How many cores everything else on the machine keeps busy: 1.0 for one endless loop. Takes about 300 ms, in which the
/// calling thread sleeps. `None` if the kernel does not report it.
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
    fn an_endless_loop_is_seen() {
        let mut busy = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        // Either the loop runs, or another foreign process: a core is not idle while there is work to do.
        let count = others_core_count();
        busy.kill().unwrap();
        busy.wait().unwrap();
        assert!(count.unwrap() > 0.25, "{count:?}");
    }

    #[test]
    fn a_period_that_is_too_short_has_no_foreign_time() {
        assert_eq!(Bracket::start().end().foreign_cpu_ns, None);
    }
}
