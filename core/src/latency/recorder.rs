use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::{BUCKET_COUNT, Histogram, index, lowest_at};
use crate::memory::{Padded, SharedSlice};

/// Counts latencies. Threads and forked processes record into the same one, because its memory is shared.
///
/// It takes 31 KB, of which only the pages exist that latencies fall into.
pub struct Recorder {
    /// One number per bucket.
    counts: SharedSlice<AtomicU64>,
    /// The largest latency.
    max: SharedSlice<Padded<AtomicU64>>,
    /// Whether tasks should record, see [`Recorder::switch`]; 0 or 1.
    is_on: SharedSlice<Padded<AtomicU32>>,
}

impl Recorder {
    /// A recorder without latencies, switched off.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            counts: SharedSlice::new(BUCKET_COUNT)?,
            max: SharedSlice::new(1)?,
            is_on: SharedSlice::new(1)?,
        })
    }

    /// Says whether tasks should record from now on, as `Kernel::record_latencies` is told. All workers see it, forked
    /// ones too. Nothing may be running.
    pub fn switch(&self, on: bool) {
        // Relaxed: the start of the next run orders the tasks after it.
        self.is_on[0].store(on.into(), Ordering::Relaxed);
    }

    /// Whether tasks should record. A task asks before it reads a clock, so that measured runs have no reading of clocks
    /// in them.
    #[inline]
    pub fn is_on(&self) -> bool {
        // Relaxed: it does not change while tasks run.
        self.is_on[0].load(Ordering::Relaxed) != 0
    }

    /// Records a latency. It does not ask whether it [should](Self::is_on).
    #[inline]
    pub fn record(&self, nanoseconds: u64) {
        // Relaxed: only the totals matter, and the end of the run orders the reader after them.
        self.counts[index(nanoseconds)].fetch_add(1, Ordering::Relaxed);
        // Few latencies exceed all before them, so most only read a line that all cores have. Relaxed: a value that is
        // too old is smaller, and then `fetch_max` decides.
        if self.max[0].load(Ordering::Relaxed) < nanoseconds {
            // Relaxed: as for the counts.
            self.max[0].fetch_max(nanoseconds, Ordering::Relaxed);
        }
    }

    /// Returns what was recorded, and clears it. Nothing may be recording.
    pub fn take(&self) -> Histogram {
        let counts = self.counts.iter().map(take).enumerate();
        let counts = counts.filter(|(_, count)| *count > 0);
        let buckets = counts.map(|(at, count)| (lowest_at(at), count));
        Histogram::of_buckets(buckets.collect(), take(&self.max[0]))
    }
}

/// Returns a number that nothing else changes meanwhile, and clears it. Most are 0, and reading them is all it takes.
fn take(number: &AtomicU64) -> u64 {
    // Relaxed, here and below: the caller waited for all that recorded, which ordered their writes before this.
    let found = number.load(Ordering::Relaxed);
    if found > 0 {
        number.store(0, Ordering::Relaxed);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn records_of_all_threads_are_counted_once() {
        let recorder = Recorder::new().unwrap();
        thread::scope(|scope| {
            for worker in 0..4 {
                let recorder = &recorder;
                scope.spawn(move || (0..1000).for_each(|i| recorder.record(i * 4 + worker)));
            }
        });
        assert_eq!(recorder.take(), (0..4000).collect());
        assert_eq!(recorder.take(), Histogram::default());
    }

    #[test]
    fn a_forked_process_records_into_the_same_one() {
        let recorder = Recorder::new().unwrap();
        recorder.record(7);
        assert!(!recorder.is_on());
        // SAFETY: the child only changes shared memory and exits without running anything else.
        let child = unsafe { libc::fork() };
        if child == 0 {
            recorder.record(u64::MAX);
            recorder.switch(true);
            // SAFETY: `_exit` does not return and runs no destructors.
            unsafe { libc::_exit(0) };
        }
        assert!(child > 0);
        // SAFETY: `child` is a process that this test started and has not waited for; null asks for no status.
        let ended = unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
        assert_eq!(ended, child);
        assert!(recorder.is_on());
        assert_eq!(recorder.take(), [7, u64::MAX].into_iter().collect());
    }

    #[test]
    fn a_latency_whose_worker_died_before_its_maximum_is_still_a_valid_histogram() {
        let recorder = Recorder::new().unwrap();
        recorder.record(10);
        // What `record(1001)` leaves behind if the process dies between its two steps.
        recorder.counts[index(1001)].fetch_add(1, Ordering::Relaxed);
        let taken = recorder.take();
        assert_eq!((taken.count(), taken.max()), (2, Some(1000)));
    }
}
