use std::io;

use super::support::Form;
use super::support::lock::{LockForm, Need, OverReadWriteLock, READ_WRITE_FORM};
use crate::coordination::{Coordinated, ReadWriteWork};
use crate::kernel::{Kernel, KernelKind, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::ReadWriteLock;

/// Parties that read or increment one value under a lock that readers share.
pub const RWLOCK: RwLockKind = RwLockKind;

/// See [`RWLOCK`].
#[derive(Debug)]
pub struct RwLockKind;

impl KernelKind for RwLockKind {
    fn name(&self) -> &'static str {
        "rwlock"
    }

    fn why(&self) -> &'static str {
        "coordinates: all tasks read or increment one value, under a lock that readers share"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "operations",
                why: "how many times a task reads or increments the value",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 40,
                },
                default: Some(DefaultValue::Count(1000)),
            },
            Parameter {
                name: "read_percent",
                why: "how many of a hundred operations are reads",
                kind: ParameterKind::Count { min: 0, max: 100 },
                default: Some(DefaultValue::Count(90)),
            },
            READ_WRITE_FORM,
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
        Some("operations")
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Contention
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let workers = Form::of(setting);
        let form = LockForm::new(parameters.text("form"), Need::Nothing, workers);
        form.build_read_write(RwLockBuild {
            parameters,
            setting,
        })
    }
}

struct RwLockBuild<'a> {
    parameters: &'a Parameters,
    setting: &'a Setting<'a>,
}

impl OverReadWriteLock for RwLockBuild<'_> {
    fn build(self, lock: impl ReadWriteLock) -> io::Result<Box<dyn Kernel>> {
        let party_count = self.setting.graph.task_count() as u64;
        let (operations, read_percent) = (
            self.parameters.count("operations"),
            self.parameters.count("read_percent"),
        );
        let work = ReadWriteWork::new(lock, party_count, operations, read_percent)?;
        Coordinated::boxed(work, self.setting)
    }
}
