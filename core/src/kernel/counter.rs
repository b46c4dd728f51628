use std::io;

use super::{Findings, Kernel, KernelKind, Pace, Setting, Sharing, Venue};
use crate::graph::TaskId;
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::{
    AtomicCounter, MutexCounter, ProcessMutexCounter, RacyCounter, ShardedCounter, SharedCounter,
    ThreadLocalCounter,
};

/// A task that increments one shared counter many times.
pub const COUNTER: CounterKind = CounterKind;

/// The variants that only processes of CPython have.
const OF_CPYTHON: [&str; 3] = ["shared-memory", "manager-dict", "manager-list"];

/// See [`COUNTER`].
#[derive(Debug)]
pub struct CounterKind;

impl KernelKind for CounterKind {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn why(&self) -> &'static str {
        "contends: every task increments one shared counter many times"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "variant",
                why: "how the counter is protected; racy is unprotected and loses updates; shared-memory, manager-dict and \
                      manager-list are what processes of CPython have",
                kind: ParameterKind::Choice(&[
                    "racy",
                    "atomic",
                    "mutex",
                    "sharded",
                    "thread-local",
                    "shared-memory",
                    "manager-dict",
                    "manager-list",
                ]),
                default: Some(DefaultValue::Text("atomic")),
            },
            Parameter {
                name: "increments",
                why: "how many times a task increments it",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 40,
                },
                default: Some(DefaultValue::Count(1000)),
            },
        ]
    }

    fn fits(&self, parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        let variant = parameters.text("variant");
        match OF_CPYTHON.contains(&variant) && !venue.is_external {
            true => Err(format!(
                "the counter `{variant}` is one of CPython: name a backend such as `python-process`"
            )),
            false => Ok(()),
        }
    }

    fn is_idempotent(&self) -> bool {
        // Increments of an interrupted task stay in the counter.
        false
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("increments")
    }

    fn pace(&self, parameters: &Parameters) -> Pace {
        match parameters.text("variant") {
            "sharded" | "thread-local" => Pace::Machine,
            _ => Pace::Contention,
        }
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let increments = parameters.count("increments");
        Ok(match (parameters.text("variant"), setting.sharing) {
            ("racy", _) => Counter::boxed(RacyCounter::new()?, increments, Loss::Finding),
            ("atomic", _) => Counter::boxed(AtomicCounter::new()?, increments, Loss::Fault),
            ("sharded", _) => Counter::boxed(
                ShardedCounter::new(setting.worker_count)?,
                increments,
                Loss::Fault,
            ),
            ("thread-local", _) => {
                Counter::boxed(ThreadLocalCounter::new()?, increments, Loss::Fault)
            }
            (_, Sharing::Threads) => Counter::boxed(MutexCounter::new(), increments, Loss::Fault),
            (_, Sharing::Processes) => {
                Counter::boxed(ProcessMutexCounter::new()?, increments, Loss::Fault)
            }
        })
    }
}

/// What a lost update means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// The variant exists to show it.
    Finding,
    /// The counter is broken.
    Fault,
}

struct Counter<C> {
    counter: C,
    increments: u64,
    loss: Loss,
}

impl<C: SharedCounter + 'static> Counter<C> {
    fn boxed(counter: C, increments: u64, loss: Loss) -> Box<dyn Kernel> {
        Box::new(Self {
            counter,
            increments,
            loss,
        })
    }
}

impl<C: SharedCounter> Kernel for Counter<C> {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        self.counter.increment(self.increments);
        self.expected(task, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }

    fn reset(&self) {
        self.counter.reset();
    }

    fn verify(&self, task_run_count: u64) -> Result<Findings, String> {
        let expected = self.increments * task_run_count;
        let found = self.counter.value();
        match (self.loss, expected.checked_sub(found)) {
            (Loss::Finding, Some(lost)) => {
                Ok(Findings::from([("lost_updates_count".into(), lost)]))
            }
            (Loss::Fault, Some(0)) => Ok(Findings::new()),
            _ => Err(format!(
                "the counter is {found} after {expected} increments"
            )),
        }
    }
}
