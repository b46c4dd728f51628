use std::io;

use super::support::Form;
use super::support::channel::{ChannelForm, FORM, OverChannel};
use crate::coordination::{Coordinated, PingPong};
use crate::kernel::{Kernel, KernelKind, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::ChannelKind;

/// Two parties that send each other one message at a time.
pub const PING_PONG: PingPongKind = PingPongKind;

/// See [`PING_PONG`].
#[derive(Debug)]
pub struct PingPongKind;

impl KernelKind for PingPongKind {
    fn name(&self) -> &'static str {
        "ping-pong"
    }

    fn why(&self) -> &'static str {
        "coordinates: two tasks send each other one message at a time through channels"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
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
        ]
    }

    fn fits(&self, parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        ChannelForm::at(parameters.text("form"), venue)?;
        if venue.task_count != 2 {
            return Err(format!(
                "two tasks play, and the graph has {}: use a pattern with two tasks",
                venue.task_count
            ));
        }
        venue.holds(2)
    }

    fn coordinates(&self) -> bool {
        true
    }

    fn is_idempotent(&self) -> bool {
        // The other party does not repeat its messages.
        false
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("round_trips")
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Contention
    }

    fn latencies(&self) -> &'static [&'static str] {
        &["hand_over"]
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let form = ChannelForm::new(parameters.text("form"), Form::of(setting));
        let round_trip_count = parameters.count("round_trips");
        // One message is all that a channel has to hold.
        form.build(
            Some(1),
            OfPingPong {
                round_trip_count,
                setting,
            },
        )
    }
}

struct OfPingPong<'a> {
    round_trip_count: u64,
    setting: &'a Setting<'a>,
}

impl OverChannel for OfPingPong<'_> {
    fn build(self, channel: impl ChannelKind) -> io::Result<Box<dyn Kernel>> {
        Coordinated::boxed(
            PingPong::new(&channel, self.round_trip_count)?,
            self.setting,
        )
    }
}
