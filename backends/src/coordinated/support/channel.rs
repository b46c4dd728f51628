//! Which form of a channel the workers of a backend get.

use std::io;

use super::Form;
use crate::kernel::{Kernel, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::{ChannelKind, PIPE_MESSAGE_BYTES, PipeChannel, RingChannel, ThreadChannel};

/// Which channel a workload uses.
pub(in crate::coordinated) const FORM: Parameter = Parameter {
    name: "form",
    why: "which channel: `natural` is `std` for threads, `ring` for processes, that of the runtime for async tasks, `queue` in CPython",
    kind: ParameterKind::Choice(&[
        "natural",
        "std",
        "crossbeam",
        "flume",
        "tokio",
        "ring",
        "queue",
        "manager-queue",
        "connection",
    ]),
    default: Some(DefaultValue::Text("natural")),
};

/// [`FORM`], and pipes.
pub(in crate::coordinated) const FORM_OR_PIPE: Parameter = Parameter {
    kind: ParameterKind::Choice(&[
        "natural",
        "std",
        "crossbeam",
        "flume",
        "tokio",
        "ring",
        "pipe",
        "queue",
        "manager-queue",
    ]),
    why: "which channel: `natural` is `std` for threads, `ring` for processes, that of the runtime for async tasks; a `pipe` holds 16 bytes per item",
    ..FORM
};

/// A form of channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::coordinated) enum ChannelForm {
    /// That of the standard library.
    Std,
    Crossbeam,
    Flume,
    Tokio,
    Smol,
    /// A ring in shared pages.
    Ring,
    Pipe,
    /// A queue of CPython, or one end of its pipes.
    CPython,
    /// Whatever is natural in another program.
    Natural,
}

/// What a kernel does with channels of a form that is chosen later.
pub(in crate::coordinated) trait OverChannel {
    fn build(
        channel: impl ChannelKind,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>>;
}

impl ChannelForm {
    /// The form that a value of [`FORM`] means at `venue`.
    ///
    /// # Errors
    ///
    /// If it is made for other workers, or this build does not have it.
    pub(in crate::coordinated) fn at(word: &str, venue: &Venue<'_>) -> Result<Self, String> {
        let workers = Form::at(venue)?;
        let form = Self::new(word, workers);
        if venue.is_external {
            // What it claims says which forms it has.
            return Ok(match form {
                Self::CPython => form,
                _ => Self::Natural,
            });
        }
        let Some(made_for) = form.workers() else {
            return Err(format!(
                "the channel `{word}` is one of CPython: name a backend such as `python-threads`"
            ));
        };
        if made_for != workers {
            return Err(format!(
                "the channel `{word}` is for {}: form=natural is for all workers",
                made_for.name()
            ));
        }
        match form {
            Self::Crossbeam if !cfg!(feature = "crossbeam") => Err(absent("crossbeam")),
            Self::Flume if !cfg!(feature = "flume") => Err(absent("flume")),
            form => Ok(form),
        }
    }

    /// The form that the parameter `form` means for the workers of `setting`.
    pub(in crate::coordinated) fn of(parameters: &Parameters, setting: &Setting<'_>) -> Self {
        Self::new(parameters.text("form"), Form::of(setting))
    }

    fn new(word: &str, workers: Form) -> Self {
        match (word, workers) {
            ("std", _) => Self::Std,
            ("crossbeam", _) => Self::Crossbeam,
            ("flume", _) => Self::Flume,
            ("tokio", _) => Self::Tokio,
            ("ring", _) => Self::Ring,
            ("pipe", _) => Self::Pipe,
            ("queue" | "manager-queue" | "connection", _) => Self::CPython,
            (_, Form::Threads) => Self::Std,
            (_, Form::Processes) => Self::Ring,
            (_, Form::TokioTasks) => Self::Tokio,
            (_, Form::SmolTasks) => Self::Smol,
            (_, Form::OtherTasks) => Self::Natural,
        }
    }

    /// The workers that it is made for; `None` if it is one of another program.
    fn workers(self) -> Option<Form> {
        match self {
            Self::Std | Self::Crossbeam | Self::Flume => Some(Form::Threads),
            Self::Tokio => Some(Form::TokioTasks),
            Self::Smol => Some(Form::SmolTasks),
            Self::Ring | Self::Pipe => Some(Form::Processes),
            Self::CPython | Self::Natural => None,
        }
    }

    /// Checks that a channel can have `capacity` messages (`None`: no limit) and `receiver_count` receivers.
    ///
    /// # Errors
    ///
    /// What it lacks.
    pub(in crate::coordinated) fn supports(
        self,
        capacity: Option<u64>,
        receiver_count: u64,
    ) -> Result<(), String> {
        let one_receiver = |whose: &str| match receiver_count {
            1 => Ok(()),
            _ => Err(format!("a channel of {whose} has one receiver")),
        };
        match self {
            Self::Std => one_receiver("the standard library"),
            Self::Crossbeam | Self::Flume | Self::Natural => Ok(()),
            Self::CPython => match capacity {
                Some(0) => Err("a queue of CPython holds at least one item".into()),
                _ => Ok(()),
            },
            Self::Tokio => match capacity {
                Some(0) => Err("a channel of tokio holds at least one message".into()),
                _ => one_receiver("tokio"),
            },
            Self::Smol => match capacity {
                Some(0) => Err("a channel of smol holds at least one message".into()),
                _ => Ok(()),
            },
            Self::Ring => match capacity {
                None => Err("a ring in shared pages has a fixed capacity".into()),
                Some(0) => Err("a ring in shared pages holds at least one message".into()),
                Some(_) => Ok(()),
            },
            Self::Pipe => pipe_byte_len(capacity).map(drop),
        }
    }

    /// Builds `W` with channels for `capacity` messages, which this form [supports](Self::supports).
    pub(in crate::coordinated) fn build<W: OverChannel>(
        self,
        capacity: Option<u64>,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>> {
        let count = capacity.map(|count| count as usize);
        match self {
            Self::Std => W::build(ThreadChannel { capacity: count }, parameters, setting),
            #[cfg(feature = "crossbeam")]
            Self::Crossbeam => {
                let channel = super::channels::CrossbeamChannel { capacity: count };
                W::build(channel, parameters, setting)
            }
            #[cfg(feature = "flume")]
            Self::Flume => {
                let channel = super::channels::FlumeChannel { capacity: count };
                W::build(channel, parameters, setting)
            }
            #[cfg(feature = "tokio")]
            Self::Tokio => {
                let channel = super::channels::TokioChannel { capacity: count };
                W::build(channel, parameters, setting)
            }
            #[cfg(feature = "smol")]
            Self::Smol => {
                let channel = super::of_smol::SmolChannel { capacity: count };
                W::build(channel, parameters, setting)
            }
            Self::Ring => {
                let capacity = count.unwrap_or(0);
                W::build(RingChannel { capacity }, parameters, setting)
            }
            Self::Pipe => {
                let byte_len = pipe_byte_len(capacity).map_err(io::Error::other)?;
                W::build(PipeChannel { byte_len }, parameters, setting)
            }
            // Nothing runs over it: only what the tasks must compute is asked.
            Self::CPython | Self::Natural => {
                W::build(RingChannel { capacity: 1 }, parameters, setting)
            }
            #[allow(
                unreachable_patterns,
                reason = "reached in builds without some runtimes"
            )]
            _ => Err(io::Error::other(
                "this build does not have the channel of this form",
            )),
        }
    }
}

/// Builds `W` with channels for `capacity` messages, of the form that the parameter `form` means.
pub(in crate::coordinated) fn build<W: OverChannel>(
    capacity: u64,
    parameters: &Parameters,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    let form = ChannelForm::of(parameters, setting);
    form.build::<W>(Some(capacity), parameters, setting)
}

fn absent(feature: &str) -> String {
    format!(
        "this build does not have the channel `{feature}`: build it with the feature `{feature}`"
    )
}

/// The bytes of a pipe that holds `capacity` messages. The system makes pipes only in some sizes.
fn pipe_byte_len(capacity: Option<u64>) -> Result<usize, String> {
    let least = (rustix::param::page_size() / PIPE_MESSAGE_BYTES) as u64;
    match capacity {
        Some(count) if count.is_multiple_of(least) && (count / least).is_power_of_two() => {
            Ok(count as usize * PIPE_MESSAGE_BYTES)
        }
        _ => Err(format!(
            "a pipe holds {least}, {}, {}, .. messages of {PIPE_MESSAGE_BYTES} bytes: use one of these capacities",
            2 * least,
            4 * least
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_channel_lacks_is_refused_with_a_reason() {
        let refused = |form: ChannelForm, capacity, receiver_count| {
            form.supports(capacity, receiver_count).unwrap_err()
        };
        assert_eq!(
            refused(ChannelForm::Std, Some(1), 2),
            "a channel of the standard library has one receiver"
        );
        assert_eq!(
            refused(ChannelForm::Tokio, Some(0), 1),
            "a channel of tokio holds at least one message"
        );
        assert_eq!(
            refused(ChannelForm::Tokio, None, 2),
            "a channel of tokio has one receiver"
        );
        assert_eq!(
            refused(ChannelForm::Ring, None, 1),
            "a ring in shared pages has a fixed capacity"
        );
        assert_eq!(ChannelForm::Crossbeam.supports(None, 2), Ok(()));
        assert_eq!(ChannelForm::Ring.supports(Some(1), 2), Ok(()));
    }

    #[test]
    fn a_pipe_holds_whole_pages_by_powers_of_two() {
        let least = rustix::param::page_size() as u64 / 16;
        assert_eq!(pipe_byte_len(Some(4 * least)), Ok(64 * least as usize));
        for capacity in [Some(0), Some(1), Some(3 * least), None] {
            let reason = pipe_byte_len(capacity).unwrap_err();
            assert!(reason.contains("messages of 16 bytes"), "{reason}");
        }
    }

    #[test]
    fn a_channel_of_other_workers_is_refused() {
        let venue = Venue::new("threads", 2, 2);
        assert_eq!(ChannelForm::at("natural", &venue), Ok(ChannelForm::Std));
        assert_eq!(
            ChannelForm::at("pipe", &venue).unwrap_err(),
            "the channel `pipe` is for processes: form=natural is for all workers"
        );
    }
}
