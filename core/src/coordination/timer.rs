use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::leaving::Leaving;
use super::{Coordination, PartyError};
use crate::kernel::Findings;
use crate::latency::{Histogram, Recorder};
use crate::memory::{Padded, SharedSlice};
use crate::sync::{Party, Timers};

/// The latencies that [`TimerWork`] records: how long after it was due a timer has fired.
pub const TIMER_LATENCIES: &[&str] = &["lateness"];

/// When every second timer is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// Never.
    Never,
    /// As soon as the run begins.
    Early,
    /// When it is due, so that it may fire at the same time.
    WhenDue,
}

/// Parties that wait for their timers, of which some are cancelled. Party 0 cancels the timers with odd numbers, and waits for its
/// own, which nobody cancels.
///
/// **Invariant.** A timer that was cancelled in time does not fire, one that was not does, and none fires before it is due.
pub struct TimerWork<T> {
    timers: T,
    delay: Duration,
    cancel: Cancel,
    /// What is known of each timer: [`FIRED`], [`CANCELLED`], or nothing.
    known: SharedSlice<Padded<AtomicU32>>,
    /// How many timers were cancelled since the reset.
    cancelled_count: SharedSlice<AtomicU64>,
    leaving: Leaving,
    lateness: Recorder,
}

/// Its party says that the timer has fired.
const FIRED: u32 = 1;
/// Whoever cancelled it says that this was in time.
const CANCELLED: u32 = 2;

impl<T: Timers> TimerWork<T> {
    /// A work for `party_count` parties, whose `timers` are due after `delay`.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new(timers: T, party_count: usize, delay: Duration, cancel: Cancel) -> io::Result<Self> {
        Ok(Self {
            timers,
            delay,
            cancel,
            known: SharedSlice::new(party_count)?,
            cancelled_count: SharedSlice::new(1)?,
            leaving: Leaving::new(party_count as u64)?,
            lateness: Recorder::new()?,
        })
    }

    fn cancel_every_second(&self) {
        for index in (1..self.known.len()).step_by(2) {
            if self.timers.cancel(index) {
                // Relaxed, for all words of `known`: the last party to leave sees what the others did.
                self.known[index].fetch_or(CANCELLED, Ordering::Relaxed);
                // Relaxed: only the total matters.
                self.cancelled_count[0].fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    async fn wait(&self, party: Party<'_>, due: Instant) -> Result<(), PartyError> {
        if !self.timers.wait(party, due).await? {
            return Ok(());
        }
        let now = Instant::now();
        if now < due {
            return Err(PartyError::Violated(format!(
                "timer {} fired {} ns before it was due",
                party.index,
                (due - now).as_nanos()
            )));
        }
        if self.lateness.is_on() {
            self.lateness.record((now - due).as_nanos() as u64);
        }
        self.known[party.index].fetch_or(FIRED, Ordering::Relaxed);
        Ok(())
    }

    /// Checks what is known of each timer and clears it. All parties are done.
    fn check(&self) -> Result<(), PartyError> {
        for (timer, known) in self.known.iter().enumerate() {
            let fault = match known.swap(0, Ordering::Relaxed) {
                FIRED | CANCELLED => continue,
                0 => "did not fire, and was not cancelled in time",
                _ => "was cancelled in time, and fired",
            };
            return Err(PartyError::Violated(format!("timer {timer} {fault}")));
        }
        Ok(())
    }
}

impl<T: Timers> Coordination for TimerWork<T> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        let due = Instant::now() + self.delay;
        let cancels = |when| party.index == 0 && self.cancel == when;
        if cancels(Cancel::Early) {
            self.cancel_every_second();
        }
        self.wait(party, due).await?;
        if cancels(Cancel::WhenDue) {
            self.cancel_every_second();
        }
        if self.leaving.is_last() {
            self.check()?;
            self.timers.reset();
        }
        Ok(seed)
    }

    fn reset(&self) {
        // Relaxed: nothing is running.
        self.cancelled_count[0].store(0, Ordering::Relaxed);
        self.leaving.reset();
    }

    fn verify(&self, run_count: u64) -> Result<Findings, String> {
        let mut findings = self.leaving.verify(run_count)?;
        // Relaxed: nothing is running.
        let count = self.cancelled_count[0].load(Ordering::Relaxed);
        if count > 0 {
            findings.insert("cancelled_timers_count".into(), count);
        }
        Ok(findings)
    }

    fn record_latencies(&self, on: bool) {
        self.lateness.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        let names = TIMER_LATENCIES.iter().map(|name| (*name).to_owned());
        names.zip([self.lateness.take()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::together::together;
    use crate::graph::TaskId;
    use crate::sync::{Halted, SharedTimers, ThreadTimers, WaitTable, at_once};

    const DELAY: Duration = Duration::from_micros(100);

    /// How many of the timers of three runs of five parties were cancelled, and how many have fired.
    fn run(timers: impl Timers, cancel: Cancel) -> [u64; 2] {
        let work = TimerWork::new(timers, 5, DELAY, cancel).unwrap();
        work.record_latencies(true);
        for _ in 0..3 {
            assert_eq!(together(&work, 5), vec![Ok(7); 5]);
        }
        let findings = work.verify(3).unwrap();
        let cancelled = findings.get("cancelled_timers_count").copied();
        [
            cancelled.unwrap_or(0),
            work.take_latencies()["lateness"].count(),
        ]
    }

    fn each_fires_or_is_cancelled<T: Timers>(timers: impl Fn() -> T) {
        assert_eq!(run(timers(), Cancel::Never), [0, 15]);
        for cancel in [Cancel::Early, Cancel::WhenDue] {
            let [cancelled, fired] = run(timers(), cancel);
            assert!(cancelled <= 6, "{cancelled}");
            assert_eq!(cancelled + fired, 15);
        }
    }

    #[test]
    fn each_timer_fires_or_was_cancelled_and_what_fires_has_a_lateness() {
        each_fires_or_is_cancelled(|| ThreadTimers::new(5));
        each_fires_or_is_cancelled(|| SharedTimers::new(5).unwrap());
    }

    /// Does what it is told to, and nothing else.
    #[derive(Clone, Copy)]
    struct Told {
        fires: bool,
        is_cancelled: bool,
    }

    impl Timers for Told {
        async fn wait(&self, party: Party<'_>, due: Instant) -> Result<bool, Halted> {
            while Instant::now() < due {
                std::hint::spin_loop();
            }
            Ok(party.index == 0 || self.fires)
        }

        fn cancel(&self, _: usize) -> bool {
            self.is_cancelled
        }

        fn reset(&self) {}
    }

    fn two_parties(timers: impl Timers, delay: Duration) -> Vec<Result<u64, PartyError>> {
        let table = WaitTable::new(2).unwrap();
        let work = TimerWork::new(timers, 2, delay, Cancel::WhenDue).unwrap();
        let take_part = |index| at_once(work.take_part(Party::new(&table, TaskId(index)), 7));
        [0, 1].map(take_part).to_vec()
    }

    #[test]
    fn a_cancelled_timer_that_fires_is_found_and_so_is_one_that_vanishes() {
        for (fires, is_cancelled, expected) in [
            (true, false, None),
            (false, true, None),
            (true, true, Some("timer 1 was cancelled in time, and fired")),
            (
                false,
                false,
                Some("timer 1 did not fire, and was not cancelled in time"),
            ),
        ] {
            let told = Told {
                fires,
                is_cancelled,
            };
            let expected = match expected {
                Some(fault) => Err(PartyError::Violated(fault.into())),
                None => Ok(7),
            };
            assert_eq!(two_parties(told, Duration::ZERO), [Ok(7), expected]);
        }
    }

    /// Fires at once.
    struct Hasty;

    impl Timers for Hasty {
        async fn wait(&self, _: Party<'_>, _: Instant) -> Result<bool, Halted> {
            Ok(true)
        }

        fn cancel(&self, _: usize) -> bool {
            false
        }

        fn reset(&self) {}
    }

    #[test]
    fn a_timer_that_fires_before_it_is_due_is_found() {
        for result in two_parties(Hasty, Duration::from_hours(9)) {
            let Err(PartyError::Violated(fault)) = result else {
                panic!("{result:?}");
            };
            assert!(fault.ends_with("ns before it was due"), "{fault}");
        }
    }
}
