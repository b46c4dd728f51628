use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::support::{AwaitedOn, DueTimes, Slot};
use crate::graph::TaskId;
use crate::kernel::{Awaited, Kernel, KernelKind, Pace, Setting, Venue};
use crate::latency::{Histogram, Recorder};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::random::mix;

/// A small task every now and then, so that workers are idle most of the time.
pub const MIXED_PERIODIC: MixedPeriodicKind = MixedPeriodicKind;

/// See [`MIXED_PERIODIC`].
#[derive(Debug)]
pub struct MixedPeriodicKind;

/// The latency from when a task is due until it works.
const LATENESS: &str = "lateness";

impl KernelKind for MixedPeriodicKind {
    fn name(&self) -> &'static str {
        "mixed-periodic"
    }

    fn why(&self) -> &'static str {
        "idles: one small task at a fixed interval, so that the rest is the CPU time of idle workers"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "interval_us",
            why: "how long after a task the next one is due, in microseconds",
            kind: ParameterKind::Count {
                min: 0,
                max: 10_000_000,
            },
            default: Some(DefaultValue::Count(1000)),
        }]
    }

    fn fits(&self, _: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        AwaitedOn::check(venue)
    }

    fn is_idempotent(&self) -> bool {
        // An interrupted task has begun, and never ends.
        false
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Clock
    }

    fn latencies(&self) -> &'static [&'static str] {
        &[LATENESS]
    }

    fn is_timing_the_work(&self) -> bool {
        true
    }

    fn is_ranked_by_cpu(&self) -> bool {
        true
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let interval = Duration::from_micros(parameters.count("interval_us"));
        Ok(Box::new(Periodic {
            runtime: AwaitedOn::of(setting),
            schedule: DueTimes::new(setting.graph.task_count(), interval)?,
            lateness: Recorder::new()?,
        }))
    }
}

struct Periodic {
    runtime: AwaitedOn,
    schedule: DueTimes,
    lateness: Recorder,
}

impl Periodic {
    /// The small task, once it is due.
    fn work(&self, slot: Slot, seed: u64) -> u64 {
        if self.lateness.is_on() {
            let late = Instant::now().saturating_duration_since(slot.due);
            self.lateness.record(late.as_nanos() as u64);
        }
        self.schedule.end();
        output(seed)
    }
}

/// The output of a task.
fn output(seed: u64) -> u64 {
    (0..100).fold(seed, |word, _| mix(word))
}

impl Kernel for Periodic {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        let slot = self.schedule.begin();
        thread::sleep(slot.due.saturating_duration_since(Instant::now()));
        self.work(slot, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        output(seed)
    }

    fn is_awaited(&self) -> bool {
        self.runtime.is_async()
    }

    fn awaited(&self, _: TaskId, seed: u64) -> Awaited<'_> {
        let runtime = self.runtime;
        Box::pin(async move {
            let slot = self.schedule.begin();
            runtime.until(slot.due).await;
            self.work(slot, seed)
        })
    }

    fn reset(&self) {
        self.schedule.reset();
    }

    fn record_latencies(&self, on: bool) {
        self.lateness.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::from([(LATENESS.into(), self.lateness.take())])
    }
}
