//! How often a rank of the engine `dataflow` sends and looks for messages.

use std::time::Instant;

use crate::trouble::Trouble;

/// A value waits for others, to leave in one message with them, at most so many times as long as a message takes: sending and
/// receiving it. So messages take a small part of the time, whether they go through memory or through a network.
const MESSAGES_PER_BATCH: u64 = 16;

/// The same for a value of a task that had to wait, because others most likely wait for it.
const MESSAGES_PER_LATE_BATCH: u64 = 2;

/// A look that finds no message is made once in so many times its own time.
const LOOKS_APART: u64 = 32;

/// How many tasks run between two messages and between two looks. A clock would cost more than a small task, so the first
/// run measures tasks, messages and looks, and the others count.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The most tasks that run while a value waits. At least 1.
    pub batch: usize,
    /// The same while the value of a task that had to wait does. At least 1.
    pub late_batch: usize,
    /// The most tasks that run between two looks. At least 1.
    pub look: usize,
    /// Once so many tasks wait for inputs, the rank runs no more tasks of later levels, and looks for messages all the time:
    /// each would most likely have to wait as well. At least 1.
    pub most_waiting: usize,
}

impl Pace {
    /// For the first run.
    pub const UNKNOWN: Self = Self {
        batch: 1,
        late_batch: 1,
        look: 1,
        most_waiting: usize::MAX,
    };
}

/// What the first run measures, in nanoseconds.
pub struct FirstRun {
    /// Of all tasks.
    pub work_ns: u64,
    /// The least time of a flush, because the first messages also open connections.
    pub send_ns: u64,
    /// The least time of a look that found a message.
    pub receive_ns: u64,
    /// The least of the looks that found nothing.
    pub look_ns: u64,
}

impl Default for FirstRun {
    fn default() -> Self {
        Self {
            work_ns: 0,
            send_ns: u64::MAX,
            receive_ns: u64::MAX,
            look_ns: u64::MAX,
        }
    }
}

impl FirstRun {
    /// What follows for the next runs.
    pub fn pace(&self, task_count: usize) -> Pace {
        let task_ns = (self.work_ns / task_count.max(1) as u64).max(1);
        let tasks_in = |time_ns: u64| ((time_ns / task_ns) as usize).max(1);
        let message_ns = self.send_ns.saturating_add(self.receive_ns);
        let batch = tasks_in(message_ns.saturating_mul(MESSAGES_PER_BATCH));
        Pace {
            batch,
            late_batch: tasks_in(message_ns.saturating_mul(MESSAGES_PER_LATE_BATCH)),
            look: tasks_in(self.look_ns.saturating_mul(LOOKS_APART)),
            most_waiting: (batch / 2).max(1),
        }
    }
}

/// What `act` returns, and its time in nanoseconds; 0 unless `is_first`, because reading the clock takes time as well.
#[inline]
pub fn timed<T>(
    is_first: bool,
    act: impl FnOnce() -> Result<T, Trouble>,
) -> Result<(T, u64), Trouble> {
    if !is_first {
        return act().map(|value| (value, 0));
    }
    let begin = Instant::now();
    let value = act()?;
    Ok((value, begin.elapsed().as_nanos() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_tasks_share_messages_and_looks_and_large_ones_do_not() {
        let pace = |task_ns: u64, message_ns: u64, look_ns: u64| {
            let first = FirstRun {
                work_ns: 10 * task_ns,
                send_ns: message_ns / 2,
                receive_ns: message_ns / 2,
                look_ns,
            };
            let pace = first.pace(10);
            [pace.batch, pace.late_batch, pace.look, pace.most_waiting]
        };
        // Through memory, and through a network.
        assert_eq!(pace(40, 600, 50), [240, 30, 40, 120]);
        assert_eq!(pace(40, 10_000, 600), [4000, 500, 480, 2000]);
        assert_eq!(pace(1_000_000, 10_000, 600), [1, 1, 1, 1]);
        // Nothing was sent, and nothing took any time.
        let most = usize::MAX;
        assert_eq!(pace(0, u64::MAX, u64::MAX), [most, most, most, most / 2]);
    }
}
