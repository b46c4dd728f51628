use std::io;

use super::support::Form;
use super::support::channel::{ChannelForm, FORM, OverChannel};
use crate::coordination::{Coordinated, ThreadRing};
use crate::kernel::{Kernel, KernelKind, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::ChannelKind;

/// Parties in a ring that hand a token on, one hand-over at a time.
pub const THREADRING: ThreadRingKind = ThreadRingKind;

/// See [`THREADRING`].
#[derive(Debug)]
pub struct ThreadRingKind;

impl KernelKind for ThreadRingKind {
    fn name(&self) -> &'static str {
        "threadring"
    }

    fn why(&self) -> &'static str {
        "coordinates: all tasks hand a token round a ring of channels; the result is the number of the last holder"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "hand_overs",
                why: "how often the token is handed on",
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
        ChannelForm::at(parameters.text("form"), venue)?;
        venue.holds(venue.task_count)
    }

    fn coordinates(&self) -> bool {
        true
    }

    fn is_idempotent(&self) -> bool {
        // Its hand-overs stay counted.
        false
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("hand_overs")
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Contention
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let form = ChannelForm::new(parameters.text("form"), Form::of(setting));
        let hand_over_count = parameters.count("hand_overs");
        // One token is all that a channel has to hold.
        form.build(
            Some(1),
            OfThreadRing {
                hand_over_count,
                setting,
            },
        )
    }
}

struct OfThreadRing<'a> {
    hand_over_count: u64,
    setting: &'a Setting<'a>,
}

impl OverChannel for OfThreadRing<'_> {
    fn build(self, channel: impl ChannelKind) -> io::Result<Box<dyn Kernel>> {
        let party_count = self.setting.graph.task_count();
        let work = ThreadRing::new(&channel, party_count, self.hand_over_count)?;
        Coordinated::boxed(work, self.setting)
    }
}
