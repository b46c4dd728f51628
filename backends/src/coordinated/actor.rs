use std::io;

use super::support::channel::{self, ChannelForm, FORM, OverChannel};
use super::support::{CoordinatedKind, TIMES};
use crate::coordination::{Actor, Coordinated};
use crate::kernel::{Kernel, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, Parameters};
use crate::sync::ChannelKind;

/// A counter with one owner, to which the other parties send messages.
pub const ACTOR: CoordinatedKind = CoordinatedKind {
    name: "actor",
    why: "coordinates: the first task owns a counter, and all others send it messages that increment it",
    parameters: &[
        Parameter {
            name: "increments",
            why: "how many messages each of the other tasks sends",
            kind: TIMES,
            default: Some(DefaultValue::Count(1000)),
        },
        FORM,
    ],
    size_parameter: Some("increments"),
    pace: Pace::Contention,
    latencies: &[],
    is_timing_the_work: false,
    fits,
    build,
};

/// How many messages the mailbox of the owner holds.
const MAILBOX_CAPACITY: u64 = 4096;

fn fits(parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
    ChannelForm::at(parameters.text("form"), venue)?.supports(Some(MAILBOX_CAPACITY), 1)?;
    match venue.task_count {
        0 | 1 => Err("an owner without other tasks gets no messages".into()),
        count => venue.holds(count),
    }
}

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    channel::build::<OfActor>(MAILBOX_CAPACITY, parameters, setting)
}

struct OfActor;

impl OverChannel for OfActor {
    fn build(
        channel: impl ChannelKind,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>> {
        let party_count = setting.graph.task_count();
        let work = Actor::new(&channel, party_count, parameters.count("increments"))?;
        Coordinated::boxed(work, setting)
    }
}
