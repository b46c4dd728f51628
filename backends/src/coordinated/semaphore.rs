use std::io;

#[cfg(feature = "tokio")]
use super::support::locks::{TokioPause, TokioSemaphore};
#[cfg(feature = "smol")]
use super::support::of_smol::{SmolPause, SmolSemaphore};
use super::support::{CoordinatedKind, Form, TIMES};
use crate::coordination::{Coordinated, SEMAPHORE_LATENCIES, SemaphoreWork};
use crate::kernel::{Kernel, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::{BlockingPause, Pause, Semaphore, SharedSemaphore, ThreadSemaphore};

/// Parties that share a number of connections.
pub const SEMAPHORE: CoordinatedKind = CoordinatedKind {
    name: "semaphore",
    why: "coordinates: all tasks share a number of connections, of which each uses one at a time",
    parameters: &[
        Parameter {
            name: "permits",
            why: "how many connections there are",
            kind: ParameterKind::Count {
                min: 1,
                max: SharedSemaphore::MOST_PERMITS as u64,
            },
            default: Some(DefaultValue::Count(2)),
        },
        Parameter {
            name: "uses",
            why: "how often a task uses a connection",
            kind: TIMES,
            default: Some(DefaultValue::Count(10)),
        },
        Parameter {
            name: "use_ms",
            why: "how long a use takes, in which the task only waits",
            kind: ParameterKind::Milliseconds,
            default: Some(DefaultValue::Count(1)),
        },
    ],
    size_parameter: Some("uses"),
    pace: Pace::Contention,
    latencies: SEMAPHORE_LATENCIES,
    is_timing_the_work: false,
    fits,
    build,
};

fn fits(_: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
    Form::at(venue).map(drop)
}

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    let permit_count = parameters.count("permits") as u32;
    let build = SemaphoreBuild {
        parameters,
        setting,
    };
    match Form::of(setting) {
        Form::Threads => build.with(ThreadSemaphore::new(permit_count), BlockingPause),
        Form::Processes => build.with(SharedSemaphore::new(permit_count)?, BlockingPause),
        #[cfg(feature = "tokio")]
        Form::TokioTasks => build.with(TokioSemaphore::new(permit_count), TokioPause),
        #[cfg(feature = "smol")]
        Form::SmolTasks => build.with(SmolSemaphore::new(permit_count), SmolPause),
        form => form.is_lacking(),
    }
}

struct SemaphoreBuild<'a> {
    parameters: &'a Parameters,
    setting: &'a Setting<'a>,
}

impl SemaphoreBuild<'_> {
    fn with(self, semaphore: impl Semaphore, pause: impl Pause) -> io::Result<Box<dyn Kernel>> {
        let party_count = self.setting.graph.task_count() as u64;
        let connections = (semaphore, self.parameters.count("permits"));
        let pause = (pause, self.parameters.milliseconds("use_ms"));
        let uses = self.parameters.count("uses");
        let work = SemaphoreWork::new(connections, pause, party_count, uses)?;
        Coordinated::boxed(work, self.setting)
    }
}
