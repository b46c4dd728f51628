//! Tests of what one thread can check. `tests/fork_model.rs` checks the interaction of the parts, and `tests/fork`
//! the whole backend.

use std::sync::Arc;
use std::thread::{self, Builder};

use super::atomic::AtomicU64;
use super::deque::{Deque, HEAD_WORDS, Steal, Taken};
use super::shared::PoolPages;
use super::sources::{Range, Sources};
use super::worker::{Assignment, WorkerManner, be_workers};
use crate::backend::support::fixture::Pass;
use crate::backend::support::reserving::Reserving;
use crate::backend::{Continuation, FORK, Placement, PoolPlan};
use crate::execute::Job;
use crate::graph::TaskGraphBuilder;

#[test]
fn a_worker_without_a_thread_is_told_before_the_others_leave() {
    let mut builder = TaskGraphBuilder::default();
    builder.push([]).unwrap();
    let job = Arc::new(Job::new(builder.finish(), Box::new(Pass)).unwrap());
    let shared = PoolPages::new(Arc::clone(&job), 3).unwrap();
    let placement = Placement::new(&PoolPlan::plain(&FORK, 3)).unwrap();
    let manner = WorkerManner {
        continuation: Continuation::Queue,
        spin_rounds: 0,
        reserving: Reserving::new(&PoolPlan::plain(&FORK, 3).options, false),
    };
    let assignments = [0, 1, 2].map(|me| Assignment {
        me,
        starting: &[],
        manner,
        placement,
    });
    // No address space can hold such a stack, so the system refuses the thread.
    let refuse_last = |me| match me {
        2 => Builder::new().stack_size(1 << 60),
        _ => Builder::new(),
    };
    thread::scope(|scope| {
        let left = scope.spawn(|| be_workers(&shared, &assignments, refuse_last));
        // The coordinator, which makes them leave once it sees the failure.
        while !job.is_halted() {
            thread::yield_now();
        }
        shared.dismiss();
        assert_eq!(left.join().unwrap(), 1);
    });
    let reason = job.failure().unwrap().to_string();
    assert!(reason.contains("cannot start worker 3 of 3"), "{reason}");
}

#[test]
fn shares_cover_every_source_once() {
    for source_count in [0, 1, 2, 7, 64, 1000] {
        for worker_count in [1, 2, 3, 5, 64] {
            let shares = (0..worker_count).map(|me| Range::share(source_count, me, worker_count));
            let covered: Vec<u32> = shares.flat_map(|range| range.next..range.end).collect();
            let all: Vec<u32> = (0..source_count as u32).collect();
            assert_eq!(
                covered, all,
                "{source_count} sources, {worker_count} workers"
            );
        }
    }
}

#[test]
fn owner_and_thief_take_from_either_end() {
    let words = [AtomicU64::new(0), AtomicU64::new(0)];
    let sources = Sources::new(&words[0], &words[1]);
    assert_eq!((sources.take(), sources.rob()), (None, None));
    assert!(sources.are_empty());
    sources.hand_out(Range { next: 10, end: 15 });
    assert!(!sources.are_empty());
    assert_eq!(sources.take(), Some(10));
    assert_eq!(sources.rob(), Some(Range { next: 13, end: 15 }));
    assert_eq!((sources.take(), sources.take()), (Some(11), Some(12)));
    assert_eq!((sources.take(), sources.rob()), (None, None));
    assert!(sources.are_empty());
    sources.keep(Range { next: 3, end: 4 });
    assert!(!sources.are_empty());
    assert_eq!(sources.rob(), Some(Range { next: 3, end: 4 }));
    assert_eq!((sources.take(), sources.rob()), (None, None));
}

#[test]
fn the_deque_gives_the_owner_the_newest_and_thieves_the_oldest() {
    let words = [const { AtomicU64::new(0) }; HEAD_WORDS + 4];
    let deque = Deque::new(&words);
    let taken = |task, left| Taken { task, left };
    // More tasks than it has places: it starts over whenever it is empty.
    for _ in 0..10 {
        assert_eq!((deque.pop(), deque.steal()), (None, Steal::Empty));
        assert!(deque.is_empty());
        (1..=4).for_each(|task| deque.push(task));
        assert!(!deque.is_empty());
        assert_eq!(deque.steal(), Steal::Taken(taken(1, true)));
        assert_eq!(deque.pop(), Some(taken(4, true)));
        assert_eq!(deque.steal(), Steal::Taken(taken(2, true)));
        assert_eq!(deque.pop(), Some(taken(3, false)));
        assert!(deque.is_empty());
    }
}
