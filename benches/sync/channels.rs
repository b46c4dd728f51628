//! Channels: by one thread, where nobody ever waits, and between two threads that wait all the time.

use std::collections::BTreeMap;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::sync::mpsc;
use std::thread;

use taskdyno_backends::coordinated::{COORDINATED, CrossbeamChannel, FlumeChannel, TokioChannel};
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::kernel::{Kernel, Setting, Sharing};
use taskdyno_core::parameter::{Parameters, Value};
use taskdyno_core::random::mix;
use taskdyno_core::sync::{
    BlockingPipe, BytePipe, ChannelKind, Message, PIPE_MESSAGE_BYTES, Party, PipeChannel, Receiver,
    RingChannel, Sender, ThreadChannel, WaitTable, at_once,
};

use crate::table::{Effort, Row, median, median_ratio, nanoseconds, rounds};

/// What the bare channels carry: as many bytes as those of the kernels.
type Bytes = [u64; 2];

/// A token that one party hands to itself.
pub(crate) fn one_thread(effort: Effort) -> Vec<Row> {
    let capacity = Some(1);
    let (sender, receiver) = mpsc::sync_channel::<Bytes>(1);
    let std = over_bare(effort, "std", &ThreadChannel { capacity }, |word| {
        sender.send(word).expect("the receiver exists");
        receiver.recv().expect("the sender exists")
    });
    let (sender, receiver) = crossbeam_channel::bounded::<Bytes>(1);
    let kind = CrossbeamChannel { capacity };
    let crossbeam = over_bare(effort, "crossbeam", &kind, |word| {
        sender.send(word).expect("the receiver exists");
        receiver.recv().expect("the sender exists")
    });
    let (sender, receiver) = flume::bounded::<Bytes>(1);
    let flume = over_bare(effort, "flume", &FlumeChannel { capacity }, |word| {
        sender.send(word).expect("the receiver exists");
        receiver.recv().expect("the sender exists")
    });
    // There is no bare ring. A queue of crossbeam is made for as many senders and receivers.
    let (sender, receiver) = crossbeam_channel::bounded::<Bytes>(1);
    let kind = RingChannel { capacity: 1 };
    let ring = over_bare(effort, "ring (bare: crossbeam)", &kind, |word| {
        sender.send(word).expect("the receiver exists");
        receiver.recv().expect("the sender exists")
    });
    let (reader, writer) = pipe().expect("the system gives a pipe");
    let byte_len = rustix::param::page_size();
    let pipe = over_bare(effort, "pipe", &PipeChannel { byte_len }, |word| {
        assert!(write_to(&writer, word));
        read_from(&reader).expect("the writer exists")
    });
    let tokio = one_async_task(effort);
    vec![std, crossbeam, flume, ring, pipe, tokio]
}

fn hand_over_count(effort: Effort) -> u64 {
    200_000 / effort.shrink
}

fn over_bare(
    effort: Effort,
    form: &str,
    kind: &impl ChannelKind,
    mut bare: impl FnMut(Bytes) -> Bytes,
) -> Row {
    let hand_overs = hand_over_count(effort);
    let table = WaitTable::new(1).expect("the system gives a page");
    let party = Party::new(&table, TaskId(0));
    let (mut senders, mut receivers) = kind.open(1, 1).expect("one of each is possible");
    let mut ours = |[word, sent_ns]: Bytes| {
        let message = Message { word, sent_ns };
        at_once(senders[0].send(party, message)).expect("nothing fails");
        let message = at_once(receivers[0].receive(party)).expect("nothing fails");
        [message.word, message.sent_ns]
    };
    let rounds = rounds(
        effort,
        || nanoseconds(|| hand_over(hand_overs, &mut ours)) / hand_overs as f64,
        || nanoseconds(|| hand_over(hand_overs, &mut bare)) / hand_overs as f64,
    );
    row(format!("{form}, one thread, over a bare channel"), &rounds)
}

/// Passes a token through `channel`, and checks it.
fn hand_over(hand_overs: u64, channel: &mut impl FnMut(Bytes) -> Bytes) {
    let mut token = [0, 0];
    for due in 0..hand_overs {
        assert_eq!(token[0], due);
        token = channel([token[0] + 1, 0]);
    }
}

fn one_async_task(effort: Effort) -> Row {
    let hand_overs = hand_over_count(effort);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.build().expect("the system has what it needs");
    let table = WaitTable::new(1).expect("the system gives a page");
    let party = Party::new(&table, TaskId(0));
    let kind = TokioChannel { capacity: Some(1) };
    let (mut senders, mut receivers) = kind.open(1, 1).expect("one of each is possible");
    let mut ours = || {
        runtime.block_on(async {
            let mut token = 0;
            for due in 0..hand_overs {
                assert_eq!(token, due);
                let sent = senders[0].send(party, Message::untimed(token + 1)).await;
                sent.expect("nothing fails");
                let received = receivers[0].receive(party).await;
                token = received.expect("nothing fails").word;
            }
        });
    };
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    let mut bare = || {
        runtime.block_on(async {
            let mut token: Bytes = [0, 0];
            for due in 0..hand_overs {
                assert_eq!(token[0], due);
                let sent = sender.send([token[0] + 1, 0]).await;
                sent.expect("the receiver exists");
                token = receiver.recv().await.expect("the sender exists");
            }
        });
    };
    let rounds = rounds(
        effort,
        || nanoseconds(&mut ours) / hand_overs as f64,
        || nanoseconds(&mut bare) / hand_overs as f64,
    );
    row("tokio, one task, over a bare channel".into(), &rounds)
}

/// Two threads that send each other one message at a time.
pub(crate) fn two_threads(effort: Effort) -> Vec<Row> {
    let round_trips = 2_000 / effort.shrink;
    let graph = independent(2);
    let row = |form: &str, bare: &dyn Fn()| {
        let kernel = kernel("ping-pong", ("round_trips", round_trips), form, &graph);
        let ours = || {
            thread::scope(|scope| {
                scope.spawn(|| kernel.run(TaskId(1), 1));
                kernel.run(TaskId(0), 1)
            })
        };
        let rounds = rounds(
            effort,
            || nanoseconds(ours) / round_trips as f64,
            || nanoseconds(bare) / round_trips as f64,
        );
        row(format!("{form}, a round trip, over bare channels"), &rounds)
    };
    vec![
        row("std", &|| {
            let (there, served) = mpsc::sync_channel(1);
            let (back, returned) = mpsc::sync_channel(1);
            play(
                round_trips,
                (|word| there.send(word).is_ok(), || returned.recv().ok()),
                (
                    move |word| back.send(word).is_ok(),
                    move || served.recv().ok(),
                ),
            );
        }),
        row("crossbeam", &|| {
            let (there, served) = crossbeam_channel::bounded(1);
            let (back, returned) = crossbeam_channel::bounded(1);
            play(
                round_trips,
                (|word| there.send(word).is_ok(), || returned.recv().ok()),
                (
                    move |word| back.send(word).is_ok(),
                    move || served.recv().ok(),
                ),
            );
        }),
        row("flume", &|| {
            let (there, served) = flume::bounded(1);
            let (back, returned) = flume::bounded(1);
            play(
                round_trips,
                (|word| there.send(word).is_ok(), || returned.recv().ok()),
                (
                    move |word| back.send(word).is_ok(),
                    move || served.recv().ok(),
                ),
            );
        }),
    ]
}

/// Two threads with a pipe in each direction. A party looks now and then whether the run has failed, so its pipes do not
/// block, and it waits in another call of the system.
pub(crate) fn two_pipes(effort: Effort) -> Vec<Row> {
    let round_trips = 2_000 / effort.shrink;
    let table = WaitTable::new(2).expect("the system gives a page");
    let new = || BlockingPipe::new().expect("the system gives a pipe");
    let (there, back) = (new(), new());
    let send = |pipe: &BlockingPipe, index, word: Bytes| {
        let bytes = word.map(u64::to_le_bytes);
        let written = pipe.write_all(Party::new(&table, TaskId(index)), bytes.as_flattened());
        at_once(written).is_ok()
    };
    let receive = |pipe: &BlockingPipe, index| {
        let mut bytes = [0; PIPE_MESSAGE_BYTES];
        let read = pipe.read_exact(Party::new(&table, TaskId(index)), &mut bytes);
        at_once(read).ok().map(|()| words(bytes))
    };
    let ours = || {
        play(
            round_trips,
            (|word| send(&there, 0, word), || receive(&back, 0)),
            (|word| send(&back, 1, word), || receive(&there, 1)),
        );
    };
    let bare = || {
        let new = || pipe().expect("the system gives a pipe");
        let ((served, there), (returned, back)) = (new(), new());
        play(
            round_trips,
            (|word| write_to(&there, word), || read_from(&returned)),
            (
                move |word| write_to(&back, word),
                move || read_from(&served),
            ),
        );
    };
    let rounds = rounds(
        effort,
        || nanoseconds(ours) / round_trips as f64,
        || nanoseconds(bare) / round_trips as f64,
    );
    vec![row("pipe, a round trip, over bare pipes".into(), &rounds)]
}

fn write_to(mut writer: &PipeWriter, word: Bytes) -> bool {
    let bytes = word.map(u64::to_le_bytes);
    writer.write_all(bytes.as_flattened()).is_ok()
}

fn read_from(mut reader: &PipeReader) -> Option<Bytes> {
    let mut bytes = [0; PIPE_MESSAGE_BYTES];
    reader.read_exact(&mut bytes).ok()?;
    Some(words(bytes))
}

fn words(bytes: [u8; PIPE_MESSAGE_BYTES]) -> Bytes {
    let (words, _) = bytes.as_chunks();
    [words[0], words[1]].map(u64::from_le_bytes)
}

/// What the kernel does, with bare channels.
fn play(
    round_trips: u64,
    (send, receive): (impl Fn(Bytes) -> bool, impl Fn() -> Option<Bytes>),
    (answer, hear): (
        impl Fn(Bytes) -> bool + Send,
        impl Fn() -> Option<Bytes> + Send,
    ),
) {
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut link = 0;
            for _ in 0..round_trips {
                let [found, _] = hear().expect("the sender exists");
                assert_eq!(found, link);
                assert!(answer([mix(found), 0]));
                link = mix(mix(found));
            }
        });
        let mut link = 0;
        for _ in 0..round_trips {
            assert!(send([link, 0]));
            let [found, _] = receive().expect("the sender exists");
            assert_eq!(found, mix(link));
            link = mix(found);
        }
    });
}

pub(crate) fn row(what: String, rounds: &[(f64, f64)]) -> Row {
    let ours = median(rounds.iter().map(|(ours, _)| *ours));
    let bare = median(rounds.iter().map(|(_, bare)| *bare));
    let what = format!("{what} ({ours:.1} over {bare:.1} ns)");
    Row::at_most(what, median_ratio(rounds), 1.05)
}

/// `task_count` tasks that do not depend on each other.
pub(crate) fn independent(task_count: usize) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    for _ in 0..task_count {
        builder.push([]).expect("the graph is small");
    }
    builder.finish()
}

/// The kernel `name` on primitives of this form, whose parameter `size` is `count`.
pub(crate) fn kernel(
    name: &str,
    (size, count): (&str, u64),
    form: &str,
    graph: &TaskGraph,
) -> Box<dyn Kernel> {
    let mut kinds = COORDINATED.iter();
    let kind = kinds.find(|kind| kind.name() == name);
    let kind = kind.expect("the kernel exists");
    let given = BTreeMap::from([
        (size.to_owned(), Value::Count(count)),
        ("form".to_owned(), Value::Text(form.into())),
    ]);
    let parameters = Parameters::check(kind.parameters(), &given);
    let mut setting = Setting::new(graph, Sharing::Threads, graph.task_count());
    setting.is_async = form == "tokio";
    let kernel = kind.build(&parameters.expect("they are valid"), &setting);
    kernel.expect("the system gives a page")
}
