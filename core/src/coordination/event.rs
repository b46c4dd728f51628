use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::latency::{Histogram, Recorder};
use crate::memory::{Padded, SharedSlice};
use crate::sync::{Event, Party};

/// The latencies that [`EventWork`] records: from the set of an event to the first and to the last party that it lets through.
pub const EVENT_LATENCIES: &[&str] = &["first", "last"];

/// One party sets an event for which all others wait, again and again. Party 0 is the setter. It waits with another event until
/// the others have said that they are about to wait.
///
/// **Invariant.** Who passes the event of a round finds that it was set in this round, and everybody passes each event once.
pub struct EventWork<E> {
    /// The events of even and odd rounds: one is cleared while everybody waits for the other.
    go: [E; 2],
    /// Set when all waiters of a round have said that they are about to wait.
    all_wait: E,
    waiter_count: u64,
    round_count: u64,
    /// How many events were set since the work was made.
    set_count: SharedSlice<Padded<AtomicU64>>,
    /// How often any party was about to wait, since the work was made.
    announced_count: SharedSlice<Padded<AtomicU64>>,
    /// How often any party has passed an event since the reset.
    passed_count: SharedSlice<Padded<AtomicU64>>,
    clock: SetClock,
}

impl<E: Event> EventWork<E> {
    /// `waiter_count` parties, of which there is at least one, that wait `round_count` times per run for what another party
    /// sets. `event` makes an event for them.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new(
        event: impl Fn() -> io::Result<E>,
        waiter_count: u64,
        round_count: u64,
    ) -> io::Result<Self> {
        Ok(Self {
            go: [event()?, event()?],
            all_wait: event()?,
            waiter_count,
            round_count,
            set_count: SharedSlice::new(1)?,
            announced_count: SharedSlice::new(1)?,
            passed_count: SharedSlice::new(1)?,
            clock: SetClock::new()?,
        })
    }

    fn go(&self, round: u64) -> &E {
        &self.go[(round % 2) as usize]
    }

    async fn set_events(&self, party: Party<'_>) -> Result<(), PartyError> {
        for _ in 0..self.round_count {
            self.all_wait.wait(party).await?;
            self.all_wait.clear();
            // Relaxed: only this party writes it, and the event releases it to those who read it.
            let round = self.set_count[0].fetch_add(1, Ordering::Relaxed);
            self.go(round + 1).clear();
            self.clock.start();
            self.go(round).set();
        }
        Ok(())
    }

    async fn wait_for_events(&self, party: Party<'_>) -> Result<(), PartyError> {
        for _ in 0..self.round_count {
            // Relaxed: nobody sets the next event before this party has announced that it waits, and the last event, or the
            // start of the run, ordered this after the one before.
            let round = self.set_count[0].load(Ordering::Relaxed);
            // AcqRel: each waiter releases its passing of the last event, and the last one acquires all of them, and hands
            // them to the setter.
            let earlier = self.announced_count[0].fetch_add(1, Ordering::AcqRel);
            if (earlier + 1).is_multiple_of(self.waiter_count) {
                self.all_wait.set();
            }
            self.go(round).wait(party).await?;
            self.check_set(party, round)?;
            // Relaxed: only the total matters.
            self.passed_count[0].fetch_add(1, Ordering::Relaxed);
            self.clock.pass(self.waiter_count);
        }
        Ok(())
    }

    fn check_set(&self, party: Party<'_>, round: u64) -> Result<(), PartyError> {
        // Relaxed: the event orders this after the change that it announces.
        match self.set_count[0].load(Ordering::Relaxed) {
            found if found == round + 1 => Ok(()),
            found => Err(PartyError::Violated(format!(
                "party {} passed event {} when {found} had been set",
                party.index,
                round + 1
            ))),
        }
    }
}

impl<E: Event> Coordination for EventWork<E> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        match party.index {
            0 => self.set_events(party).await?,
            _ => self.wait_for_events(party).await?,
        }
        Ok(seed)
    }

    fn halt(&self) {
        for event in self.go.iter().chain([&self.all_wait]) {
            event.halt();
        }
    }

    fn reset(&self) {
        // Relaxed: nothing is running.
        self.passed_count[0].store(0, Ordering::Relaxed);
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let expected = self.waiter_count * self.round_count * run_count;
        // Relaxed: nothing is running.
        match self.passed_count[0].load(Ordering::Relaxed) {
            found if found == expected => Ok(Findings::new()),
            found => Err(format!(
                "parties passed events {found} times instead of {expected}"
            )),
        }
    }

    fn record_latencies(&self, on: bool) {
        self.clock.first.switch(on);
        self.clock.last.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        let recorders = [&self.clock.first, &self.clock.last];
        let taken = recorders.map(Recorder::take);
        let names = EVENT_LATENCIES.iter().map(|name| (*name).to_owned());
        names.zip(taken).collect()
    }
}

/// Times from the set of an event to the first and the last party that passes.
struct SetClock {
    first: Recorder,
    last: Recorder,
    /// Times are counted from here. All processes have the same clock.
    origin: Instant,
    /// The words at [`SET`] to [`PASSED`].
    words: SharedSlice<Padded<AtomicU64>>,
}

/// When the last event was set.
const SET: usize = 0;
/// The shortest time after that at which a party has passed; `u64::MAX` if none has.
const SHORTEST: usize = 1;
/// The longest such time.
const LONGEST: usize = 2;
/// How many parties have passed.
const PASSED: usize = 3;

impl SetClock {
    fn new() -> io::Result<Self> {
        Ok(Self {
            first: Recorder::new()?,
            last: Recorder::new()?,
            origin: Instant::now(),
            words: SharedSlice::new(4)?,
        })
    }

    fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    /// The event is about to be set. Nobody passes.
    fn start(&self) {
        if !self.first.is_on() {
            return;
        }
        // Relaxed, all of them: the event releases them to those who pass.
        self.words[SHORTEST].store(u64::MAX, Ordering::Relaxed);
        self.words[LONGEST].store(0, Ordering::Relaxed);
        self.words[PASSED].store(0, Ordering::Relaxed);
        self.words[SET].store(self.now(), Ordering::Relaxed);
    }

    /// One of `waiter_count` parties has passed.
    fn pass(&self, waiter_count: u64) {
        if !self.first.is_on() {
            return;
        }
        // Relaxed: the event orders it after `start`; the count below hands both extremes to the last party.
        let ns = self.now() - self.words[SET].load(Ordering::Relaxed);
        self.words[SHORTEST].fetch_min(ns, Ordering::Relaxed);
        self.words[LONGEST].fetch_max(ns, Ordering::Relaxed);
        // AcqRel: each party releases its time, and the last one acquires all of them.
        if self.words[PASSED].fetch_add(1, Ordering::AcqRel) + 1 == waiter_count {
            self.first
                .record(self.words[SHORTEST].load(Ordering::Relaxed));
            self.last
                .record(self.words[LONGEST].load(Ordering::Relaxed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::together::{stuck, together};
    use crate::graph::TaskId;
    use crate::sync::{Halted, ThreadEvent, WaitTable, at_once};

    fn work() -> EventWork<ThreadEvent> {
        EventWork::new(|| Ok(ThreadEvent::default()), 2, 3).unwrap()
    }

    #[test]
    fn everybody_passes_every_event_and_the_first_before_the_last() {
        let work = work();
        work.record_latencies(true);
        for _ in 0..2 {
            assert_eq!(together(&work, 3), [Ok(7), Ok(7), Ok(7)]);
        }
        assert_eq!(work.verify(2), Ok(Findings::new()));
        let latencies = work.take_latencies();
        assert_eq!(latencies["first"].count(), 6);
        assert_eq!(latencies["last"].count(), 6);
        assert!(latencies["first"].max() <= latencies["last"].max());
        let expected = "parties passed events 12 times instead of 6";
        assert_eq!(work.verify(1), Err(expected.into()));
    }

    #[test]
    fn nothing_is_timed_unless_it_was_asked_for() {
        let work = work();
        together(&work, 3);
        assert_eq!(work.take_latencies()["first"].count(), 0);
    }

    /// Lets everybody through.
    struct Open;

    impl Event for Open {
        async fn wait(&self, _: Party<'_>) -> Result<(), Halted> {
            Ok(())
        }

        fn set(&self) {}

        fn clear(&self) {}
    }

    #[test]
    fn an_event_that_lets_one_through_early_is_found() {
        let table = WaitTable::new(2).unwrap();
        let work = EventWork::new(|| Ok(Open), 1, 3).unwrap();
        let fault = at_once(work.take_part(Party::new(&table, TaskId(1)), 7));
        let expected = "party 1 passed event 1 when 0 had been set";
        assert_eq!(fault, Err(PartyError::Violated(expected.into())));
    }

    /// Forgets that it was set.
    #[derive(Default)]
    struct Forgetful(ThreadEvent);

    impl Event for Forgetful {
        fn wait(&self, party: Party<'_>) -> impl Future<Output = Result<(), Halted>> + Send {
            self.0.wait(party)
        }

        fn set(&self) {}

        fn clear(&self) {}

        fn halt(&self) {
            self.0.halt();
        }
    }

    #[test]
    fn an_event_that_wakes_nobody_never_ends_by_itself() {
        let work = EventWork::new(|| Ok(Forgetful::default()), 2, 3).unwrap();
        let halted = Err(PartyError::Halted(Halted));
        assert_eq!(stuck(&work, 3), vec![halted; 3]);
    }
}
