use std::io;

use super::support::Form;
use super::support::channel::{ChannelForm, FORM_OR_PIPE, OverChannel};
use crate::coordination::{Coordinated, ProducerConsumer, Traffic};
use crate::kernel::{Kernel, KernelKind, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::ChannelKind;

/// Producers that send items to consumers through one channel.
pub const PRODUCER_CONSUMER: ProducerConsumerKind = ProducerConsumerKind;

/// See [`PRODUCER_CONSUMER`].
#[derive(Debug)]
pub struct ProducerConsumerKind;

/// The most producers, and the most consumers.
const MOST_PARTIES: ParameterKind = ParameterKind::Count {
    min: 1,
    max: 1 << 20,
};

impl KernelKind for ProducerConsumerKind {
    fn name(&self) -> &'static str {
        "producer-consumer"
    }

    fn why(&self) -> &'static str {
        "coordinates: the first tasks produce items, and the others consume them, through one channel"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "producers",
                why: "how many tasks produce",
                kind: MOST_PARTIES,
                default: Some(DefaultValue::Count(1)),
            },
            Parameter {
                name: "consumers",
                why: "how many tasks consume",
                kind: MOST_PARTIES,
                default: Some(DefaultValue::Count(1)),
            },
            Parameter {
                name: "items",
                why: "how many items each producer sends",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 30,
                },
                default: Some(DefaultValue::Count(10_000)),
            },
            Parameter {
                name: "capacity",
                why: "how many items the channel holds; with 0, producer and consumer meet",
                kind: ParameterKind::Limit { max: 1 << 20 },
                default: Some(DefaultValue::Count(4096)),
            },
            FORM_OR_PIPE,
        ]
    }

    fn fits(&self, parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        let form = ChannelForm::at(parameters.text("form"), venue)?;
        let (producers, consumers) = (parameters.count("producers"), parameters.count("consumers"));
        form.supports(parameters.limit("capacity"), consumers)?;
        if producers + consumers != venue.task_count {
            return Err(format!(
                "producers={producers} and consumers={consumers} make {} tasks, and the graph has {}",
                producers + consumers,
                venue.task_count
            ));
        }
        venue.holds(venue.task_count)
    }

    fn coordinates(&self) -> bool {
        true
    }

    fn is_idempotent(&self) -> bool {
        // What it sent stays sent.
        false
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("items")
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Contention
    }

    fn latencies(&self) -> &'static [&'static str] {
        &["hand_over"]
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let form = ChannelForm::new(parameters.text("form"), Form::of(setting));
        let supported = form.supports(parameters.limit("capacity"), parameters.count("consumers"));
        // What does not fit here may fit another program, whose tasks must compute the same.
        let form = supported.map_or(ChannelForm::Natural, |()| form);
        let traffic = Traffic {
            producer_count: parameters.count("producers") as usize,
            consumer_count: parameters.count("consumers") as usize,
            item_count: parameters.count("items"),
        };
        form.build(
            parameters.limit("capacity"),
            OfProducerConsumer { traffic, setting },
        )
    }
}

struct OfProducerConsumer<'a> {
    traffic: Traffic,
    setting: &'a Setting<'a>,
}

impl OverChannel for OfProducerConsumer<'_> {
    fn build(self, channel: impl ChannelKind) -> io::Result<Box<dyn Kernel>> {
        Coordinated::boxed(ProducerConsumer::new(&channel, self.traffic)?, self.setting)
    }
}
