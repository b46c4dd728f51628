use std::io;

use super::support::CoordinatedKind;
use super::support::channel::{self, ChannelForm, FORM, OverChannel};
use crate::coordination::{Coordinated, PingPong};
use crate::kernel::{Kernel, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::ChannelKind;

/// Two parties that send each other one message at a time.
pub const PING_PONG: CoordinatedKind = CoordinatedKind {
    name: "ping-pong",
    why: "coordinates: two tasks send each other one message at a time through channels",
    parameters: &[
        Parameter {
            name: "round_trips",
            why: "how many messages each task sends",
            kind: ParameterKind::Count {
                min: 1,
                max: 1 << 24,
            },
            default: Some(DefaultValue::Count(1000)),
        },
        FORM,
    ],
    size_parameter: Some("round_trips"),
    pace: Pace::Contention,
    latencies: &["hand_over"],
    is_timing_the_work: false,
    fits,
    build,
};

fn fits(parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
    ChannelForm::at(parameters.text("form"), venue)?;
    if venue.task_count != 2 {
        return Err(format!(
            "two tasks play, and the graph has {}: use a pattern with two tasks",
            venue.task_count
        ));
    }
    venue.holds(2)
}

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    // One message is all that a channel has to hold.
    channel::build::<OfPingPong>(1, parameters, setting)
}

struct OfPingPong;

impl OverChannel for OfPingPong {
    fn build(
        channel: impl ChannelKind,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>> {
        let work = PingPong::new(&channel, parameters.count("round_trips"))?;
        Coordinated::boxed(work, setting)
    }
}
