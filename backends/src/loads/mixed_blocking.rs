use std::io;
use std::thread;
use std::time::Duration;

use super::support::{AwaitedOn, Mixed, MixedKind, Punctual, Slot, Timing};
use crate::kernel::{Kernel, Setting};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};

/// A task that blocks its thread, although it could be awaited, among tasks that have something to do now and then.
pub const MIXED_BLOCKING: MixedKind = MixedKind {
    name: "mixed-blocking",
    why: "hinders: one task blocks its thread even if it could be awaited, while others have to be on time",
    parameters: &[
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
    ],
    size_parameter: None,
    latencies: &[LATENESS],
    is_ranked_by_cpu: false,
    fits: AwaitedOn::check,
    build,
};

/// The latency from when something is due until a task gets to it.
const LATENESS: &str = "lateness";

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    let work = Blocking {
        block: parameters.milliseconds("block_ms"),
        tick: parameters.milliseconds("tick_ms"),
        tick_count: parameters.count("ticks") as u32,
    };
    // All tasks are due when the run starts.
    Mixed::boxed(work, Duration::ZERO, LATENESS, setting)
}

struct Blocking {
    block: Duration,
    tick: Duration,
    tick_count: u32,
}

impl Punctual for Blocking {
    async fn work(&self, slot: Slot, timing: &Timing) {
        if slot.number == 0 {
            // The mistake that this kernel is about: on async backends, nothing else runs on this thread meanwhile.
            thread::sleep(self.block);
            return;
        }
        for tick in 1..=self.tick_count {
            // Counted from the start of the run, so that waiting for a worker is part of the lateness.
            let due = slot.due + self.tick * tick;
            timing.until(due).await;
            timing.record_since(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskGraphBuilder;
    use crate::kernel::{KernelKind, Sharing};
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
