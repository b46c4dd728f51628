use std::io;

#[cfg(feature = "smol")]
use super::support::of_smol::{SmolMonitor, SmolTimers};
use super::support::{CoordinatedKind, Form, two_at_least};
#[cfg(feature = "tokio")]
use super::support::{tokio_monitor::TokioMonitor, tokio_timers::TokioTimers};
use crate::coordination::{Coordinated, MapOrderWork, RESULT_LATENCIES, ResultOrder};
use crate::kernel::{Kernel, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::{Monitor, SharedMonitor, SharedTimers, ThreadMonitor, ThreadTimers, Timers};

/// Tasks of different sizes, and one that receives their results.
pub const MAP_ORDER: CoordinatedKind = CoordinatedKind {
    name: "map-order",
    why: "coordinates: the first task receives the results of the others, which take different times",
    parameters: &[
        Parameter {
            name: "step_ms",
            why: "how long the shortest task waits; the others wait 2, 3, .. times as long",
            kind: ParameterKind::Milliseconds,
            default: Some(DefaultValue::Count(1)),
        },
        Parameter {
            name: "order",
            why: "which result is received next: that of the next task, or the next one there is",
            kind: ParameterKind::Choice(&["submitted", "completed"]),
            default: Some(DefaultValue::Text("submitted")),
        },
    ],
    size_parameter: Some("step_ms"),
    pace: Pace::Clock,
    latencies: RESULT_LATENCIES,
    is_timing_the_work: false,
    fits,
    build,
};

fn fits(_: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
    Form::at(venue)?;
    two_at_least(venue, "receives the results of")?;
    venue.holds(venue.task_count)
}

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    let party_count = setting.graph.task_count();
    match Form::of(setting) {
        Form::Threads => {
            let timers = ThreadTimers::new(party_count);
            work(ThreadMonitor::default(), timers, parameters, setting)
        }
        Form::Processes => {
            let timers = SharedTimers::new(party_count)?;
            work(SharedMonitor::new()?, timers, parameters, setting)
        }
        #[cfg(feature = "tokio")]
        Form::TokioTasks => {
            let timers = TokioTimers::new(party_count);
            work(TokioMonitor::default(), timers, parameters, setting)
        }
        #[cfg(feature = "smol")]
        Form::SmolTasks => {
            let timers = SmolTimers::new(party_count);
            work(SmolMonitor::default(), timers, parameters, setting)
        }
        form => form.is_lacking(),
    }
}

fn work(
    monitor: impl Monitor,
    timers: impl Timers,
    parameters: &Parameters,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    let order = match parameters.text("order") {
        "completed" => ResultOrder::Completed,
        _ => ResultOrder::Submitted,
    };
    let task_count = setting.graph.task_count() as u32 - 1;
    let step = parameters.milliseconds("step_ms");
    let work = MapOrderWork::new(monitor, timers, order, task_count, step)?;
    Coordinated::boxed(work, setting)
}
