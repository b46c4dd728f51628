//! Runtimes that a process can start only once: their workers are global, and stay until the process ends.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use super::worker::started_threads;
use crate::backend::PoolPlan;
use crate::system::limit::cannot_start;

/// The workers of such a runtime. A case has a process of its own, so this limits only programs that start pools by
/// themselves.
pub(in crate::backend) struct Once {
    runtime: &'static str,
    started: Mutex<Option<Started>>,
}

/// The workers that have been started.
struct Started {
    /// Their number, and whether they are bound to cores.
    manner: (usize, bool),
    /// The threads that were started with them.
    threads: Vec<u32>,
}

impl Once {
    pub(in crate::backend) const fn new(runtime: &'static str) -> Self {
        Self {
            runtime,
            started: Mutex::new(None),
        }
    }

    /// Calls `start` if the workers have not been started. It panics if the system refuses a thread. Returns the ids of the
    /// threads that it started, in this order.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread, or if the workers have been started for another plan.
    pub(in crate::backend) fn start(
        &self,
        plan: &PoolPlan,
        start: impl FnOnce(),
    ) -> io::Result<Vec<u32>> {
        let wanted = (plan.worker_count, plan.pin);
        // What it protects is complete whenever a thread can panic.
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        match &*started {
            None => {
                let (tried, threads) = started_threads(|| catch_unwind(AssertUnwindSafe(start)));
                tried.map_err(|_| self.refused(wanted.0))?;
                *started = Some(Started {
                    manner: wanted,
                    threads: threads.clone(),
                });
                Ok(threads)
            }
            Some(before) if before.manner == wanted => Ok(before.threads.clone()),
            Some(Started {
                manner: (worker_count, is_pinned),
                ..
            }) => Err(io::Error::other(format!(
                "the workers of {} belong to the process, which has started {worker_count} of them ({}) and cannot \
                 change that: use another process",
                self.runtime,
                if *is_pinned {
                    "bound to cores"
                } else {
                    "not bound to cores"
                },
            ))),
        }
    }

    fn refused(&self, worker_count: usize) -> io::Error {
        let refused = io::Error::from_raw_os_error(libc::EAGAIN);
        cannot_start(
            format!("{worker_count} workers of {}", self.runtime),
            &refused,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::SERIAL;

    #[test]
    fn a_second_start_must_be_for_the_same_plan() {
        let once = Once::new("x");
        let mut plan = PoolPlan::plain(&SERIAL, 2);
        let refused = once.start(&plan, || panic!("no thread"));
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .starts_with("cannot start 2 workers of x")
        );
        once.start(&plan, || {}).unwrap();
        once.start(&plan, || panic!("it was started")).unwrap();
        plan.worker_count = 3;
        let error = once.start(&plan, || {}).unwrap_err().to_string();
        assert!(
            error.contains("has started 2 of them (not bound"),
            "{error}"
        );
    }
}
