use std::io;

use super::support::Form;
use super::support::channel::{ChannelForm, FORM, OverChannel};
use crate::coordination::{Actor, Coordinated};
use crate::kernel::{Kernel, KernelKind, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::ChannelKind;

/// A counter with one owner, to which the other parties send messages.
pub const ACTOR: ActorKind = ActorKind;

/// See [`ACTOR`].
#[derive(Debug)]
pub struct ActorKind;

/// How many messages the mailbox of the owner holds.
const MAILBOX_CAPACITY: u64 = 4096;

impl KernelKind for ActorKind {
    fn name(&self) -> &'static str {
        "actor"
    }

    fn why(&self) -> &'static str {
        "coordinates: the first task owns a counter, and all others send it messages that increment it"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "increments",
                why: "how many messages each of the other tasks sends",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 40,
                },
                default: Some(DefaultValue::Count(1000)),
            },
            FORM,
        ]
    }

    fn fits(&self, parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        ChannelForm::at(parameters.text("form"), venue)?.supports(Some(MAILBOX_CAPACITY), 1)?;
        match venue.task_count {
            0 | 1 => Err("an owner without other tasks gets no messages".into()),
            count => venue.holds(count),
        }
    }

    fn coordinates(&self) -> bool {
        true
    }

    fn is_idempotent(&self) -> bool {
        // Its messages stay counted.
        false
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("increments")
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Contention
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let form = ChannelForm::new(parameters.text("form"), Form::of(setting));
        let increments = parameters.count("increments");
        form.build(
            Some(MAILBOX_CAPACITY),
            ActorBuild {
                increments,
                setting,
            },
        )
    }
}

struct ActorBuild<'a> {
    increments: u64,
    setting: &'a Setting<'a>,
}

impl OverChannel for ActorBuild<'_> {
    fn build(self, channel: impl ChannelKind) -> io::Result<Box<dyn Kernel>> {
        let party_count = self.setting.graph.task_count();
        let work = Actor::new(&channel, party_count, self.increments)?;
        Coordinated::boxed(work, self.setting)
    }
}
