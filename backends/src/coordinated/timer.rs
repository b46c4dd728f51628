use std::io;

#[cfg(feature = "smol")]
use super::support::of_smol::SmolTimers;
#[cfg(feature = "tokio")]
use super::support::tokio_timers::TokioTimers;
use super::support::{CoordinatedKind, Form};
use crate::coordination::{Cancel, Coordinated, TIMER_LATENCIES, TimerWork};
use crate::kernel::{Kernel, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::{SharedTimers, ThreadTimers, Timers};

/// Tasks that wait for timers, of which some are cancelled.
pub const TIMER: CoordinatedKind = CoordinatedKind {
    name: "timer",
    why: "coordinates: each task waits for its timer; the first task cancels every second timer",
    parameters: &[
        Parameter {
            name: "delay_ms",
            why: "the time after which a timer is due",
            kind: ParameterKind::Milliseconds,
            default: Some(DefaultValue::Count(1)),
        },
        Parameter {
            name: "cancel",
            why: "when every second timer is cancelled: never, at once, or when it is due",
            kind: ParameterKind::Choice(&["never", "early", "when-due"]),
            default: Some(DefaultValue::Text("early")),
        },
    ],
    size_parameter: None,
    pace: Pace::Clock,
    latencies: TIMER_LATENCIES,
    is_timing_the_work: true,
    fits,
    build,
};

fn fits(_: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
    Form::at(venue)?;
    venue.holds(venue.task_count)
}

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    let party_count = setting.graph.task_count();
    match Form::of(setting) {
        Form::Threads => work(ThreadTimers::new(party_count), parameters, setting),
        Form::Processes => work(SharedTimers::new(party_count)?, parameters, setting),
        #[cfg(feature = "tokio")]
        Form::TokioTasks => work(TokioTimers::new(party_count), parameters, setting),
        #[cfg(feature = "smol")]
        Form::SmolTasks => work(SmolTimers::new(party_count), parameters, setting),
        form => form.is_lacking(),
    }
}

fn work(
    timers: impl Timers,
    parameters: &Parameters,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    let cancel = match parameters.text("cancel") {
        "early" => Cancel::Early,
        "when-due" => Cancel::WhenDue,
        _ => Cancel::Never,
    };
    let delay = parameters.milliseconds("delay_ms");
    let work = TimerWork::new(timers, setting.graph.task_count(), delay, cancel)?;
    Coordinated::boxed(work, setting)
}
