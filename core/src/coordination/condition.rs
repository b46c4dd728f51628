use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::leaving::Leaving;
use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::memory::SharedSlice;
use crate::random::mix;
use crate::sync::{Monitor, Party};

/// Whom the dispatcher wakes when it has put something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wakes {
    /// It puts one item per round, and wakes one consumer.
    One,
    /// It puts one item for each consumer per round, and wakes all of them.
    All,
}

/// A dispatcher that puts items, and consumers that wait for them at a condition. The dispatcher begins the next round when
/// all items have been taken. Party 0 is the dispatcher.
///
/// **Invariant.** Each item is taken once: the items that were taken are as many as were put, and their numbers have the same
/// sum. A wake-up that is lost makes the dispatcher wait forever.
pub struct ConditionWork<M> {
    monitor: M,
    wakes: Wakes,
    consumer_count: u64,
    round_count: u64,
    /// The words at [`PUT`], [`TAKEN`] and [`IS_OVER`]. Relaxed, always: they are used under the lock of the monitor, or when
    /// nobody else is left.
    state: SharedSlice<AtomicU64>,
    /// The words at [`COUNT`] and [`SUM`]: what the consumers say they have taken since the reset. Relaxed, always: only the
    /// totals matter, and the end of the run orders the reader after them.
    totals: SharedSlice<AtomicU64>,
    leaving: Leaving,
}

/// How many items were put in this run.
const PUT: usize = 0;
/// How many items were taken in this run.
const TAKEN: usize = 1;
/// 1 when no item will be put any more.
const IS_OVER: usize = 2;

/// How many items were taken since the reset.
const COUNT: usize = 0;
/// The sum of their numbers, each mixed.
const SUM: usize = 1;

/// Where the consumers wait.
const CONSUMERS: usize = 0;
/// Where the dispatcher waits.
const DISPATCHER: usize = 1;

impl<M: Monitor> ConditionWork<M> {
    /// A dispatcher and `consumer_count` consumers, of which there is at least one, for `round_count` rounds per run.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new(
        monitor: M,
        wakes: Wakes,
        consumer_count: u64,
        round_count: u64,
    ) -> io::Result<Self> {
        Ok(Self {
            monitor,
            wakes,
            consumer_count,
            round_count,
            state: SharedSlice::new(3)?,
            totals: SharedSlice::new(2)?,
            leaving: Leaving::new(consumer_count + 1)?,
        })
    }

    fn items_per_round(&self) -> u64 {
        match self.wakes {
            Wakes::One => 1,
            Wakes::All => self.consumer_count,
        }
    }

    async fn dispatch(&self, party: Party<'_>) -> Result<(), PartyError> {
        let [put, taken, is_over] = [PUT, TAKEN, IS_OVER].map(|word| &self.state[word]);
        for _ in 0..self.round_count {
            let batch = self.items_per_round();
            let put_batch = || put.fetch_add(batch, Ordering::Relaxed);
            self.monitor.locked(put_batch);
            match self.wakes {
                Wakes::One => self.monitor.wake_one(CONSUMERS),
                Wakes::All => self.monitor.wake_all(CONSUMERS),
            }
            let all_taken =
                || (taken.load(Ordering::Relaxed) == put.load(Ordering::Relaxed)).then_some(());
            self.monitor
                .wait_until(DISPATCHER, party, "its items to be taken", all_taken)
                .await?;
        }
        let end = || is_over.store(1, Ordering::Relaxed);
        self.monitor.locked(end);
        self.monitor.wake_all(CONSUMERS);
        Ok(())
    }

    async fn consume(&self, party: Party<'_>) -> Result<(), PartyError> {
        let (mut count, mut sum) = (0, 0u64);
        loop {
            let take = || self.take();
            let taken = self.monitor.wait_until(CONSUMERS, party, "an item", take);
            let Supply::Item { number, is_last } = taken.await? else {
                break;
            };
            count += 1;
            sum = sum.wrapping_add(mix(number));
            if is_last {
                self.monitor.wake_one(DISPATCHER);
            }
        }
        self.totals[COUNT].fetch_add(count, Ordering::Relaxed);
        self.totals[SUM].fetch_add(sum, Ordering::Relaxed);
        Ok(())
    }

    /// Takes an item, under the lock; `None` if there is none yet.
    fn take(&self) -> Option<Supply> {
        let [put, taken, is_over] =
            [PUT, TAKEN, IS_OVER].map(|word| self.state[word].load(Ordering::Relaxed));
        if taken < put {
            // In two steps, which only the lock keeps together.
            self.state[TAKEN].store(taken + 1, Ordering::Relaxed);
            let is_last = taken + 1 == put;
            return Some(Supply::Item {
                number: taken,
                is_last,
            });
        }
        (is_over == 1).then_some(Supply::End)
    }
}

/// What a consumer finds when it need not wait.
enum Supply {
    Item {
        number: u64,
        /// Whether all items that were put have now been taken.
        is_last: bool,
    },
    /// No item will be put any more.
    End,
}

impl<M: Monitor> Coordination for ConditionWork<M> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        match party.index {
            0 => self.dispatch(party).await?,
            _ => self.consume(party).await?,
        }
        if self.leaving.is_last() {
            self.state
                .iter()
                .for_each(|word| word.store(0, Ordering::Relaxed));
        }
        Ok(seed)
    }

    fn halt(&self) {
        self.monitor.halt();
    }

    fn reset(&self) {
        for word in self.totals.iter() {
            word.store(0, Ordering::Relaxed);
        }
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let per_run = self.round_count * self.items_per_round();
        let sum = (0..per_run).fold(0u64, |sum, number| sum.wrapping_add(mix(number)));
        let expected = [per_run * run_count, sum.wrapping_mul(run_count)];
        let found = [COUNT, SUM].map(|word| self.totals[word].load(Ordering::Relaxed));
        if found[COUNT] != expected[COUNT] {
            return Err(format!(
                "{} items were taken of {} that were put",
                found[COUNT], expected[COUNT]
            ));
        }
        match found[SUM] == expected[SUM] {
            true => Ok(Findings::new()),
            false => Err("one item was taken twice, and another one never".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::together::{Deaf, Dropping, stuck, together};
    use crate::sync::{Halted, ThreadMonitor};

    fn work<M: Monitor>(monitor: M, wakes: Wakes) -> ConditionWork<M> {
        ConditionWork::new(monitor, wakes, 2, 5).unwrap()
    }

    #[test]
    fn every_item_is_taken_once() {
        for (wakes, item_count) in [(Wakes::One, 5), (Wakes::All, 10)] {
            let work = work(ThreadMonitor::default(), wakes);
            for _ in 0..2 {
                assert_eq!(together(&work, 3), [Ok(7), Ok(7), Ok(7)]);
            }
            assert_eq!(work.verify(2), Ok(Findings::new()));
            let expected = format!(
                "{} items were taken of {item_count} that were put",
                2 * item_count
            );
            assert_eq!(work.verify(1), Err(expected));
            work.reset();
            assert_eq!(work.verify(0), Ok(Findings::new()));
        }
    }

    #[test]
    fn a_condition_that_loses_wake_ups_never_ends_by_itself() {
        for wakes in [Wakes::One, Wakes::All] {
            let results = stuck(&work(Deaf::default(), wakes), 3);
            assert!(
                results.contains(&Err(PartyError::Halted(Halted))),
                "{results:?}"
            );
        }
    }

    #[test]
    fn an_item_that_is_dropped_is_found() {
        let work = work(Dropping::default(), Wakes::All);
        assert_eq!(together(&work, 3), [Ok(7), Ok(7), Ok(7)]);
        let expected = "5 items were taken of 10 that were put";
        assert_eq!(work.verify(1), Err(expected.into()));
    }

    #[test]
    fn an_item_that_is_taken_in_the_place_of_another_is_found() {
        let work = work(ThreadMonitor::default(), Wakes::One);
        together(&work, 3);
        let wrong = mix(4).wrapping_sub(mix(3));
        work.totals[SUM].fetch_sub(wrong, Ordering::Relaxed);
        let expected = "one item was taken twice, and another one never";
        assert_eq!(work.verify(1), Err(expected.into()));
    }
}
