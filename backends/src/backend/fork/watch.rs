//! Finds workers that have run one task for too long.

use std::time::Duration;

use super::LOOK_INTERVAL;
use super::shared::PoolPages;
use crate::graph::TaskId;

/// Counts in how many checks in a row each worker had the same task. The checks are [`LOOK_INTERVAL`] apart, so no
/// clock is needed, and the limit is accurate to one interval.
pub(super) struct StuckWatch {
    /// How many checks a task may last; `None` for no limit.
    limit: Option<u32>,
    seen: Vec<(Option<TaskId>, u32)>,
}

impl StuckWatch {
    pub(super) fn new(task_timeout: Option<Duration>) -> Self {
        let looks = |limit: Duration| limit.as_nanos().div_ceil(LOOK_INTERVAL.as_nanos());
        Self {
            limit: task_timeout.map(|limit| u32::try_from(looks(limit)).unwrap_or(u32::MAX)),
            seen: Vec::new(),
        }
    }

    /// Checks every worker, and returns those over the limit.
    pub(super) fn stuck(&mut self, shared: &PoolPages) -> Vec<usize> {
        let Some(limit) = self.limit else {
            return Vec::new();
        };
        self.seen.resize(shared.worker_count(), (None, 0));
        let mut stuck = Vec::new();
        for (worker, (task, looks)) in self.seen.iter_mut().enumerate() {
            let current = shared.current(worker);
            *looks = if current == *task { *looks + 1 } else { 0 };
            *task = current;
            if task.is_some() && *looks >= limit {
                stuck.push(worker);
            }
        }
        stuck
    }
}
