//! The invariants, with channels that are broken on purpose. All parties run in turn on one thread, so that every test
//! has one possible result.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use self::broken::{Broken, Fault};
use super::*;
use crate::coordination::{Coordination, PartyError};
use crate::graph::TaskId;
use crate::random::mix;
use crate::sync::{Halted, Party, PipeChannel, RingChannel, ThreadChannel, WaitTable, at_once};

mod broken;

/// What became of a party: its result, or `None` if it still waits.
type Ended = Option<Result<u64, PartyError>>;

/// Lets `party_count` parties take part by turns, until nobody can go on.
fn meet(work: &impl Coordination, party_count: usize) -> Vec<Ended> {
    let table = WaitTable::new(party_count).unwrap();
    let mut parties: Vec<Pin<Box<dyn Future<Output = _>>>> = Vec::new();
    for index in 0..party_count {
        let party = Party::new(&table, TaskId(index as u32));
        parties.push(Box::pin(work.take_part(party, seed(index))));
    }
    let mut ended: Vec<Ended> = vec![None; party_count];
    let mut context = Context::from_waker(Waker::noop());
    // Far more turns than any of the tests needs.
    for _ in 0..1000 {
        for (party, ended) in parties.iter_mut().zip(&mut ended) {
            if ended.is_none()
                && let Poll::Ready(result) = party.as_mut().poll(&mut context)
            {
                *ended = Some(result);
            }
        }
    }
    ended
}

fn seed(index: usize) -> u64 {
    1000 + index as u64
}

/// The results of parties that find nothing wrong.
fn expected(work: &impl Coordination, party_count: usize) -> Vec<Ended> {
    let output = |index| Some(Ok(work.expected(index, seed(index))));
    (0..party_count).map(output).collect()
}

fn violation(text: &str) -> Ended {
    Some(Err(PartyError::Violated(text.into())))
}

fn items(fault: Fault, at: usize, producers: usize, consumers: usize) -> ProducerConsumer<Broken> {
    let traffic = Traffic {
        producer_count: producers,
        consumer_count: consumers,
        item_count: 5,
    };
    ProducerConsumer::new(&Broken { fault, at }, traffic).unwrap()
}

#[test]
fn every_item_arrives_once() {
    for (producers, consumers) in [(1, 1), (3, 1), (1, 3), (3, 2)] {
        let work = items(Fault::None, 0, producers, consumers);
        let party_count = producers + consumers;
        for run_count in 1..=3 {
            assert_eq!(meet(&work, party_count), expected(&work, party_count));
            assert_eq!(work.verify(run_count), Ok([].into()));
        }
        work.reset();
        let missing = format!("0 items arrived instead of {}", producers * 5);
        assert_eq!(work.verify(1), Err(missing));
    }
}

#[test]
fn an_item_that_is_dropped_is_found() {
    let work = items(Fault::Drop, 3, 1, 1);
    assert_eq!(meet(&work, 2), expected(&work, 2));
    assert_eq!(work.verify(1), Err("4 items arrived instead of 5".into()));
}

#[test]
fn an_item_that_arrives_twice_is_found() {
    let work = items(Fault::Duplicate, 3, 1, 1);
    let text = "party 1 received item 3 of party 0 after item 3";
    assert_eq!(meet(&work, 2)[1], violation(text));

    // The second time it arrives at the other consumer.
    let work = items(Fault::Duplicate, 3, 1, 2);
    assert_eq!(meet(&work, 3), expected(&work, 3));
    assert_eq!(work.verify(1), Err("6 items arrived instead of 5".into()));
}

#[test]
fn an_item_that_arrives_late_is_found() {
    let work = items(Fault::Delay, 2, 1, 1);
    let text = "party 1 received item 2 of party 0 after item 3";
    assert_eq!(meet(&work, 2)[1], violation(text));
}

#[test]
fn an_item_that_arrives_instead_of_another_one_is_found() {
    // Each consumer receives it once, so the order at each is right.
    let work = items(Fault::Replace, 3, 1, 2);
    assert_eq!(meet(&work, 3), expected(&work, 3));
    let text = "an item arrived twice, and another one never";
    assert_eq!(work.verify(1), Err(text.into()));
}

#[test]
fn an_item_that_nobody_sent_is_found() {
    let work = items(Fault::Corrupt, 3, 1, 1);
    let text = "party 1 received 0x10000000003, which nobody sent";
    assert_eq!(meet(&work, 2)[1], violation(text));
}

#[test]
fn a_mark_that_is_dropped_leaves_a_consumer_behind() {
    let work = items(Fault::Drop, 5, 1, 1);
    assert_eq!(meet(&work, 2)[1], None);
    assert_eq!(work.verify(1), Err("0 items arrived instead of 5".into()));
}

fn ring(fault: Fault, at: usize, parties: usize, hand_overs: u64) -> ThreadRing<Broken> {
    ThreadRing::new(&Broken { fault, at }, parties, hand_overs).unwrap()
}

#[test]
fn all_know_the_last_holder_of_the_token() {
    for party_count in 1..=4 {
        for hand_over_count in 1..=9 {
            let work = ring(Fault::None, 0, party_count, hand_over_count);
            for run_count in 1..=2 {
                let ended = meet(&work, party_count);
                let last = hand_over_count % party_count as u64;
                let outputs = (0..party_count).map(|index| Some(Ok(mix(seed(index) ^ last))));
                assert_eq!(ended, outputs.collect::<Vec<_>>());
                assert_eq!(ended, expected(&work, party_count));
                assert_eq!(work.verify(run_count), Ok([].into()));
            }
            work.reset();
            let missing = format!("0 hand-overs instead of {hand_over_count}");
            assert_eq!(work.verify(1), Err(missing));
        }
    }
}

#[test]
fn a_token_that_is_dropped_is_missed() {
    let work = ring(Fault::Drop, 1, 3, 20);
    assert_eq!(meet(&work, 3), [None, None, None]);
}

#[test]
fn a_token_that_is_handed_over_twice_is_found() {
    let work = ring(Fault::Duplicate, 1, 3, 20);
    let text = "party 1 got the token of hand-over 4 instead of 7";
    assert_eq!(meet(&work, 3)[1], violation(text));
}

#[test]
fn messages_go_to_and_fro() {
    let work = PingPong::new(
        &Broken {
            fault: Fault::None,
            at: 0,
        },
        4,
    )
    .unwrap();
    let last_link = (0..8).fold(0, |link, _| mix(link));
    for _ in 0..2 {
        let ended = meet(&work, 2);
        let outputs = [0, 1].map(|index| Some(Ok(mix(seed(index) ^ last_link))));
        assert_eq!(ended, outputs);
        assert_eq!(ended, expected(&work, 2));
    }
}

#[test]
fn a_message_that_does_not_follow_is_found() {
    let text =
        "the message that party 1 received in round trip 2 does not follow from the one before it";
    for (fault, at) in [
        (Fault::Duplicate, 1),
        (Fault::Replace, 2),
        (Fault::Corrupt, 2),
    ] {
        let work = PingPong::new(&Broken { fault, at }, 4).unwrap();
        assert_eq!(meet(&work, 2)[1], violation(text));
    }
    let fault = Fault::Drop;
    let work = PingPong::new(&Broken { fault, at: 2 }, 4).unwrap();
    assert_eq!(meet(&work, 2), [None, None]);
}

fn actor(fault: Fault, at: usize) -> Actor<Broken> {
    Actor::new(&Broken { fault, at }, 3, 4).unwrap()
}

#[test]
fn the_owner_counts_every_increment() {
    let work = actor(Fault::None, 0);
    for run_count in 1..=3 {
        assert_eq!(meet(&work, 3), expected(&work, 3));
        assert_eq!(work.verify(run_count), Ok([].into()));
    }
    work.reset();
    let missing = "the counter of the owner is 0 after 8 increments";
    assert_eq!(work.verify(1), Err(missing.into()));
}

#[test]
fn an_increment_that_is_dropped_or_arrives_twice_is_found() {
    for (fault, found) in [(Fault::Drop, 7), (Fault::Duplicate, 9)] {
        let work = actor(fault, 2);
        assert_eq!(meet(&work, 3), expected(&work, 3));
        let text = format!("the counter of the owner is {found} after 8 increments");
        assert_eq!(work.verify(1), Err(text));
    }
}

#[test]
fn latencies_are_recorded_when_they_are_wanted() {
    let work = items(Fault::None, 0, 2, 1);
    let play = PingPong::new(
        &Broken {
            fault: Fault::None,
            at: 0,
        },
        4,
    )
    .unwrap();
    for (is_on, item_count, round_trip_count) in [(false, 0, 0), (true, 10, 4), (false, 0, 0)] {
        work.record_latencies(is_on);
        meet(&work, 3);
        assert_eq!(work.take_latencies()["hand_over"].count(), item_count);
        play.record_latencies(is_on);
        meet(&play, 2);
        assert_eq!(play.take_latencies()["hand_over"].count(), round_trip_count);
    }
}

/// Runs `work` on one thread per party, three times, and checks the results.
fn on_threads(work: &impl Coordination, party_count: usize) {
    let table = &WaitTable::new(party_count).unwrap();
    for run_count in 1..=3 {
        thread::scope(|scope| {
            for index in 0..party_count {
                let party = Party::new(table, TaskId(index as u32));
                let body = move || at_once(work.take_part(party, seed(index)));
                let thread = scope.spawn(body);
                scope.spawn(move || {
                    let output = thread.join().unwrap();
                    assert_eq!(output, Ok(work.expected(index, seed(index))));
                });
            }
        });
        assert_eq!(work.verify(run_count), Ok([].into()));
    }
    assert_eq!(table.waiting(), []);
}

#[test]
fn channels_that_block_lose_nothing() {
    let traffic = |producer_count, consumer_count| Traffic {
        producer_count,
        consumer_count,
        item_count: 300,
    };
    for capacity in [Some(0), Some(1), Some(7), None] {
        let channel = ThreadChannel { capacity };
        on_threads(&ProducerConsumer::new(&channel, traffic(3, 1)).unwrap(), 4);
        on_threads(&ThreadRing::new(&channel, 3, 100).unwrap(), 3);
    }
    for capacity in [1, 2, 7] {
        let channel = RingChannel { capacity };
        on_threads(&ProducerConsumer::new(&channel, traffic(2, 3)).unwrap(), 5);
        on_threads(&PingPong::new(&channel, 100).unwrap(), 2);
    }
    let byte_len = rustix::param::page_size();
    let pipe = PipeChannel { byte_len };
    on_threads(&ProducerConsumer::new(&pipe, traffic(2, 2)).unwrap(), 4);
}

/// Runs party `index` until the run is told to have failed, at whatever point that is.
fn halted(work: &impl Coordination, index: u32) {
    let table = &WaitTable::new(2).unwrap();
    let result = thread::scope(|scope| {
        let party = Party::new(table, TaskId(index));
        let blocked = scope.spawn(move || at_once(work.take_part(party, 0)));
        table.halt();
        work.halt();
        blocked.join().unwrap()
    });
    assert_eq!(result, Err(PartyError::Halted(Halted)));
    // The others have not begun.
    let late = at_once(work.take_part(Party::new(table, TaskId(1 - index)), 0));
    assert!(late.is_err());
}

#[test]
fn a_blocked_party_ends_when_the_run_has_failed() {
    let traffic = Traffic {
        producer_count: 1,
        consumer_count: 1,
        item_count: 1 << 30,
    };
    for index in [0, 1] {
        let threads = ThreadChannel { capacity: Some(1) };
        halted(&ProducerConsumer::new(&threads, traffic).unwrap(), index);
        let ring = RingChannel { capacity: 1 };
        halted(&ProducerConsumer::new(&ring, traffic).unwrap(), index);
        let byte_len = rustix::param::page_size();
        let pipe = PipeChannel { byte_len };
        halted(&ProducerConsumer::new(&pipe, traffic).unwrap(), index);
    }
}

#[test]
fn a_party_that_panics_keeps_its_end_until_the_run_has_failed() {
    let table = &WaitTable::new(1).unwrap();
    let party = Party::new(table, TaskId(0));
    let ends = held::Ends::new([Arc::new(())]);
    let end = Arc::clone(&*ends.take(0, party).unwrap());
    let count = || Arc::strong_count(&end);
    let panicked = thread::scope(|scope| {
        let body = || {
            let _end = ends.take(0, party).unwrap();
            std::panic::resume_unwind(Box::new("on purpose"));
        };
        scope.spawn(body).join()
    });
    assert!(panicked.is_err());
    assert_eq!(count(), 2);
    let held = ends.take(0, party).unwrap();
    table.halt();
    ends.drop_all();
    assert_eq!(count(), 2, "it is in use");
    drop(held);
    assert_eq!(count(), 1);
    assert!(ends.take(0, party).is_err());
}
