use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::leaving::Leaving;
use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::latency::{Histogram, Recorder};
use crate::memory::SharedSlice;
use crate::random::shuffle;
use crate::sync::{Monitor, Party, Timers};

/// The latencies that [`MapOrderWork`] records: from the start of the collector to the first, the middle and the last result
/// that it receives.
pub const RESULT_LATENCIES: &[&str] = &["first", "median", "last"];

/// The order in which a collector receives results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultOrder {
    /// That of the tasks, as `map` returns them.
    Submitted,
    /// That in which they become ready.
    Completed,
}

/// Tasks of different sizes, and a collector that receives their results. Party 0 is the collector. The others wait for a time
/// that is 1, 2, 3, .. steps, in an order that is shuffled, and always the same.
///
/// **Invariant.** The collector receives the result of each party once, and in the order of the parties if that is wanted.
pub struct MapOrderWork<M, T> {
    monitor: M,
    timers: T,
    order: ResultOrder,
    /// How long each party waits, from party 1 on.
    delays: Vec<Duration>,
    /// Whether the result of each party, from party 1 on, is there. Relaxed, as everything below: it is used under the lock of
    /// the monitor, or when nobody else is left.
    is_there: SharedSlice<AtomicU64>,
    /// Whose results are there, in the order in which they became ready.
    completed: SharedSlice<AtomicU64>,
    /// The words at [`COMPLETED`] and [`RECEIVED`].
    counts: SharedSlice<AtomicU64>,
    leaving: Leaving,
    recorders: [Recorder; 3],
}

/// How many results are in the list of those that became ready.
const COMPLETED: usize = 0;
/// How many of them the collector has taken from the list.
const RECEIVED: usize = 1;

/// The order of the sizes is the same in all runs and on all machines.
const SHUFFLE_SEED: u64 = 1;

impl<M: Monitor, T: Timers> MapOrderWork<M, T> {
    /// A collector and `task_count` other parties, of which there is at least one. `timers` has one timer for each of them and
    /// for the collector. The shortest task takes one `step`.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new(
        monitor: M,
        timers: T,
        order: ResultOrder,
        task_count: u32,
        step: Duration,
    ) -> io::Result<Self> {
        let mut delays: Vec<_> = (1..=task_count).map(|size| step * size).collect();
        shuffle(&mut delays, SHUFFLE_SEED);
        Ok(Self {
            monitor,
            timers,
            order,
            is_there: SharedSlice::new(delays.len())?,
            completed: SharedSlice::new(delays.len())?,
            counts: SharedSlice::new(2)?,
            leaving: Leaving::new(delays.len() as u64 + 1)?,
            recorders: [Recorder::new()?, Recorder::new()?, Recorder::new()?],
            delays,
        })
    }

    /// Waits, and then hands its result to the collector.
    async fn produce(&self, party: Party<'_>) -> Result<(), PartyError> {
        let index = party.index - 1;
        let due = Instant::now() + self.delays[index];
        self.timers.wait(party, due).await?;
        self.monitor.locked(|| {
            let position = self.counts[COMPLETED].fetch_add(1, Ordering::Relaxed);
            self.completed[position as usize].store(index as u64, Ordering::Relaxed);
            self.is_there[index].store(1, Ordering::Relaxed);
        });
        self.monitor.wake_one(0);
        Ok(())
    }

    /// Receives all results.
    async fn collect(&self, party: Party<'_>) -> Result<(), PartyError> {
        let start = Instant::now();
        let is_timed = self.recorders[0].is_on();
        let mut times = Vec::new();
        let mut is_received = vec![false; self.delays.len()];
        for position in 0..self.delays.len() {
            let find = || self.find(position);
            let received = self.monitor.wait_until(0, party, "a result", find);
            let (found, index) = received.await?;
            if found != position || is_received[index] {
                return Err(PartyError::Violated(format!(
                    "result {found}, of party {}, was received instead of result {position}",
                    index + 1
                )));
            }
            is_received[index] = true;
            if is_timed {
                times.push(start.elapsed().as_nanos() as u64);
            }
        }
        self.record(&times);
        Ok(())
    }

    /// The result to receive at `position`, under the lock: its position, and whose it is; `None` if it is not there yet.
    fn find(&self, position: usize) -> Option<(usize, usize)> {
        match self.order {
            ResultOrder::Submitted => {
                let is_there = self.is_there[position].load(Ordering::Relaxed) == 1;
                is_there.then_some((position, position))
            }
            ResultOrder::Completed => {
                let [completed, received] =
                    [COMPLETED, RECEIVED].map(|word| self.counts[word].load(Ordering::Relaxed));
                if received == completed {
                    return None;
                }
                self.counts[RECEIVED].store(received + 1, Ordering::Relaxed);
                let index = self.completed[received as usize].load(Ordering::Relaxed);
                Some((received as usize, index as usize))
            }
        }
    }

    /// Records when results were received, in ascending order.
    fn record(&self, times: &[u64]) {
        let Some(last) = times.len().checked_sub(1) else {
            return;
        };
        for (recorder, at) in self.recorders.iter().zip([0, last / 2, last]) {
            recorder.record(times[at]);
        }
    }
}

impl<M: Monitor, T: Timers> Coordination for MapOrderWork<M, T> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        match party.index {
            0 => self.collect(party).await?,
            _ => self.produce(party).await?,
        }
        if self.leaving.is_last() {
            self.timers.reset();
            for word in self.counts.iter().chain(self.is_there.iter()) {
                word.store(0, Ordering::Relaxed);
            }
        }
        Ok(seed)
    }

    fn halt(&self) {
        self.monitor.halt();
    }

    fn reset(&self) {
        self.leaving.reset();
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        self.leaving.verify(run_count)
    }

    fn record_latencies(&self, on: bool) {
        for recorder in &self.recorders {
            recorder.switch(on);
        }
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        let names = RESULT_LATENCIES.iter().map(|name| (*name).to_owned());
        names
            .zip(self.recorders.iter().map(Recorder::take))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::together::{Deaf, Dropping, stuck, together};
    use crate::graph::TaskId;
    use crate::sync::{Halted, ThreadMonitor, ThreadTimers, WaitTable, at_once};

    const ORDERS: [ResultOrder; 2] = [ResultOrder::Submitted, ResultOrder::Completed];

    fn work<M: Monitor>(monitor: M, order: ResultOrder) -> MapOrderWork<M, ThreadTimers> {
        let step = Duration::from_micros(100);
        MapOrderWork::new(monitor, ThreadTimers::new(5), order, 4, step).unwrap()
    }

    #[test]
    fn sizes_differ_and_are_not_sorted() {
        let work = work(ThreadMonitor::default(), ResultOrder::Submitted);
        let mut sorted = work.delays.clone();
        sorted.sort_unstable();
        assert_ne!(work.delays, sorted);
        assert_eq!(
            sorted,
            [1, 2, 3, 4].map(|size| Duration::from_micros(100) * size)
        );
    }

    #[test]
    fn every_result_is_received_once() {
        for order in ORDERS {
            let work = work(ThreadMonitor::default(), order);
            work.record_latencies(true);
            for _ in 0..3 {
                assert_eq!(together(&work, 5), vec![Ok(7); 5]);
            }
            assert_eq!(work.verify(3), Ok(Findings::new()));
            assert!(work.verify(4).is_err());
            let latencies = work.take_latencies();
            let [first, median, last] = ["first", "median", "last"].map(|name| &latencies[name]);
            assert_eq!([first, median, last].map(Histogram::count), [3; 3]);
            assert!(first.max() <= median.max() && median.max() <= last.max());
            work.reset();
            assert_eq!(work.verify(0), Ok(Findings::new()));
        }
    }

    #[test]
    fn a_result_that_is_dropped_is_found() {
        let work = work(Dropping::default(), ResultOrder::Completed);
        let table = WaitTable::new(5).unwrap();
        for index in [3, 1, 4, 2, 0] {
            let result = at_once(work.take_part(Party::new(&table, TaskId(index)), 7));
            let expected = match index {
                0 => Err(PartyError::Violated(
                    "result 1, of party 1, was received instead of result 0".into(),
                )),
                _ => Ok(7),
            };
            assert_eq!(result, expected);
        }
    }

    #[test]
    fn a_collector_that_is_not_woken_never_ends_by_itself() {
        for order in ORDERS {
            let mut results = Vec::new();
            // The collector may begin when all results are there; it seldom does.
            while !results.contains(&Err(PartyError::Halted(Halted))) {
                results = stuck(&work(Deaf::default(), order), 5);
            }
        }
    }
}
