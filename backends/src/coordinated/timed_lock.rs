use std::io;

use super::support::Form;
use super::support::lock::{LockForm, Need, OverTimedLock, TIMED_FORM};
use crate::coordination::{AttemptWork, Coordinated, TimedAttempt};
use crate::kernel::{Kernel, KernelKind, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::TimedLock;

/// Parties that wait for a lock for a limited time.
pub const TIMED_LOCK: TimedLockKind = TimedLockKind;

/// See [`TIMED_LOCK`].
#[derive(Debug)]
pub struct TimedLockKind;

impl KernelKind for TimedLockKind {
    fn name(&self) -> &'static str {
        "timed-lock"
    }

    fn why(&self) -> &'static str {
        "coordinates: all tasks increment one counter under a lock, and give up when they have waited for a time"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "attempts",
                why: "how many times a task waits; an attempt that fails is counted and not repeated",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 40,
                },
                default: Some(DefaultValue::Count(10)),
            },
            Parameter {
                name: "limit_ms",
                why: "how long a task waits for the lock",
                kind: ParameterKind::Milliseconds,
                default: Some(DefaultValue::Count(1)),
            },
            Parameter {
                name: "hold_ms",
                why: "how long a task that has the lock keeps it",
                kind: ParameterKind::Milliseconds,
                default: Some(DefaultValue::Count(1)),
            },
            TIMED_FORM,
        ]
    }

    fn fits(&self, parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        LockForm::at(parameters.text("form"), Need::MoreThanStd, venue).map(drop)
    }

    fn coordinates(&self) -> bool {
        true
    }

    fn is_idempotent(&self) -> bool {
        // Its attempts stay counted.
        false
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("attempts")
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Contention
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let workers = Form::of(setting);
        let form = LockForm::new(parameters.text("form"), Need::MoreThanStd, workers);
        form.build_timed(TimedLockBuild {
            parameters,
            setting,
        })
    }
}

struct TimedLockBuild<'a> {
    parameters: &'a Parameters,
    setting: &'a Setting<'a>,
}

impl OverTimedLock for TimedLockBuild<'_> {
    fn build(self, lock: impl TimedLock) -> io::Result<Box<dyn Kernel>> {
        let party_count = self.setting.graph.task_count() as u64;
        let parameters = self.parameters;
        let limit = parameters.milliseconds("limit_ms");
        let (attempts, hold) = (
            parameters.count("attempts"),
            parameters.milliseconds("hold_ms"),
        );
        let work = AttemptWork::new(TimedAttempt { lock, limit }, party_count, attempts, hold)?;
        Coordinated::boxed(work, self.setting)
    }
}
