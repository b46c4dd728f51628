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

/// A task that blocks its thread, although it could be awaited, among tasks that have something to do now and then.
pub const MIXED_BLOCKING: MixedBlockingKind = MixedBlockingKind;

/// See [`MIXED_BLOCKING`].
#[derive(Debug)]
pub struct MixedBlockingKind;

/// The latency from when something is due until a task gets to it.
const LATENESS: &str = "lateness";

impl KernelKind for MixedBlockingKind {
    fn name(&self) -> &'static str {
        "mixed-blocking"
    }

    fn why(&self) -> &'static str {
        "hinders: one task blocks its thread even if it could be awaited, while others have to be on time"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "block_ms",
                why: "how long the first task of a run blocks",
                kind: ParameterKind::Milliseconds,
                default: None,
            },
            Parameter {
                name: "tick_ms",
                why: "how often each other task has something to do",
                kind: ParameterKind::Milliseconds,
                default: None,
            },
            Parameter {
                name: "ticks",
                why: "how many times it has",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 20,
                },
                default: Some(DefaultValue::Count(20)),
            },
        ]
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

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        Ok(Box::new(Blocking {
            block: parameters.milliseconds("block_ms"),
            tick: parameters.milliseconds("tick_ms"),
            tick_count: parameters.count("ticks") as u32,
            runtime: AwaitedOn::of(setting),
            // All tasks are due when the run starts.
            schedule: DueTimes::new(setting.graph.task_count(), Duration::ZERO)?,
            lateness: Recorder::new()?,
        }))
    }
}

struct Blocking {
    block: Duration,
    tick: Duration,
    tick_count: u32,
    runtime: AwaitedOn,
    schedule: DueTimes,
    lateness: Recorder,
}

impl Blocking {
    /// When the ticks of a task are due. They count from the start of the run, so that waiting for a worker is part of the
    /// lateness.
    fn ticks(&self, slot: Slot) -> impl Iterator<Item = Instant> {
        (1..=self.tick_count).map(move |tick| slot.due + self.tick * tick)
    }

    fn record(&self, due: Instant) {
        if self.lateness.is_on() {
            let late = Instant::now().saturating_duration_since(due);
            self.lateness.record(late.as_nanos() as u64);
        }
    }

    fn end(&self, seed: u64) -> u64 {
        self.schedule.end();
        output(seed)
    }
}

/// The output of a task.
fn output(seed: u64) -> u64 {
    mix(seed)
}

impl Kernel for Blocking {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        let slot = self.schedule.begin();
        if slot.number == 0 {
            thread::sleep(self.block);
            return self.end(seed);
        }
        for due in self.ticks(slot) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            self.record(due);
        }
        self.end(seed)
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
            if slot.number == 0 {
                // The mistake that this kernel is about: nothing else runs on this thread meanwhile.
                thread::sleep(self.block);
                return self.end(seed);
            }
            for due in self.ticks(slot) {
                runtime.until(due).await;
                self.record(due);
            }
            self.end(seed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskGraphBuilder;
    use crate::kernel::Sharing;
    use crate::parameter::Value;

    #[test]
    fn ticks_count_from_the_start_of_the_run_so_those_of_a_task_that_had_to_wait_are_late() {
        const BLOCK_MS: f64 = 5.0;
        let mut builder = TaskGraphBuilder::default();
        builder.push([]).unwrap();
        builder.push([]).unwrap();
        let graph = builder.finish();
        let given = [
            ("block_ms".to_owned(), Value::Number(BLOCK_MS)),
            ("tick_ms".to_owned(), Value::Number(1.0)),
            ("ticks".to_owned(), Value::Count(2)),
        ];
        let parameters = Parameters::check(MIXED_BLOCKING.parameters(), &given.into()).unwrap();
        let setting = Setting::new(&graph, Sharing::Threads, 1);
        let kernel = MIXED_BLOCKING.build(&parameters, &setting).unwrap();
        kernel.record_latencies(true);
        for task in graph.tasks() {
            assert_eq!(kernel.run(task, 7), kernel.expected(task, 7));
        }
        let lateness = &kernel.take_latencies()[LATENESS];
        assert_eq!(lateness.count(), 2, "the task that blocks has no ticks");
        // The first tick is due after one millisecond, and nothing could run before five.
        assert!(lateness.max() >= Some(4_000_000), "{lateness:?}");
    }
}
