//! Channels: by one thread, where nobody ever waits, and between two threads that wait all the time.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;

use taskdyno::internal::coordinated::COORDINATED;
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::kernel::{Kernel, Setting, Sharing};
use taskdyno_core::parameter::{Parameters, Value};
use taskdyno_core::random::mix;

use crate::table::{Effort, Row, median, median_ratio, nanoseconds, rounds};

/// What the bare channels carry: as many bytes as those of the kernels.
type Bytes = [u64; 2];

/// A token that one party hands to itself.
pub(crate) fn one_thread(effort: Effort) -> Vec<Row> {
    let hand_overs = 200_000 / effort.shrink;
    let graph = independent(1);
    let row = |form: &str, bare: &mut dyn FnMut()| {
        let kernel = kernel("threadring", ("hand_overs", hand_overs), form, &graph);
        let rounds = rounds(
            effort,
            || nanoseconds(|| kernel.run(TaskId(0), 1)) / hand_overs as f64,
            || nanoseconds(&mut *bare) / hand_overs as f64,
        );
        row(format!("{form}, one thread, over a bare channel"), &rounds)
    };
    let (sender, receiver) = mpsc::sync_channel::<Bytes>(1);
    let mut std = || {
        hand_over(hand_overs, |word| {
            sender.send(word).expect("the receiver exists");
            receiver.recv().expect("the sender exists")
        });
    };
    let (sender, receiver) = crossbeam_channel::bounded::<Bytes>(1);
    let mut crossbeam = || {
        hand_over(hand_overs, |word| {
            sender.send(word).expect("the receiver exists");
            receiver.recv().expect("the sender exists")
        });
    };
    let (sender, receiver) = flume::bounded::<Bytes>(1);
    let mut flume = || {
        hand_over(hand_overs, |word| {
            sender.send(word).expect("the receiver exists");
            receiver.recv().expect("the sender exists")
        });
    };
    vec![
        row("std", &mut std),
        row("crossbeam", &mut crossbeam),
        row("flume", &mut flume),
        one_async_task(effort, hand_overs, &graph),
    ]
}

fn one_async_task(effort: Effort, hand_overs: u64, graph: &TaskGraph) -> Row {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.build().expect("the system has what it needs");
    let kernel = kernel("threadring", ("hand_overs", hand_overs), "tokio", graph);
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    let mut bare = || {
        runtime.block_on(async {
            let mut token: Bytes = [0, 0];
            for due in 0..hand_overs {
                assert_eq!(token[0], due);
                token[0] += 1;
                sender.send(token).await.expect("the receiver exists");
                token = receiver.recv().await.expect("the sender exists");
            }
        });
    };
    let rounds = rounds(
        effort,
        || nanoseconds(|| runtime.block_on(kernel.awaited(TaskId(0), 1))) / hand_overs as f64,
        || nanoseconds(&mut bare) / hand_overs as f64,
    );
    row("tokio, one task, over a bare channel".into(), &rounds)
}

/// Passes a token through `channel` and checks it, as the kernel does.
fn hand_over(hand_overs: u64, mut channel: impl FnMut(Bytes) -> Bytes) {
    let mut token = [0, 0];
    for due in 0..hand_overs {
        assert_eq!(token[0], due);
        token = channel([token[0] + 1, 0]);
    }
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

fn row(what: String, rounds: &[(f64, f64)]) -> Row {
    let ours = median(rounds.iter().map(|(ours, _)| *ours));
    let bare = median(rounds.iter().map(|(_, bare)| *bare));
    let what = format!("{what} ({ours:.1} over {bare:.1} ns)");
    Row::at_most(what, median_ratio(rounds), 1.05)
}

fn independent(task_count: usize) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    for _ in 0..task_count {
        builder.push([]).expect("the graph is small");
    }
    builder.finish()
}

fn kernel(
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
    let setting = Setting::new(graph, Sharing::Threads, 2);
    let kernel = kind.build(&parameters.expect("they are valid"), &setting);
    kernel.expect("the system gives a page")
}
