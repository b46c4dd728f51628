use std::io;

use super::support::Form;
use super::support::lock::{FORM, LockForm, Need, OverLock};
use crate::coordination::{Coordinated, MutexWork};
use crate::kernel::{Kernel, KernelKind, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::Lock;

/// Parties that increment one counter under a lock.
pub const MUTEX: MutexKind = MutexKind;

/// See [`MUTEX`].
#[derive(Debug)]
pub struct MutexKind;

impl KernelKind for MutexKind {
    fn name(&self) -> &'static str {
        "mutex"
    }

    fn why(&self) -> &'static str {
        "coordinates: all tasks increment one counter, each time under a lock"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "increments",
                why: "how many times a task increments it",
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
        // Its increments stay counted.
        false
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("increments")
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Contention
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let workers = Form::of(setting);
        let form = LockForm::new(parameters.text("form"), Need::Nothing, workers);
        form.build(MutexBuild {
            parameters,
            setting,
        })
    }
}

struct MutexBuild<'a> {
    parameters: &'a Parameters,
    setting: &'a Setting<'a>,
}

impl OverLock for MutexBuild<'_> {
    fn build(self, lock: impl Lock) -> io::Result<Box<dyn Kernel>> {
        let party_count = self.setting.graph.task_count() as u64;
        let work = MutexWork::new(lock, party_count, self.parameters.count("increments"))?;
        Coordinated::boxed(work, self.setting)
    }
}
