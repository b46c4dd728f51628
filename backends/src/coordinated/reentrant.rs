use std::io;

use super::support::Form;
use super::support::lock::{LockForm, Need, OverLock, REENTRANT_FORM};
use crate::coordination::{Coordinated, ReentrantWork};
use crate::kernel::{Kernel, KernelKind, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::Lock;

/// Parties that increment one counter under a lock that its holder takes again.
pub const REENTRANT: ReentrantKind = ReentrantKind;

/// See [`REENTRANT`].
#[derive(Debug)]
pub struct ReentrantKind;

impl KernelKind for ReentrantKind {
    fn name(&self) -> &'static str {
        "reentrant"
    }

    fn why(&self) -> &'static str {
        "coordinates: all tasks increment one counter under a lock that its holder takes again"
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
            Parameter {
                name: "depth",
                why: "how often a task takes the lock for one increment",
                kind: ParameterKind::Count { min: 1, max: 1000 },
                default: Some(DefaultValue::Count(3)),
            },
            REENTRANT_FORM,
        ]
    }

    fn fits(&self, parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        let form = LockForm::at(parameters.text("form"), Need::MoreThanStd, venue)?;
        match form {
            LockForm::Tokio | LockForm::Smol => {
                Err("async runtimes have no lock that its holder may take again".into())
            }
            _ => Ok(()),
        }
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
        let form = LockForm::new(parameters.text("form"), Need::MoreThanStd, workers);
        form.build_reentrant(ReentrantBuild {
            parameters,
            setting,
        })
    }
}

struct ReentrantBuild<'a> {
    parameters: &'a Parameters,
    setting: &'a Setting<'a>,
}

impl OverLock for ReentrantBuild<'_> {
    fn build(self, lock: impl Lock) -> io::Result<Box<dyn Kernel>> {
        let party_count = self.setting.graph.task_count() as u64;
        let (increments, depth) = (
            self.parameters.count("increments"),
            self.parameters.count("depth"),
        );
        let work = ReentrantWork::new(lock, party_count, increments, depth)?;
        Coordinated::boxed(work, self.setting)
    }
}
