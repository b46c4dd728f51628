use std::io;
use std::time::Duration;

use super::support::{AwaitedOn, Mixed, MixedKind, Punctual, Slot, Timing};
use crate::kernel::{Kernel, Setting};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::random::mix;

/// A small task every now and then, so that workers are idle most of the time.
pub const MIXED_PERIODIC: MixedKind = MixedKind {
    name: "mixed-periodic",
    why: "idles: one small task at a fixed interval, so that the rest is the CPU time of idle workers",
    parameters: &[Parameter {
        name: "interval_us",
        why: "how long after a task the next one is due, in microseconds",
        kind: ParameterKind::Count {
            min: 0,
            max: 10_000_000,
        },
        default: Some(DefaultValue::Count(1000)),
    }],
    size_parameter: None,
    latencies: &[LATENESS],
    is_ranked_by_cpu: true,
    fits: AwaitedOn::check,
    build,
};

/// The latency from when a task is due until it works.
const LATENESS: &str = "lateness";

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    let interval = Duration::from_micros(parameters.count("interval_us"));
    Mixed::boxed(Periodic, interval, LATENESS, setting)
}

struct Periodic;

impl Punctual for Periodic {
    async fn work(&self, slot: Slot, timing: &Timing) {
        timing.until(slot.due).await;
        timing.record_since(slot.due);
    }

    /// The small task.
    fn output(seed: u64) -> u64 {
        (0..100).fold(seed, |word, _| mix(word))
    }
}
