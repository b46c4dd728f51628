use std::io;
use std::time::Duration;

use super::support::Form;
use super::support::lock::{FORM, LockForm, Need, OverLock};
use crate::coordination::{AttemptWork, Coordinated, TryAttempt};
use crate::kernel::{Kernel, KernelKind, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::Lock;

/// Parties that try to take a lock, and go on without it if another holds it.
pub const TRY_LOCK: TryLockKind = TryLockKind;

/// See [`TRY_LOCK`].
#[derive(Debug)]
pub struct TryLockKind;

impl KernelKind for TryLockKind {
    fn name(&self) -> &'static str {
        "try-lock"
    }

    fn why(&self) -> &'static str {
        "coordinates: all tasks try to increment one counter under a lock, and go on if another holds it"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "attempts",
                why: "how many times a task tries; an attempt that fails is counted and not repeated",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 40,
                },
                default: Some(DefaultValue::Count(1000)),
            },
            FORM,
        ]
    }

    fn fits(&self, parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        LockForm::at(parameters.text("form"), Need::Nothing, venue).map(drop)
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
        let form = LockForm::new(parameters.text("form"), Need::Nothing, workers);
        form.build(TryLockBuild {
            parameters,
            setting,
        })
    }
}

struct TryLockBuild<'a> {
    parameters: &'a Parameters,
    setting: &'a Setting<'a>,
}

impl OverLock for TryLockBuild<'_> {
    fn build(self, lock: impl Lock) -> io::Result<Box<dyn Kernel>> {
        let party_count = self.setting.graph.task_count() as u64;
        let attempts = self.parameters.count("attempts");
        let work = AttemptWork::new(TryAttempt(lock), party_count, attempts, Duration::ZERO)?;
        Coordinated::boxed(work, self.setting)
    }
}
