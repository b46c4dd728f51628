use std::io;

use super::support::channel::{self, ChannelForm, FORM, OverChannel};
use super::support::{CoordinatedKind, TIMES};
use crate::coordination::{Coordinated, ThreadRing};
use crate::kernel::{Kernel, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, Parameters};
use crate::sync::ChannelKind;

/// Parties in a ring that hand a token on, one hand-over at a time.
pub const THREADRING: CoordinatedKind = CoordinatedKind {
    name: "threadring",
    why: "coordinates: all tasks hand a token round a ring of channels; the result is the number of the last holder",
    parameters: &[
        Parameter {
            name: "hand_overs",
            why: "how often the token is handed on",
            kind: TIMES,
            default: Some(DefaultValue::Count(1000)),
        },
        FORM,
    ],
    size_parameter: Some("hand_overs"),
    pace: Pace::Contention,
    latencies: &[],
    is_timing_the_work: false,
    fits,
    build,
};

fn fits(parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
    ChannelForm::at(parameters.text("form"), venue)?;
    venue.holds(venue.task_count)
}

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    // One token is all that a channel has to hold.
    channel::build::<OfThreadRing>(1, parameters, setting)
}

struct OfThreadRing;

impl OverChannel for OfThreadRing {
    fn build(
        channel: impl ChannelKind,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>> {
        let party_count = setting.graph.task_count();
        let work = ThreadRing::new(&channel, party_count, parameters.count("hand_overs"))?;
        Coordinated::boxed(work, setting)
    }
}
