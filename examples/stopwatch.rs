//! Kernels that time something beside the run. What they record is known, so that tests can check where it arrives.
//!
//! ```text
//! cargo run --example stopwatch -- run --workloads examples/stopwatch.toml stopwatch --out target/stopwatch
//! ```

use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;

use taskdyno::prelude::*;

fn main() -> ExitCode {
    Harness::new()
        .kernel(StopwatchKind {
            name: "stopwatch",
            is_timing_the_work: false,
        })
        .kernel(StopwatchKind {
            name: "timekeeper",
            is_timing_the_work: true,
        })
        .main()
}

/// A task that records two latencies: `lap`, a microsecond per task before it, and `split`, a tenth of that.
struct StopwatchKind {
    name: &'static str,
    is_timing_the_work: bool,
}

impl KernelKind for StopwatchKind {
    fn name(&self) -> &'static str {
        self.name
    }

    fn why(&self) -> &'static str {
        "records latencies that are known beforehand"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn latencies(&self) -> &'static [&'static str] {
        &["lap", "split"]
    }

    fn is_timing_the_work(&self) -> bool {
        self.is_timing_the_work
    }

    fn build(&self, _: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        Ok(Box::new(Stopwatch {
            lap: Recorder::new()?,
            split: Recorder::new()?,
        }))
    }
}

struct Stopwatch {
    lap: Recorder,
    split: Recorder,
}

impl Kernel for Stopwatch {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        // A kernel that is not an example reads a clock here.
        if self.lap.is_on() {
            self.lap.record(u64::from(task.0) * 1000);
            self.split.record(u64::from(task.0) * 100);
        }
        seed
    }

    /// Without the recording.
    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }

    fn record_latencies(&self, on: bool) {
        self.lap.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::from([
            ("lap".into(), self.lap.take()),
            ("split".into(), self.split.take()),
        ])
    }
}
