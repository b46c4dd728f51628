use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::latency::{Histogram, Recorder};
use crate::memory::{Padded, SharedSlice};
use crate::sync::{Party, Pause, Semaphore};

/// The latency from asking for a connection to having one.
const WAIT: &str = "wait";

/// The latencies that a [`SemaphoreWork`] records.
pub const SEMAPHORE_LATENCIES: &[&str] = &[WAIT];

/// Parties that share a number of connections.
///
/// **Invariants.** Never are more connections in use than there are. Every party uses one as often as it has to.
pub struct SemaphoreWork<S, P> {
    semaphore: S,
    pause: P,
    connection_count: u64,
    /// By each party and run.
    uses: u64,
    /// How long a use takes.
    use_time: Duration,
    party_count: u64,
    counts: UseCounts,
    waits: Recorder,
}

/// What the parties count together.
struct UseCounts(SharedSlice<Padded<AtomicU64>>);

impl UseCounts {
    /// How many connections are in use.
    fn in_use(&self) -> &AtomicU64 {
        &self.0[0]
    }

    /// The most that ever were.
    fn most_in_use(&self) -> &AtomicU64 {
        &self.0[1]
    }

    /// The uses that have ended.
    fn ended(&self) -> &AtomicU64 {
        &self.0[2]
    }
}

impl<S: Semaphore, P: Pause> SemaphoreWork<S, P> {
    /// `party_count` parties, each of which uses one of `connection_count` connections `uses` times per run, for `use_time`
    /// by `pause`. The semaphore has as many permits as there are connections.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new(
        (semaphore, connection_count): (S, u64),
        (pause, use_time): (P, Duration),
        party_count: u64,
        uses: u64,
    ) -> io::Result<Self> {
        Ok(Self {
            semaphore,
            pause,
            connection_count,
            uses,
            use_time,
            party_count,
            counts: UseCounts(SharedSlice::new(3)?),
            waits: Recorder::new()?,
        })
    }

    /// A permit, and its latency if latencies are recorded.
    async fn acquire<'a>(&'a self, party: Party<'a>) -> S::Permit<'a> {
        if !self.waits.is_on() {
            return self.semaphore.acquire(party).await;
        }
        let asked = Instant::now();
        let permit = self.semaphore.acquire(party).await;
        self.waits.record(asked.elapsed().as_nanos() as u64);
        permit
    }

    async fn use_connection(&self, party: Party<'_>) -> Result<(), PartyError> {
        // Relaxed, here and below: the changes of one word have one order, so each party counts itself and all that are
        // in at this moment. A party that gave its permit back had subtracted itself before, which the semaphore orders.
        let in_use = self.counts.in_use().fetch_add(1, Ordering::Relaxed) + 1;
        self.counts
            .most_in_use()
            .fetch_max(in_use, Ordering::Relaxed);
        if in_use > self.connection_count {
            return Err(PartyError::Violated(format!(
                "party {} uses connection {in_use} of {}",
                party.index, self.connection_count
            )));
        }
        self.pause.pause(self.use_time).await;
        self.counts.in_use().fetch_sub(1, Ordering::Relaxed);
        self.counts.ended().fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl<S: Semaphore, P: Pause> Coordination for SemaphoreWork<S, P> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        for _ in 0..self.uses {
            let _permit = self.acquire(party).await;
            self.use_connection(party).await?;
        }
        Ok(seed)
    }

    fn reset(&self) {
        for count in self.counts.0.iter() {
            // Relaxed: nothing is running.
            count.store(0, Ordering::Relaxed);
        }
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        // Relaxed: nothing is running.
        let ended = self.counts.ended().load(Ordering::Relaxed);
        let most = self.counts.most_in_use().load(Ordering::Relaxed);
        let expected = self.uses * self.party_count * run_count;
        if most > self.connection_count {
            let all = self.connection_count;
            return Err(format!("{most} connections were in use at once, of {all}"));
        }
        match ended == expected {
            true => Ok(Findings::new()),
            false => Err(format!("{ended} uses of connections ended, of {expected}")),
        }
    }

    fn record_latencies(&self, on: bool) {
        self.waits.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::from([(WAIT.into(), self.waits.take())])
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::coordination::fixture::run_together;
    use crate::graph::TaskId;
    use crate::sync::{BlockingPause, SharedSemaphore, ThreadSemaphore, WaitTable};

    /// A use that never ends.
    struct Never;

    impl Pause for Never {
        async fn pause(&self, _: Duration) {
            pending().await
        }
    }

    fn outcome(semaphore: impl Semaphore) -> Result<Findings, String> {
        let pause = (BlockingPause, Duration::from_micros(1));
        let work = SemaphoreWork::new((semaphore, 2), pause, 4, 100).unwrap();
        work.record_latencies(true);
        run_together(&work, 4);
        assert_eq!(work.take_latencies()[WAIT].count(), 400);
        work.verify(1)
    }

    #[test]
    fn all_uses_happen_with_at_most_as_many_at_once_as_there_are_connections() {
        assert_eq!(outcome(ThreadSemaphore::new(2)), Ok(Findings::new()));
        let shared = SharedSemaphore::new(2).unwrap();
        assert_eq!(outcome(shared), Ok(Findings::new()));
    }

    #[test]
    fn a_semaphore_with_one_permit_too_many_is_found() {
        let table = WaitTable::new(3).unwrap();
        let semaphore = (ThreadSemaphore::new(3), 2);
        let pause = (Never, Duration::ZERO);
        let work = SemaphoreWork::new(semaphore, pause, 3, 1).unwrap();
        let party = |index| Party::new(&table, TaskId(index));
        let mut context = Context::from_waker(Waker::noop());
        let mut first = pin!(work.take_part(party(0), 7));
        let mut second = pin!(work.take_part(party(1), 7));
        let mut third = pin!(work.take_part(party(2), 7));
        assert_eq!(first.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
        let expected = PartyError::Violated("party 2 uses connection 3 of 2".into());
        assert_eq!(
            third.as_mut().poll(&mut context),
            Poll::Ready(Err(expected))
        );
        let expected = "3 connections were in use at once, of 2";
        assert_eq!(work.verify(1), Err(expected.into()));
    }

    #[test]
    fn a_party_that_stays_away_is_found() {
        let semaphore = (ThreadSemaphore::new(1), 1);
        let pause = (BlockingPause, Duration::ZERO);
        let work = SemaphoreWork::new(semaphore, pause, 2, 3).unwrap();
        run_together(&work, 1);
        let expected = "3 uses of connections ended, of 6";
        assert_eq!(work.verify(1), Err(expected.into()));
        work.reset();
        assert_eq!(work.verify(0), Ok(Findings::new()));
    }
}
