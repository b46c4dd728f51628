//! Checks the ring of shared pages through which processes pass messages. Loom tries every order of the steps of its
//! senders and receivers, and every value that the memory model lets them read (within loom's bounds).
//!
//! The test compiles the file of the ring itself, with loom's atomics instead of the machine's and with a model of the
//! futex. A message whose halves do not fit together shows a missing Release or Acquire. A lost wake-up becomes a deadlock,
//! which loom reports.

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;
use taskdyno_core::graph::TaskId;
use taskdyno_core::sync::WaitTable;

use crate::atomic::{AtomicU32, AtomicU64};
use crate::channel::Message;
use crate::party::Party;
use crate::ring::{Place, Ring};

#[path = "common/modelled_futex.rs"]
mod futex;
#[path = "../core/src/sync/ring.rs"]
mod ring;

mod atomic {
    pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}

mod channel {
    pub(super) use taskdyno_core::sync::{MESSAGE, Message, ROOM};
}

mod party {
    pub(super) use taskdyno_core::sync::{Halted, LOOK_INTERVAL, Party};
}

/// The shared pages of a ring, and the table of its parties.
struct Pages {
    tail: AtomicU64,
    head: AtomicU64,
    places: Vec<Place>,
    table: WaitTable,
}

impl Pages {
    fn new(capacity: usize, party_count: usize) -> Arc<Self> {
        let place = |_| Place {
            turn: AtomicU32::new(0),
            sleeper_count: AtomicU32::new(0),
            word: AtomicU64::new(0),
            sent_ns: AtomicU64::new(0),
        };
        Arc::new(Self {
            tail: AtomicU64::new(0),
            head: AtomicU64::new(0),
            places: (0..capacity).map(place).collect(),
            table: WaitTable::new(party_count).unwrap(),
        })
    }

    fn ring(&self) -> Ring<'_> {
        Ring {
            tail: &self.tail,
            head: &self.head,
            places: &self.places,
        }
    }

    fn send(&self, party: u32, word: u64) {
        let party = Party::new(&self.table, TaskId(party));
        let sent_ns = word + 100;
        self.ring().send(party, Message { word, sent_ns }).unwrap();
    }

    fn receive(&self, party: u32) -> u64 {
        let party = Party::new(&self.table, TaskId(party));
        let message = self.ring().receive(party).unwrap();
        assert_eq!(message.sent_ns, message.word + 100, "half of a message");
        message.word
    }
}

/// How often two workers interrupt each other at most in one execution.
const TWO_WORKERS: usize = 3;

/// Like [`TWO_WORKERS`]. It is smaller because three workers have many more orders.
const THREE_WORKERS: usize = 2;

fn check(preemption_bound: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemption_bound);
    builder.check(body);
}

#[test]
fn messages_arrive_in_order_through_one_place() {
    check(TWO_WORKERS, || {
        let pages = Pages::new(1, 2);
        let sender = {
            let pages = Arc::clone(&pages);
            thread::spawn(move || (1..=3).for_each(|word| pages.send(0, word)))
        };
        let received: Vec<u64> = (0..3).map(|_| pages.receive(1)).collect();
        sender.join().unwrap();
        assert_eq!(received, [1, 2, 3]);
    });
}

#[test]
fn messages_arrive_in_order_through_two_places() {
    check(TWO_WORKERS, || {
        let pages = Pages::new(2, 2);
        let sender = {
            let pages = Arc::clone(&pages);
            thread::spawn(move || (1..=3).for_each(|word| pages.send(0, word)))
        };
        let received: Vec<u64> = (0..3).map(|_| pages.receive(1)).collect();
        sender.join().unwrap();
        assert_eq!(received, [1, 2, 3]);
    });
}

#[test]
fn the_messages_of_two_senders_arrive_once() {
    check(THREE_WORKERS, || {
        let pages = Pages::new(1, 3);
        let senders = [1, 2].map(|word| {
            let pages = Arc::clone(&pages);
            thread::spawn(move || pages.send(word as u32, word))
        });
        let mut received = [pages.receive(0), pages.receive(0)];
        for sender in senders {
            sender.join().unwrap();
        }
        received.sort_unstable();
        assert_eq!(received, [1, 2]);
    });
}

#[test]
fn two_receivers_get_one_message_each() {
    check(THREE_WORKERS, || {
        let pages = Pages::new(1, 3);
        let receivers = [1, 2].map(|party| {
            let pages = Arc::clone(&pages);
            thread::spawn(move || pages.receive(party))
        });
        pages.send(0, 1);
        pages.send(0, 2);
        let mut received = receivers.map(|receiver| receiver.join().unwrap());
        received.sort_unstable();
        assert_eq!(received, [1, 2]);
    });
}
