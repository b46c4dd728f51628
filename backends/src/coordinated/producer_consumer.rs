use std::io;

use super::support::channel::{ChannelForm, FORM_OR_PIPE, OverChannel};
use super::support::{CoordinatedKind, ROUNDS};
use crate::coordination::{Coordinated, ProducerConsumer, Traffic};
use crate::kernel::{Kernel, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::ChannelKind;

/// Producers that send items to consumers through one channel.
pub const PRODUCER_CONSUMER: CoordinatedKind = CoordinatedKind {
    name: "producer-consumer",
    why: "coordinates: the first tasks produce items, and the others consume them, through one channel",
    parameters: &[
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
            kind: ROUNDS,
            default: Some(DefaultValue::Count(10_000)),
        },
        Parameter {
            name: "capacity",
            why: "how many items the channel holds; with 0, producer and consumer meet",
            kind: ParameterKind::Limit { max: 1 << 20 },
            default: Some(DefaultValue::Count(4096)),
        },
        FORM_OR_PIPE,
    ],
    size_parameter: Some("items"),
    pace: Pace::Contention,
    latencies: &["hand_over"],
    is_timing_the_work: false,
    fits,
    build,
};

/// The most producers, and the most consumers.
const MOST_PARTIES: ParameterKind = ParameterKind::Count {
    min: 1,
    max: 1 << 20,
};

fn fits(parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
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

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    let form = ChannelForm::of(parameters, setting);
    let capacity = parameters.limit("capacity");
    let supported = form.supports(capacity, parameters.count("consumers"));
    // What does not fit here may fit another program, whose tasks must compute the same.
    let form = supported.map_or(ChannelForm::Natural, |()| form);
    form.build::<OfProducerConsumer>(capacity, parameters, setting)
}

struct OfProducerConsumer;

impl OverChannel for OfProducerConsumer {
    fn build(
        channel: impl ChannelKind,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>> {
        let traffic = Traffic {
            producer_count: parameters.count("producers") as usize,
            consumer_count: parameters.count("consumers") as usize,
            item_count: parameters.count("items"),
        };
        let work = ProducerConsumer::new(&channel, traffic)?;
        Coordinated::boxed(work, setting)
    }
}
