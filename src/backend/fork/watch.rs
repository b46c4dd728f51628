//! Who has been at one task for too long.

use std::time::Duration;

use super::LOOK_INTERVAL;
use super::shared::PoolPages;
use crate::graph::TaskId;

/// Counts for how many looks in a row each worker has been at the same task. The looks are
/// [`LOOK_INTERVAL`] apart, so no clock is needed, and a limit is kept to within one of them.
pub(super) struct StuckWatch {
    /// Looks that a task may take; `None` for any number.
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

    /// Looks at every worker, and returns those that are over the limit.
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
