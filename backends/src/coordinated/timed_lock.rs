use std::io;

use super::support::lock::{self, OverTimedLock, TIMED_FORM};
use super::support::{CoordinatedKind, TIMES};
use crate::coordination::{AttemptWork, Coordinated, TimedAttempt};
use crate::kernel::{Kernel, Pace, Setting};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::TimedLock;

/// Parties that wait for a lock for a limited time.
///
/// By default, what they do under the lock is what they do under every other lock, so that the figures compare. Then nobody
/// gives up, unless the system interrupts a holder for longer than `limit_ms`. Whoever wants give-ups sets `hold_ms`, and a run
/// then takes as long as the lock is held.
pub const TIMED_LOCK: CoordinatedKind = CoordinatedKind {
    name: "timed-lock",
    why: "coordinates: all tasks increment one counter under a lock, and give up when they have waited for a time",
    parameters: &[
        Parameter {
            name: "attempts",
            why: "how many times a task waits; an attempt that fails is counted and not repeated",
            kind: TIMES,
            default: Some(DefaultValue::Count(1000)),
        },
        Parameter {
            name: "limit_ms",
            why: "how long a task waits for the lock",
            kind: ParameterKind::Milliseconds,
            default: Some(DefaultValue::Count(1)),
        },
        Parameter {
            name: "hold_ms",
            why: "how much longer a task keeps the lock than an increment takes; with more than `limit_ms`, others give up",
            kind: ParameterKind::Milliseconds,
            default: Some(DefaultValue::Count(0)),
        },
        TIMED_FORM,
    ],
    size_parameter: Some("attempts"),
    pace: Pace::Contention,
    latencies: &[],
    is_timing_the_work: false,
    fits: lock::fits_timed,
    build: lock::build_timed::<OfTimedLock>,
};

struct OfTimedLock;

impl OverTimedLock for OfTimedLock {
    fn build(
        lock: impl TimedLock,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>> {
        let party_count = setting.graph.task_count() as u64;
        let limit = parameters.milliseconds("limit_ms");
        let (attempts, hold) = (
            parameters.count("attempts"),
            parameters.milliseconds("hold_ms"),
        );
        let work = AttemptWork::new(TimedAttempt { lock, limit }, party_count, attempts, hold)?;
        Coordinated::boxed(work, setting)
    }
}
