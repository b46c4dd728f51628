//! How a rank waits.

use std::thread;
use std::time::Duration;

/// How many times a rank with a core of its own looks before it lets others run.
const SPINS: u32 = 2000;

/// The longest sleep between slices of a rank that the first one can wake.
const LONGEST_WOKEN_SLEEP: Duration = Duration::from_millis(500);

/// The longest sleep between two looks of a rank that has nothing to do and that nobody wakes, for each rank of its host. Together they then look
/// 250 times a second, which takes much less than 1% of a core.
const SLEEP: Duration = Duration::from_millis(4);

/// The longest sleep of all.
const LONGEST_SLEEP: Duration = Duration::from_millis(32);

/// How a rank waits for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Whether there are more ranks and threads than cores, so that others need this core.
    pub is_crowded: bool,
    /// Whether it sleeps between two looks, because no slice has been announced.
    pub sleeps: bool,
    /// The number of ranks of this host.
    pub rank_count: u32,
    /// The number of cores that these ranks may use together.
    pub core_count: u32,
    /// Whether only messages end a wait, and not what another thread does.
    pub is_alone: bool,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            is_crowded: false,
            sleeps: false,
            rank_count: 1,
            core_count: 1,
            is_alone: true,
        }
    }
}

impl Patience {
    /// The same, between slices.
    pub fn idle(self) -> Self {
        Self {
            sleeps: true,
            ..self
        }
    }

    /// The same, with this number of threads in each rank.
    pub fn with_threads(self, threads: usize) -> Self {
        Self {
            is_crowded: self.rank_count as usize * threads > self.core_count as usize,
            is_alone: threads == 1,
            ..self
        }
    }

    /// How long a rank that the first one wakes sleeps after look number `polls`, between slices. At first short: a message
    /// may come a little later than the bell, and a bell may be lost with its rank.
    pub fn woken_sleep(polls: u32) -> Duration {
        (Duration::from_micros(100) * (1 << polls.min(13))).min(LONGEST_WOKEN_SLEEP)
    }

    /// Waits after look number `polls` has found nothing. Returns whether it has waited long enough to read the clock.
    #[inline]
    pub fn pause(self, polls: u32) -> bool {
        if self.sleeps {
            // At first short, because many slices follow each other at once.
            let longest = (SLEEP * self.rank_count).min(LONGEST_SLEEP);
            let sleep = Duration::from_micros(100) * (1 << polls.min(9));
            thread::sleep(sleep.min(longest));
            return true;
        }
        // Otherwise it looks again at once: a look takes as long as a short pause.
        if self.is_crowded || polls > SPINS {
            thread::yield_now();
        }
        polls.is_multiple_of(1024)
    }
}
