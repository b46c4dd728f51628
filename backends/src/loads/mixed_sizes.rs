use std::hint::spin_loop;
use std::io;
use std::time::{Duration, Instant};

use super::support::{Mixed, MixedKind, Punctual, Slot, Timing};
use crate::kernel::{Kernel, Setting};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};

/// One long task among many short ones, all of which keep a core busy.
pub const MIXED_SIZES: MixedKind = MixedKind {
    name: "mixed-sizes",
    why: "hinders: one long task among many short ones, which should not have to wait for it",
    parameters: &[
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
    ],
    size_parameter: Some("short_us"),
    latencies: &[RESPONSE],
    is_ranked_by_cpu: false,
    fits: |_| Ok(()),
    build,
};

const TIME: ParameterKind = ParameterKind::Count {
    min: 0,
    max: 60_000_000,
};

/// The latency from the start of a run until a short task has ended.
const RESPONSE: &str = "response";

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    let time = |name| Duration::from_micros(parameters.count(name));
    let work = MixedSizes {
        long: time("long_us"),
        short: time("short_us"),
    };
    // All tasks are due when the run starts.
    Mixed::boxed(work, Duration::ZERO, RESPONSE, setting)
}

struct MixedSizes {
    long: Duration,
    short: Duration,
}

impl Punctual for MixedSizes {
    const WAITS: bool = false;

    async fn work(&self, slot: Slot, timing: &Timing) {
        if slot.number == 0 {
            work_for(self.long);
            return;
        }
        work_for(self.short);
        timing.record_since(slot.due);
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
    use crate::graph::{TaskGraphBuilder, TaskId};
    use crate::kernel::{KernelKind, Sharing};
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
