use std::io;

use super::support::{CoordinatedKind, Form, ROUNDS};
use crate::coordination::{Coordinated, LEAST_MESSAGE_BYTES, PipeExchange, ROUND_TRIP};
use crate::kernel::{Kernel, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::{BlockingPipe, BytePipe};

/// Pairs of parties that send messages back and forth through pipes of the system.
pub const IO_PIPE: CoordinatedKind = CoordinatedKind {
    name: "io-pipe",
    why: "does IO: tasks in pairs send messages back and forth through pipes, and check every byte",
    parameters: &[
        Parameter {
            name: "rounds",
            why: "how many messages the first task of a pair sends, each of which is answered",
            kind: ROUNDS,
            default: Some(DefaultValue::Count(100)),
        },
        Parameter {
            name: "message_bytes",
            why: "the bytes of a message, and of its answer",
            kind: ParameterKind::Count {
                min: LEAST_MESSAGE_BYTES as u64,
                max: 1 << 24,
            },
            default: Some(DefaultValue::Count(64)),
        },
    ],
    size_parameter: Some("rounds"),
    pace: Pace::Contention,
    latencies: &[ROUND_TRIP],
    is_timing_the_work: false,
    fits,
    build,
};

fn fits(_: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
    Form::at(venue)?;
    if !venue.task_count.is_multiple_of(2) {
        return Err(format!(
            "tasks work in pairs, and {} is not even: use an even number of tasks",
            venue.task_count
        ));
    }
    venue.holds(venue.task_count)
}

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    match Form::of(setting) {
        Form::Threads | Form::Processes => work(BlockingPipe::new, parameters, setting),
        #[cfg(feature = "tokio")]
        Form::TokioTasks => work(of_tokio::TokioPipe::new, parameters, setting),
        #[cfg(feature = "smol")]
        Form::SmolTasks => work(of_smol::SmolPipe::new, parameters, setting),
        form => form.is_lacking(),
    }
}

fn work<P: BytePipe>(
    pipe: impl Fn() -> io::Result<P>,
    parameters: &Parameters,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    let exchange = PipeExchange::new(
        pipe,
        setting.graph.task_count() / 2,
        parameters.count("rounds"),
        parameters.count("message_bytes") as usize,
    )?;
    Coordinated::boxed(exchange, setting)
}

#[cfg(feature = "tokio")]
mod of_tokio {
    use std::io;
    use std::sync::OnceLock;

    use tokio::net::unix::pipe::{Receiver, Sender};

    use crate::sync::{BytePipe, Halted, Party, PipeEnds, WAITS_TO_READ, WAITS_TO_WRITE};

    /// A pipe for tasks of tokio: the runtime says when an end is ready.
    pub(super) struct TokioPipe {
        ends: PipeEnds,
        reader: OnceLock<Receiver>,
        writer: OnceLock<Sender>,
    }

    /// Why a call cannot fail.
    const RUNS: &str = "the runtime watches pipes for as long as its tasks run";

    impl TokioPipe {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                ends: PipeEnds::new()?,
                reader: OnceLock::new(),
                writer: OnceLock::new(),
            })
        }

        /// The end that is read. The runtime watches it from the first call on, which a task makes.
        fn reader(&self) -> &Receiver {
            self.reader.get_or_init(|| {
                let end = self.ends.reader.try_clone();
                end.and_then(Receiver::from_owned_fd).expect(RUNS)
            })
        }

        /// The end that is written, like [`reader`](Self::reader).
        fn writer(&self) -> &Sender {
            self.writer.get_or_init(|| {
                let end = self.ends.writer.try_clone();
                end.and_then(Sender::from_owned_fd).expect(RUNS)
            })
        }
    }

    impl BytePipe for TokioPipe {
        async fn write_all(&self, party: Party<'_>, mut bytes: &[u8]) -> Result<(), Halted> {
            let writer = self.writer();
            while !bytes.is_empty() {
                match moved(writer.try_write(bytes)) {
                    Some(count) => bytes = &bytes[count..],
                    None => {
                        let _waiting = party.waits_for(WAITS_TO_WRITE);
                        writer.writable().await.expect(RUNS);
                    }
                }
            }
            Ok(())
        }

        async fn read_exact(&self, party: Party<'_>, bytes: &mut [u8]) -> Result<(), Halted> {
            let reader = self.reader();
            let mut filled = 0;
            while filled < bytes.len() {
                match moved(reader.try_read(&mut bytes[filled..])) {
                    Some(count) => filled += count,
                    None => {
                        let _waiting = party.waits_for(WAITS_TO_READ);
                        reader.readable().await.expect(RUNS);
                    }
                }
            }
            Ok(())
        }

        fn left_byte_count(&self) -> u64 {
            self.ends.byte_count()
        }
    }

    /// How many bytes were moved; `None` if the pipe was not ready.
    fn moved(result: io::Result<usize>) -> Option<usize> {
        match result {
            Ok(count) => Some(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => panic!("this process has both ends of the pipe: {error}"),
        }
    }
}

#[cfg(feature = "smol")]
mod of_smol {
    use std::fs::File;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::sync::OnceLock;

    use smol::Async;

    use crate::sync::{BytePipe, Halted, Party, PipeEnds, WAITS_TO_READ, WAITS_TO_WRITE};

    /// A pipe whose ends smol watches from their first use on.
    pub(super) struct SmolPipe {
        ends: PipeEnds,
        reader: OnceLock<Async<File>>,
        writer: OnceLock<Async<File>>,
    }

    /// Why a call cannot fail.
    const RUNS: &str = "smol watches pipes for as long as the process runs";

    impl SmolPipe {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                ends: PipeEnds::new()?,
                reader: OnceLock::new(),
                writer: OnceLock::new(),
            })
        }

        /// The end that is read. It is watched, and moves no bytes itself.
        fn reader(&self) -> &Async<File> {
            self.reader.get_or_init(|| watched(&self.ends.reader))
        }

        /// The end that is written, like [`reader`](Self::reader).
        fn writer(&self) -> &Async<File> {
            self.writer.get_or_init(|| watched(&self.ends.writer))
        }
    }

    fn watched(end: &OwnedFd) -> Async<File> {
        let end = end.try_clone().map(File::from);
        end.and_then(Async::new_nonblocking).expect(RUNS)
    }

    impl BytePipe for SmolPipe {
        async fn write_all(&self, party: Party<'_>, mut bytes: &[u8]) -> Result<(), Halted> {
            while !bytes.is_empty() {
                match self.ends.try_write(bytes) {
                    Some(count) => bytes = &bytes[count..],
                    None => {
                        let _waiting = party.waits_for(WAITS_TO_WRITE);
                        self.writer().writable().await.expect(RUNS);
                    }
                }
            }
            Ok(())
        }

        async fn read_exact(&self, party: Party<'_>, bytes: &mut [u8]) -> Result<(), Halted> {
            let mut filled = 0;
            while filled < bytes.len() {
                match self.ends.try_read(&mut bytes[filled..]) {
                    Some(count) => filled += count,
                    None => {
                        let _waiting = party.waits_for(WAITS_TO_READ);
                        self.reader().readable().await.expect(RUNS);
                    }
                }
            }
            Ok(())
        }

        fn left_byte_count(&self) -> u64 {
            self.ends.byte_count()
        }
    }
}
