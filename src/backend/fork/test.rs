//! The parts that one thread can check. `tests/fork_model.rs` checks them against each other, and
//! `tests/fork` all of them at work.

use super::atomic::AtomicU64;
use super::deque::{Deque, HEAD_WORDS, Steal, Taken};
use super::sources::{Range, Sources};

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
    // More than it has places, since it starts over whenever it is empty.
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
