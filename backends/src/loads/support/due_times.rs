//! When each task of a run is due: one after the other, at a fixed rate.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::memory::{Padded, SharedSlice};

/// Gives each task of a run the time at which it is due. Task by task in the order in which they start, whatever their
/// numbers: a scheduler that starts the last task first would otherwise make all others late.
///
/// **Invariant.** Each task of a run begins once and ends once. So when as many have ended as there are tasks, all have
/// begun, and the next one to begin is the first of the next run.
pub(in crate::loads) struct DueTimes {
    task_count: u64,
    interval: Duration,
    /// From here, the start of a run is counted. All processes of a machine have the same clock.
    origin: Instant,
    begun_count: SharedSlice<Padded<AtomicU64>>,
    ended_count: SharedSlice<Padded<AtomicU64>>,
    /// When the run started, in nanoseconds; 0 before it has.
    start_ns: SharedSlice<Padded<AtomicU64>>,
}

/// What a task has to keep to.
#[derive(Debug, Clone, Copy)]
pub(in crate::loads) struct Slot {
    /// How many tasks of the run have begun before.
    pub(in crate::loads) number: usize,
    /// How many tasks of all runs have begun before.
    pub(in crate::loads) unique: u64,
    /// When it is due.
    pub(in crate::loads) due: Instant,
}

impl DueTimes {
    /// A schedule for runs of `task_count` tasks, each due `interval` after the one before.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub(in crate::loads) fn new(task_count: usize, interval: Duration) -> io::Result<Self> {
        Ok(Self {
            task_count: task_count as u64,
            interval,
            origin: Instant::now(),
            begun_count: SharedSlice::new(1)?,
            ended_count: SharedSlice::new(1)?,
            start_ns: SharedSlice::new(1)?,
        })
    }

    /// A task begins. The first one of a run starts the run, and is due at once.
    pub(in crate::loads) fn begin(&self) -> Slot {
        let now_ns = 1 + self.origin.elapsed().as_nanos() as u64;
        // Relaxed, here and below: each task only needs a number of its own, and the same start.
        let unique = self.begun_count[0].fetch_add(1, Ordering::Relaxed);
        let started =
            self.start_ns[0].compare_exchange(0, now_ns, Ordering::Relaxed, Ordering::Relaxed);
        let start_ns = started.map_or_else(|earlier| earlier, |_| now_ns);
        let number = unique % self.task_count;
        let start = self.origin + Duration::from_nanos(start_ns);
        Slot {
            number: number as usize,
            unique,
            due: start + self.interval.saturating_mul(number as u32),
        }
    }

    /// A task ends.
    pub(in crate::loads) fn end(&self) {
        // AcqRel: the last task has seen that all others have begun, so its store below follows theirs.
        let ended_count = self.ended_count[0].fetch_add(1, Ordering::AcqRel) + 1;
        if ended_count.is_multiple_of(self.task_count) {
            // Relaxed: the end of the run orders it before the tasks of the next one.
            self.start_ns[0].store(0, Ordering::Relaxed);
        }
    }

    /// Forgets a run that has failed. Nothing is running.
    pub(in crate::loads) fn reset(&self) {
        for word in [&self.begun_count, &self.ended_count, &self.start_ns] {
            // Relaxed: nothing is running.
            word[0].store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_due_at_a_fixed_rate_from_the_start_of_their_run() {
        const INTERVAL: Duration = Duration::from_millis(5);
        let schedule = DueTimes::new(3, INTERVAL).unwrap();
        let mut last_start = None;
        for run in 0..2 {
            let slots = [(); 3].map(|()| schedule.begin());
            for (number, slot) in slots.iter().enumerate() {
                assert_eq!(
                    (slot.number, slot.unique),
                    (number, 3 * run + number as u64)
                );
                assert_eq!(slot.due, slots[0].due + INTERVAL * number as u32);
            }
            assert!(
                last_start < Some(slots[0].due),
                "each run has a start of its own"
            );
            last_start = Some(slots[0].due);
            slots.iter().for_each(|_| schedule.end());
        }
    }

    #[test]
    fn a_failed_run_is_forgotten() {
        let schedule = DueTimes::new(2, Duration::ZERO).unwrap();
        let first = schedule.begin().due;
        schedule.reset();
        let again = schedule.begin();
        assert_eq!((again.number, again.unique), (0, 0));
        assert!(again.due > first);
    }
}
