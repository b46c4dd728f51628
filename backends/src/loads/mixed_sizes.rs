use std::collections::BTreeMap;
use std::hint::spin_loop;
use std::io;
use std::time::{Duration, Instant};

use super::support::DueTimes;
use crate::graph::TaskId;
use crate::kernel::{Kernel, KernelKind, Pace, Setting};
use crate::latency::{Histogram, Recorder};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::random::mix;

/// One long task among many short ones, all of which keep a core busy.
pub const MIXED_SIZES: MixedSizesKind = MixedSizesKind;

/// See [`MIXED_SIZES`].
#[derive(Debug)]
pub struct MixedSizesKind;

/// The latency from the start of a run until a short task has ended.
const RESPONSE: &str = "response";

impl KernelKind for MixedSizesKind {
    fn name(&self) -> &'static str {
        "mixed-sizes"
    }

    fn why(&self) -> &'static str {
        "hinders: one long task among many short ones, which should not have to wait for it"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const TIME: ParameterKind = ParameterKind::Count {
            min: 0,
            max: 60_000_000,
        };
        &[
            Parameter {
                name: "long_us",
                why: "how long the first task of a run works, in microseconds",
                kind: TIME,
                default: Some(DefaultValue::Count(10_000)),
            },
            Parameter {
                name: "short_us",
                why: "how long each other task works, in microseconds",
                kind: TIME,
                default: Some(DefaultValue::Count(50)),
            },
        ]
    }

    fn is_idempotent(&self) -> bool {
        // An interrupted task has begun, and never ends.
        false
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("short_us")
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Clock
    }

    fn latencies(&self) -> &'static [&'static str] {
        &[RESPONSE]
    }

    fn is_timing_the_work(&self) -> bool {
        true
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let time = |name| Duration::from_micros(parameters.count(name));
        Ok(Box::new(MixedSizes {
            long: time("long_us"),
            short: time("short_us"),
            // All tasks are due when the run starts.
            schedule: DueTimes::new(setting.graph.task_count(), Duration::ZERO)?,
            responses: Recorder::new()?,
        }))
    }
}

struct MixedSizes {
    long: Duration,
    short: Duration,
    schedule: DueTimes,
    responses: Recorder,
}

impl Kernel for MixedSizes {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        let slot = self.schedule.begin();
        let is_long = slot.number == 0;
        work_for(if is_long { self.long } else { self.short });
        if !is_long && self.responses.is_on() {
            self.responses.record(slot.due.elapsed().as_nanos() as u64);
        }
        self.schedule.end();
        self.expected(task, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        mix(seed)
    }

    fn reset(&self) {
        self.schedule.reset();
    }

    fn record_latencies(&self, on: bool) {
        self.responses.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::from([(RESPONSE.into(), self.responses.take())])
    }
}

/// Keeps a core busy.
fn work_for(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {
        spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskGraphBuilder;
    use crate::kernel::Sharing;
    use crate::parameter::Value;

    #[test]
    fn the_first_task_to_begin_is_the_long_one_and_the_others_wait_for_it_on_one_worker() {
        let mut builder = TaskGraphBuilder::default();
        for _ in 0..3 {
            builder.push([]).unwrap();
        }
        let graph = builder.finish();
        let given = [
            ("long_us".to_owned(), Value::Count(2000)),
            ("short_us".to_owned(), Value::Count(10)),
        ];
        let parameters = Parameters::check(MIXED_SIZES.parameters(), &given.into()).unwrap();
        let setting = Setting::new(&graph, Sharing::Threads, 1);
        let kernel = MIXED_SIZES.build(&parameters, &setting).unwrap();
        kernel.record_latencies(true);
        for task in [2, 0, 1].map(TaskId) {
            assert_eq!(kernel.run(task, 7), kernel.expected(task, 7));
        }
        let responses = &kernel.take_latencies()[RESPONSE];
        assert_eq!(responses.count(), 2, "the long task is not one of them");
        assert!(
            responses.percentile(0.5) >= Some(2_000_000),
            "{responses:?}"
        );
    }
}
