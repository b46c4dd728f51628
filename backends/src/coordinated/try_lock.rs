use std::io;
use std::time::Duration;

use super::support::lock::{self, FORM, OverLock};
use super::support::{CoordinatedKind, TIMES};
use crate::coordination::{AttemptWork, Coordinated, TryAttempt};
use crate::kernel::{Kernel, Pace, Setting};
use crate::parameter::{DefaultValue, Parameter, Parameters};
use crate::sync::Lock;

/// Parties that try to take a lock, and go on without it if another holds it.
pub const TRY_LOCK: CoordinatedKind = CoordinatedKind {
    name: "try-lock",
    why: "coordinates: all tasks try to increment one counter under a lock, and go on if another holds it",
    parameters: &[
        Parameter {
            name: "attempts",
            why: "how many times a task tries; an attempt that fails is counted and not repeated",
            kind: TIMES,
            default: Some(DefaultValue::Count(1000)),
        },
        FORM,
    ],
    size_parameter: Some("attempts"),
    pace: Pace::Contention,
    latencies: &[],
    is_timing_the_work: false,
    fits: lock::fits,
    build: lock::build::<OfTryLock>,
};

struct OfTryLock;

impl OverLock for OfTryLock {
    fn build(
        lock: impl Lock,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>> {
        let party_count = setting.graph.task_count() as u64;
        let attempts = parameters.count("attempts");
        let work = AttemptWork::new(TryAttempt(lock), party_count, attempts, Duration::ZERO)?;
        Coordinated::boxed(work, setting)
    }
}
